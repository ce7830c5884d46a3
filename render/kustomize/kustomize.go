// Package kustomize renders a Kustomize environment with krusty, in process:
// the objects of `kustomize build`, with no network, no program run and
// nothing written.
//
//  1. Argo CD's source options are made in the environment's kustomization, in
//     memory, as `kustomize edit` makes them (edit.go).
//  2. krusty reads through fileSystem, which confines it to the repo.
//  3. Every kustomization is scanned as it is read (scan.go), and so is every
//     generator and transformer that it configures (plugin.go): what krusty
//     would fetch from afar is refused before it sees it (remote.go).
//  4. Builds with a schema of their own run alone (schema.go).
//  5. The result becomes unstructured objects, typed as Argo CD types
//     kustomize's output (objects.go); an error becomes one sentence (errors.go).
package kustomize

import (
	"context"
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"

	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/object/manifest"
	"github.com/assaydev/assay/internal/spec"
)

// Options are what a build depends on beside the files.
type Options struct {
	// Env is what ${NAME} stands for in images, common labels and, if asked
	// for, common annotations: Argo CD's ARGOCD_APP_* variables.
	Env map[string]string

	// Limits bound the objects that come out, and how often files are read:
	// bases that build bases twice over multiply.
	Limits manifest.Limits

	// Converted keeps objects by the text that they are read from, for builds of
	// trees that are much alike; it may be nil. Nobody changes the objects then.
	Converted *Converted
}

// Render returns what `kustomize build dir` prints with Argo CD's source
// options applied, in the same order, and what the user should know.
func Render(ctx context.Context, fsys *envfs.FS, dir string, src spec.KustomizeSource, opt Options) ([]*unstructured.Unstructured, []string, error) {
	e := edits{src: src, env: opt.Env, fsys: fsys, dir: dir}
	objs, err := build(ctx, fsys, dir, opt, e.apply)
	if err != nil {
		return nil, nil, err
	}
	return objs, e.warnings(), nil
}

// build runs krusty on dir. edit, which may be nil, changes the content of
// dir's own kustomization before anything reads it.
func build(ctx context.Context, fsys *envfs.FS, dir string, opt Options, edit editFunc) ([]*unstructured.Unstructured, error) {
	var objs []*unstructured.Unstructured
	lim := opt.Limits.WithDefaults()
	err := withSchema(func(alone bool) error {
		repo := newFileSystem(ctx, fsys, alone)
		repo.reads = lim.Documents
		if err := repo.editRoot(dir, edit); err != nil {
			return err
		}
		built, err := run(repo, dir)
		if repo.fault != nil {
			return repo.fault
		}
		if err != nil {
			return repo.explain(dir, err)
		}
		objs, err = objects(dir, built, lim, opt.Converted)
		if errors.Is(err, errEncode) {
			err = repo.blame(err)
		}
		return err
	})
	return objs, err
}

// run is krusty with the options of `kustomize build`. krusty panics on some
// input, such as an empty patch.
func run(repo *fileSystem, dir string) (built resmap.ResMap, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("kustomize cannot read this input: an empty patch, an empty file under crds, or a broken openapi schema")
		}
	}()
	options := krusty.MakeDefaultOptions()
	options.Reorder = krusty.ReorderOptionUnspecified
	return krusty.MakeKustomizer(options).Run(repo, absolute(dir))
}
