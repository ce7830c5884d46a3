package promote

import (
	"context"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assaydev/assay/examples"
	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/render"
	"github.com/assaydev/assay/test/envrepo"
)

func mustRequest(t *testing.T, dir, env string) render.Request {
	t.Helper()
	req, err := envrepo.Request(dir, env)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = req.FS.Close() })
	return req
}

func mustRender(t *testing.T, dir, env string) *render.Result {
	t.Helper()
	res, err := render.Environment(context.Background(), mustRequest(t, dir, env))
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func prepare(t *testing.T, dir, env string, outcome decision.Outcome) (*Edit, error) {
	t.Helper()
	return Prepare(t.Context(), mustRequest(t, dir, env), Options{Outcome: outcome})
}

func decided(t *testing.T, dir, env string, outcome decision.Outcome) *Edit {
	t.Helper()
	e, err := prepare(t, dir, env, outcome)
	if err != nil {
		t.Fatal(err)
	}
	apply(t, dir, e)
	return e
}

// apply writes an edit as it is. How files are written is tested in worktree.
func apply(t *testing.T, dir string, e *Edit) {
	t.Helper()
	for _, f := range e.Files {
		at := filepath.Join(dir, filepath.FromSlash(f.Path))
		err := os.Remove(at)
		if f.After != nil {
			err = os.WriteFile(at, f.After, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// repo is an env repo with one environment.
type repo struct {
	name, env string
	files     envrepo.Files // with the marker
}

// repos are the examples and, where they are at hand, real environments, each
// with a marker.
func repos(t *testing.T) []repo {
	t.Helper()
	var list []repo
	shop := envrepo.Read(t, examples.FS())
	for _, e := range examples.All() {
		list = append(list, repo{"examples/" + e.Dir, e.Dir, shop.With(envrepo.Files{path.Join(e.Dir, "candidate.yaml"): shop[e.Candidate]})})
	}
	corpus := os.Getenv("ASSAY_CORPUS")
	if corpus == "" {
		t.Log("ASSAY_CORPUS is not set: the laws are checked on the examples alone")
		return list
	}
	all := envrepo.Read(t, os.DirFS(corpus))
	const chart = "helm: {releaseName: r, namespace: default}"
	for _, c := range []struct{ env, plan, change string }{
		{"podinfo/kustomize", "queue: every", "images: [{name: podinfo, newTag: 9.9.9}]"},
		{"podinfo/charts/podinfo", chart, "values: {image: {tag: 9.9.9}}"},
		{"example-apps/guestbook", "queue: every", "images: [{name: gb-frontend, newTag: v9}]"},
		{"example-apps/kustomize-guestbook", "queue: every", "images: [{name: gb-frontend, newTag: v9}]"},
		{"example-apps/helm-guestbook", chart, "values: {image: {tag: '9.9'}}"},
		{"example-apps/pre-post-sync", "queue: every", "images: [{name: gb-frontend, newTag: v9}]"},
	} {
		top, _, _ := strings.Cut(c.env, "/")
		marker := envrepo.Skip + "apiVersion: assay.dev/v1alpha1\nkind: Candidate\nmetadata: {name: next}\nspec:\n  " + c.change + "\n"
		tree := envrepo.Files{path.Join(c.env, "assay.yaml"): envrepo.Plan(c.plan), path.Join(c.env, "candidate.yaml"): marker}
		for name, text := range all {
			if in, _, _ := strings.Cut(name, "/"); in == top {
				if _, ours := tree[name]; !ours {
					tree[name] = text
				}
			}
		}
		list = append(list, repo{"corpus/" + c.env, c.env, tree})
	}
	return list
}
