package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/assaydev/assay/examples"
	"github.com/assaydev/assay/internal/spec"
)

// testCase is a directory that helm or kustomize renders.
type testCase struct {
	name   string
	root   string // of its repository
	dir    string // in it
	layout spec.Layout
	values string // a value file, for a chart
}

// trees are the cases of the examples and of the corpus.
func trees(work string) ([]testCase, error) {
	root := filepath.Join(work, "examples")
	if err := os.CopyFS(root, examples.FS()); err != nil {
		return nil, err
	}
	// Their plans have options that the real programs would not be given.
	for _, e := range examples.All() {
		if err := os.Remove(filepath.Join(root, filepath.FromSlash(e.Dir), "assay.yaml")); err != nil {
			return nil, err
		}
	}
	all, err := find("examples", root)
	if err != nil {
		return nil, err
	}
	corpus := os.Getenv("ASSAY_CORPUS")
	if corpus == "" {
		return all, nil
	}
	entries, err := os.ReadDir(corpus)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		found, err := find(e.Name(), filepath.Join(corpus, e.Name()))
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

// find lists the charts and kustomizations of a tree. What is in a chart belongs
// to it.
func find(name, root string) ([]testCase, error) {
	var all []testCase
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		c := testCase{name: strings.TrimSuffix(name+"/"+filepath.ToSlash(rel), "/."), root: root, dir: filepath.ToSlash(rel)}
		if exists(path, "Chart.yaml") {
			c.layout = spec.Helm
			all = append(all, c)
			files, err := filepath.Glob(filepath.Join(path, "values-*.yaml"))
			for _, file := range files {
				with := c
				with.values = filepath.Base(file)
				with.name += " " + with.values
				all = append(all, with)
			}
			if err != nil {
				return err
			}
			return fs.SkipDir
		}
		if exists(path, "kustomization.yaml") || exists(path, "kustomization.yml") || exists(path, "Kustomization") {
			c.layout = spec.Kustomize
			all = append(all, c)
		}
		return nil
	})
	return all, err
}

func exists(dir, name string) bool {
	_, err := os.Stat(filepath.Join(dir, name))
	return err == nil
}
