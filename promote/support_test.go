package promote

import (
	"context"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaydev/assay/examples"
	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/render"
)

// files are a tree by slash path.
type files map[string]string

// on writes the tree to a new directory.
func (f files) on(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range f {
		put(t, dir, name, text)
	}
	return dir
}

func put(t *testing.T, dir, name, text string) {
	t.Helper()
	at := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(at, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// read returns the tree in a directory, less Git's own files.
func read(t *testing.T, fsys fs.FS) files {
	t.Helper()
	out := files{}
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && name == ".git" {
			return fs.SkipDir
		}
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(fsys, name)
		out[name] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (f files) with(more files) files {
	out := maps.Clone(f)
	maps.Copy(out, more)
	return out
}

// request asks for an environment on the disk, read anew.
func request(dir, env string) (render.Request, error) {
	fsys, err := envfs.OpenDir(dir, envfs.Limits{})
	return render.Request{FS: fsys, Dir: env}, err
}

func mustRequest(t *testing.T, dir, env string) render.Request {
	t.Helper()
	req, err := request(dir, env)
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

func prepare(t *testing.T, dir, env string, outcome Outcome) (*Edit, error) {
	t.Helper()
	return Prepare(t.Context(), mustRequest(t, dir, env), Options{Outcome: outcome})
}

func decided(t *testing.T, dir, env string, outcome Outcome) *Edit {
	t.Helper()
	e, err := prepare(t, dir, env, outcome)
	if err != nil {
		t.Fatal(err)
	}
	if err := Write(t.Context(), dir, e, nil); err != nil {
		t.Fatal(err)
	}
	return e
}

func same(t *testing.T, what string, want, got files) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s:\n%s", what, diff)
	}
}

const (
	deployment = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: NAME
spec:
  selector:
    matchLabels: {app: NAME}
  template:
    metadata:
      labels: {app: NAME}
    spec:
      containers:
      - name: NAME
        image: "example.com/shop/web:1.0.0"   # the version
`
	skip = "# +argocd:skip-file-rendering\n"
)

func markerHead(name string) string {
	return "apiVersion: assay.dev/v1alpha1\nkind: Candidate\nmetadata:\n  name: " + name + "\nspec:\n"
}

func markerText(tag string) string {
	return markerHead(tag) + "  images:\n  - name: example.com/shop/web\n    newTag: " + tag + "\n"
}

func planText(body string) string {
	return skip + "apiVersion: assay.dev/v1alpha1\nkind: Plan\nspec:\n  " + body + "\n"
}

// repo is an env repo with one environment.
type repo struct {
	name, env string
	files     files // with the marker
}

// repos are the examples and, where they are at hand, real environments, each
// with a marker.
func repos(t *testing.T) []repo {
	t.Helper()
	var list []repo
	shop := read(t, examples.FS())
	for _, e := range examples.All() {
		list = append(list, repo{"examples/" + e.Dir, e.Dir, shop.with(files{path.Join(e.Dir, "candidate.yaml"): shop[e.Candidate]})})
	}
	corpus := os.Getenv("ASSAY_CORPUS")
	if corpus == "" {
		t.Log("ASSAY_CORPUS is not set: the laws are checked on the examples alone")
		return list
	}
	all := read(t, os.DirFS(corpus))
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
		marker := skip + "apiVersion: assay.dev/v1alpha1\nkind: Candidate\nmetadata: {name: next}\nspec:\n  " + c.change + "\n"
		tree := files{path.Join(c.env, "assay.yaml"): planText(c.plan), path.Join(c.env, "candidate.yaml"): marker}
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
