package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// crds and properties make about 12 MB.
const crds, properties = 240, 330

// markers are the figures of what a candidate costs: the processor's time, as
// processes take it.
func (t tools) markers(ctx context.Context, dir string, show func(...result)) error {
	if err := t.buildPeers(ctx); err != nil {
		return err
	}
	dir = filepath.Join(dir, "markers")
	flat, definitions := filepath.Join(dir, "flat"), filepath.Join(dir, "crds")
	if err := errors.Join(writeShop(flat), writeDefinitions(definitions), markRepo(dir)); err != nil {
		return fmt.Errorf("lay out environments: %w", err)
	}
	build := t.againstKustomize("kustomize-crds", 1.2, definitions)
	build.repeats, build.cpu = few, true
	list := []figure{build}
	add := func(name, env, image string, repeats int) error {
		with, err := t.candidate("candidate-cpu-"+name, env, image)
		with.repeats, with.cpu = repeats, true
		list = append(list, with, t.set("set-"+name, with.a.dir, image, repeats))
		return err
	}
	err := errors.Join(add("flat", flat, shopImage, many), add("crds", definitions, shopImage, few))
	if corpus := os.Getenv("ASSAY_CORPUS"); corpus != "" {
		podinfo := filepath.Join(dir, "podinfo")
		chart := filepath.Join(podinfo, "charts/podinfo")
		err = errors.Join(err, os.CopyFS(podinfo, os.DirFS(filepath.Join(corpus, "podinfo"))), writePlan(chart, podinfoImage, "v3"),
			add("kustomize", filepath.Join(podinfo, "kustomize"), podinfoImage, many), add("helm", chart, podinfoImage, many))
	}
	if err != nil {
		return fmt.Errorf("lay out environments: %w", err)
	}
	return measureAll(ctx, list, show)
}

// set compares `candidate set` with a render that has the marker which it writes.
func (t tools) set(name, env, image string, repeats int) figure {
	own := env + "-set"
	set := command{
		name: "assay candidate set", path: t.assay, dir: own, line: "wrote ", args: []string{"candidate", "set", "--timeout", "5m", "--image", image + ":1.2.0"},
		reset: func() error {
			if _, err := os.Stat(own); err != nil {
				if err := os.CopyFS(own, os.DirFS(env)); err != nil {
					return err
				}
			}
			return os.RemoveAll(filepath.Join(own, "candidate.yaml"))
		},
	}
	with := t.render(env)
	with.name = "render with the marker"
	return figure{name: name, bar: 2.2, repeats: repeats, a: set, b: with, cpu: true, apart: true}
}

// writeDefinitions writes a kustomization of large custom resource definitions, and
// one workload.
func writeDefinitions(dir string) error {
	err := write(filepath.Join(dir, "web.yaml"), func(w io.Writer) { fmt.Fprintf(w, deployment, "web", shopImage) })
	for i := range crds {
		err = errors.Join(err, write(filepath.Join(dir, fmt.Sprintf("crd-%d.yaml", i)), func(w io.Writer) { writeDefinition(w, i) }))
	}
	return errors.Join(err, write(filepath.Join(dir, "kustomization.yaml"), func(w io.Writer) {
		fmt.Fprint(w, "resources:\n- web.yaml\n")
		for i := range crds {
			fmt.Fprintf(w, "- crd-%d.yaml\n", i)
		}
	}))
}

func writeDefinition(w io.Writer, i int) {
	fmt.Fprintf(w, `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: kind%[1]ds.example.com
spec:
  group: example.com
  names:
    kind: Kind%[1]d
    plural: kind%[1]ds
  scope: Namespaced
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            properties:
`, i)
	for p := range properties {
		fmt.Fprintf(w, `              field%d:
                description: What the controller does with the resource, and what it does by default where nothing is said.
                type: string
`, p)
	}
}
