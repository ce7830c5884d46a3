package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/assaydev/assay/render/helm"
)

const (
	podinfoImage = "ghcr.io/stefanprodan/podinfo"
	many         = 25 // runs of a command that takes milliseconds
	few          = 7  // runs of one that takes seconds
)

// figures lays out the environments under dir and pairs the commands.
func figures(t tools, dir, corpus string) ([]figure, error) {
	all, err := generated(t, filepath.Join(dir, "generated"))
	if err != nil || corpus == "" {
		return all, err
	}
	repo := filepath.Join(dir, "corpus")
	if err := os.CopyFS(repo, os.DirFS(corpus)); err != nil {
		return nil, err
	}
	if err := markRepo(repo); err != nil {
		return nil, err
	}
	podinfo := filepath.Join(repo, "podinfo")
	chart, overlay := filepath.Join(podinfo, "charts/podinfo"), filepath.Join(podinfo, "kustomize")
	chart4 := filepath.Join(podinfo, "charts/podinfo-helm4")
	if err := os.CopyFS(chart4, os.DirFS(chart)); err != nil {
		return nil, err
	}
	all = append(all,
		figure{
			name: "helm-podinfo", bar: 0.6, repeats: many,
			a: t.render(chart),
			b: command{name: "helm", path: t.helm, dir: chart, args: []string{"template", "podinfo", ".", "--include-crds"}},
		},
		figure{
			name: "helm4-podinfo", bar: 0.6, repeats: many,
			a: t.render(chart4, "--helm", helm.Version4),
			b: command{name: "helm 4", path: t.helm4, dir: chart4, args: []string{"template", "podinfo", ".", "--include-crds"}},
		},
		t.againstKustomize("kustomize-podinfo", 2.0, overlay),
		t.againstKustomize("kustomize-flux-production", 1.2, filepath.Join(repo, "flux-example/apps/production")),
		t.againstKustomize("kustomize-flux-staging", 1.2, filepath.Join(repo, "flux-example/apps/staging")),
	)
	if err := errors.Join(writePlan(chart, podinfoImage, helm.Version3), writePlan(chart4, podinfoImage, helm.Version4)); err != nil {
		return nil, err
	}
	inOverlay, err := t.candidate("candidate-kustomize", overlay, podinfoImage)
	if err != nil {
		return nil, err
	}
	inChart, err := t.candidate("candidate-helm", chart, podinfoImage)
	if err != nil {
		return nil, err
	}
	inChart4, err := t.candidate("candidate-helm4", chart4, podinfoImage)
	if err != nil {
		return nil, err
	}
	return append(all, inOverlay, inChart, inChart4), nil
}

// generated are the figures that need no corpus.
func generated(t tools, dir string) ([]figure, error) {
	small, large := filepath.Join(dir, "flat-1000"), filepath.Join(dir, "flat-10000")
	overlay, shop := filepath.Join(dir, "overlay/prod"), filepath.Join(dir, "shop")
	for _, write := range []func() error{
		func() error { return writeFlat(small, 1_000) },
		func() error { return writeFlat(large, 10_000) },
		func() error { return writeOverlay(filepath.Dir(overlay), 100) },
		func() error { return writeShop(shop) },
		func() error { return markRepo(dir) },
	} {
		if err := write(); err != nil {
			return nil, err
		}
	}
	pair, err := t.candidate("candidate-flat", shop, shopImage)
	if err != nil {
		return nil, err
	}
	few10, all10000 := filepath.Join(dir, "environments-10"), filepath.Join(dir, "environments-10000")
	if err := errors.Join(writeEnvironments(few10, 10), writeEnvironments(all10000, 10_000)); err != nil {
		return nil, err
	}
	return []figure{
		{name: "promote-10000", bar: 1.3, repeats: many, a: t.promote(all10000), b: t.promote(few10)},
		{name: "flat-10000", bar: 12, memoryBar: 12, repeats: few, a: t.render(large), b: t.render(small)},
		t.againstKustomize("kustomize-overlay-300", 1.2, overlay),
		pair,
	}, nil
}

func (t tools) render(env string, flags ...string) command {
	return command{name: "assay", path: t.assay, dir: env, args: append([]string{"render", "--timeout", "5m"}, flags...)}
}

// promote promotes one environment of a tree, and starts over.
func (t tools) promote(dir string) command {
	env := environment(dir, 7)
	return command{
		name: "assay promote", path: t.assay, dir: dir, line: "promoted ", args: []string{"promote", env, "--reason", "bench"},
		reset: func() error {
			if err := writeShop(env); err != nil {
				return err
			}
			return writeCandidate(env, shopImage)
		},
	}
}

func (t tools) againstKustomize(name string, bar float64, env string) figure {
	return figure{
		name: name, bar: bar, repeats: many, a: t.render(env),
		b: command{name: "kustomize", path: t.kustomize, dir: env, args: []string{"build", "."}},
	}
}

// candidate copies an environment beside itself and adds a marker to the copy.
func (t tools) candidate(name, env, image string) (figure, error) {
	with := env + "-candidate"
	if err := os.CopyFS(with, os.DirFS(env)); err != nil {
		return figure{}, err
	}
	if err := writeCandidate(with, image); err != nil {
		return figure{}, err
	}
	pair := figure{name: name, bar: 2.0, repeats: many, a: t.render(with), b: t.render(env)}
	pair.a.name, pair.b.name = "with a candidate", "without"
	return pair, nil
}

// markRepo makes dir the top of a repository.
func markRepo(dir string) error {
	if err := os.MkdirAll(filepath.Join(dir, ".git"), 0o755); err != nil {
		return fmt.Errorf("mark the top of the repository: %w", err)
	}
	return nil
}
