package main

import (
	"fmt"
	"path"
)

const (
	skipLine = "# +argocd:skip-file-rendering\n"
	image    = "example.com/shop/web"
)

// environment is the tree of a small environment, whose plan says this of
// promotion.
func environment(dir, promotion string) map[string]string {
	return map[string]string{
		path.Join(dir, "assay.yaml"): skipLine + `apiVersion: assay.dev/v1alpha1
kind: Plan
metadata: {name: ` + dir + `}
spec:
  promotion: ` + promotion + `
`,
		path.Join(dir, "web.yaml"): `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: ` + image + `:1.0.0 # set by promotion
`,
		path.Join(dir, "config.yaml"): config("config", 0),
	}
}

// config is a manifest that is not part of any experiment.
func config(name string, value int) string {
	return fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\ndata: {value: \"%d\"}\n", name, value)
}

// candidate is a marker for a tag.
func candidate(tag string) string {
	return skipLine + fmt.Sprintf(`apiVersion: assay.dev/v1alpha1
kind: Candidate
metadata: {name: "%[2]s"}
spec: {images: [{name: %[1]s, newTag: "%[2]s"}]}
`, image, tag)
}
