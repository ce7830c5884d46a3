package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

const (
	shopImage = "registry.example.com/shop/web"
	perFile   = 100 // objects
)

const deployment = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: %[1]s
  labels:
    app: %[1]s
spec:
  replicas: 2
  selector:
    matchLabels:
      app: %[1]s
  template:
    metadata:
      labels:
        app: %[1]s
    spec:
      containers:
      - name: web
        image: %[2]s:1.0.0
        ports:
        - name: http
          containerPort: 8080
        envFrom:
        - configMapRef:
            name: %[1]s
        readinessProbe:
          httpGet:
            path: /ready
            port: http
        resources:
          requests:
            cpu: 100m
            memory: 64Mi
`

const service = `apiVersion: v1
kind: Service
metadata:
  name: %[1]s
spec:
  selector:
    app: %[1]s
  ports:
  - name: http
    port: 80
    targetPort: http
`

const configMap = `apiVersion: v1
kind: ConfigMap
metadata:
  name: %[1]s
data:
  LOG_LEVEL: info
  GREETING: "hello from %[1]s"
`

// write creates a file and lets fill write its content.
func write(name string, fill func(io.Writer)) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	defer file.Close()
	out := bufio.NewWriter(file)
	fill(out)
	return out.Flush()
}

// writeFlat writes a directory of manifests, several to a file.
func writeFlat(dir string, objects int) error {
	templates := []string{deployment, service, configMap}
	for first := 0; first < objects; first += perFile {
		err := write(filepath.Join(dir, fmt.Sprintf("objects-%05d.yaml", first)), func(w io.Writer) {
			for i := first; i < min(first+perFile, objects); i++ {
				fmt.Fprint(w, "---\n")
				fmt.Fprintf(w, templates[i%len(templates)], fmt.Sprintf("app-%d", i/len(templates)), shopImage)
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// writeOverlay writes a base of apps, three objects each, and an overlay that
// changes all of them.
func writeOverlay(dir string, apps int) error {
	name := func(i int) string { return fmt.Sprintf("app-%03d", i) }
	for i := range apps {
		err := write(filepath.Join(dir, "base", name(i)+".yaml"), func(w io.Writer) {
			for _, template := range []string{deployment, service, configMap} {
				fmt.Fprint(w, "---\n")
				fmt.Fprintf(w, template, name(i), shopImage)
			}
		})
		if err != nil {
			return err
		}
	}
	err := write(filepath.Join(dir, "base/kustomization.yaml"), func(w io.Writer) {
		fmt.Fprintln(w, "resources:")
		for i := range apps {
			fmt.Fprintf(w, "- %s.yaml\n", name(i))
		}
	})
	if err != nil {
		return err
	}
	return write(filepath.Join(dir, "prod/kustomization.yaml"), func(w io.Writer) {
		fmt.Fprintf(w, `resources: [../base]
namespace: prod
namePrefix: prod-
labels:
- pairs: {tier: web}
images:
- name: %s
  newTag: 1.1.0
patches:
- patch: |-
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: app-000}
    spec:
      template:
        spec:
          containers:
          - name: web
            env: [{name: MODE, value: prod}]
- target: {kind: Deployment, name: app-00.}
  patch: |-
    - op: replace
      path: /spec/replicas
      value: 5
`, shopImage)
	})
}

// writeShop writes a small directory of manifests.
func writeShop(dir string) error {
	for name, template := range map[string]string{"deployment": deployment, "service": service, "config": configMap} {
		err := write(filepath.Join(dir, name+".yaml"), func(w io.Writer) { fmt.Fprintf(w, template, "web", shopImage) })
		if err != nil {
			return err
		}
	}
	return nil
}

// writeEnvironments writes a repository of small environments.
func writeEnvironments(dir string, number int) error {
	for i := range number {
		if err := writeShop(environment(dir, i)); err != nil {
			return err
		}
	}
	return markRepo(dir)
}

// environment is the directory of one of them.
func environment(dir string, i int) string {
	return filepath.Join(dir, fmt.Sprintf("team-%03d", i/100), fmt.Sprintf("app-%02d", i%100))
}

// writeCandidate writes a marker for a new tag of an image.
func writeCandidate(dir, image string) error {
	return write(filepath.Join(dir, "candidate.yaml"), func(w io.Writer) { fmt.Fprint(w, candidateText(image)) })
}

func candidateText(image string) string {
	return fmt.Sprintf(`# +argocd:skip-file-rendering
apiVersion: assay.dev/v1alpha1
kind: Candidate
metadata: {name: "1.2.0"}
spec: {images: [{name: %s, newTag: 1.2.0}]}
`, image)
}

// writePlan writes the plan that a chart needs for a marker.
func writePlan(dir, image, version string) error {
	return write(filepath.Join(dir, "assay.yaml"), func(w io.Writer) {
		fmt.Fprintf(w, `# +argocd:skip-file-rendering
apiVersion: assay.dev/v1alpha1
kind: Plan
spec:
  helm:
    version: %s
    releaseName: podinfo
    namespace: podinfo
    imageValues: {%s: {repository: image.repository, tag: image.tag}}
`, version, image)
	})
}
