package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// The environments that the plugin's servers are measured with.

// environments are the five, two of them from the corpus.
func (s nativeServers) environments() ([]environmentUnder, error) {
	at := filepath.Join(s.dir, "environments")
	small, large, chart := filepath.Join(at, "flat-30"), filepath.Join(at, "flat-1000"), filepath.Join(at, "chart-200")
	if err := errors.Join(writeFlat(small, 30), writeFlat(large, 1000), writeChart(chart, 200)); err != nil {
		return nil, err
	}
	helm, kustomize, cat := []string{s.helm, "template", "."}, []string{s.kustomize, "build", "."}, []string{"/bin/sh", "-c", "for f in objects-*.yaml; do cat $f; echo ---; done"}
	list := []environmentUnder{
		{name: "flat-30", image: shopImage, peer: cat, file: "objects-00000.yaml", value: "info"},
		{name: "flat-1000", image: shopImage, peer: cat, file: "objects-00300.yaml", value: "info"},
		{name: "chart-200", image: shopImage, peer: helm, file: "values.yaml", value: "info"},
	}
	from := map[string]string{"flat-30": small, "flat-1000": large, "chart-200": chart}
	if corpus := os.Getenv("ASSAY_CORPUS"); corpus != "" {
		podinfo := filepath.Join(corpus, "podinfo")
		from["podinfo-chart"], from["podinfo-kustomize"] = filepath.Join(podinfo, "charts/podinfo"), filepath.Join(podinfo, "kustomize")
		list = append(list,
			environmentUnder{name: "podinfo-chart", image: podinfoImage, peer: helm, file: "values.yaml", value: "replicaCount: 1"},
			environmentUnder{name: "podinfo-kustomize", image: podinfoImage, peer: kustomize, file: "hpa.yaml", value: "averageUtilization: 99"},
		)
	}
	for i := range list {
		files, err := filesOf(from[list[i].name])
		if err != nil {
			return nil, err
		}
		if !strings.Contains(files[list[i].file], list[i].value) {
			return nil, fmt.Errorf("%s: %s has no %q", list[i].name, list[i].file, list[i].value)
		}
		list[i].files = files
	}
	return list, nil
}

// filesOf are the files of a directory.
func filesOf(dir string) (map[string]string, error) {
	files := map[string]string{}
	root := os.DirFS(dir)
	return files, fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(root, name)
		files[name] = string(data)
		return err
	})
}

// writeKustomization writes one of so many objects of its own.
func writeKustomization(dir string, objects int) error {
	return errors.Join(writeFlat(dir, objects), write(filepath.Join(dir, "kustomization.yaml"), func(w io.Writer) {
		fmt.Fprint(w, "resources:\n")
		for first := 0; first < objects; first += perFile {
			fmt.Fprintf(w, "- objects-%05d.yaml\n", first)
		}
		fmt.Fprintf(w, "namePrefix: prod-\nimages:\n- name: %s\n  newTag: 1.1.0\n", shopImage)
	}))
}

// writeChart writes a chart of so many objects, of the shop's kinds.
func writeChart(dir string, objects int) error {
	err := errors.Join(
		write(filepath.Join(dir, "Chart.yaml"), func(w io.Writer) { fmt.Fprint(w, "apiVersion: v2\nname: shop\nversion: 1.0.0\n") }),
		write(filepath.Join(dir, "values.yaml"), func(w io.Writer) {
			fmt.Fprintf(w, "image:\n  repository: %s\n  tag: 1.0.0\nlevel: info\n", shopImage)
		}),
	)
	templates := []string{deployment, service, configMap}
	for i := range objects {
		text := fmt.Sprintf(templates[i%len(templates)], fmt.Sprintf("app-%d", i/len(templates)), "IMAGE")
		text, _, _ = strings.Cut(text, "%!(EXTRA")
		text = strings.NewReplacer("IMAGE:1.0.0", "{{ .Values.image.repository }}:{{ .Values.image.tag }}", "LOG_LEVEL: info", "LOG_LEVEL: {{ .Values.level }}").Replace(text)
		err = errors.Join(err, write(filepath.Join(dir, "templates", fmt.Sprintf("object-%03d.yaml", i)), func(w io.Writer) { fmt.Fprint(w, text) }))
	}
	return err
}

// inRepository lays an environment into a repository below a name.
func (e environmentUnder) inRepository(name string, candidate bool) map[string]string {
	files := map[string]string{"README.md": "# environments\n"}
	maps.Copy(files, e.beside)
	for file, text := range e.files {
		files[path.Join(name, file)] = text
	}
	if candidate {
		files[path.Join(name, "candidate.yaml")] = candidateText(e.image)
		if _, chart := e.files["Chart.yaml"]; chart {
			files[path.Join(name, "assay.yaml")] = fmt.Sprintf("# +argocd:skip-file-rendering\napiVersion: assay.dev/v1alpha1\nkind: Plan\nspec:\n  helm:\n    releaseName: %s\n    namespace: web\n    imageValues: {%s: {repository: image.repository, tag: image.tag}}\n", strings.ReplaceAll(e.name, "-", ""), e.image)
		}
	}
	return files
}
