package render

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/spec"
)

func TestFind(t *testing.T) {
	const plan, marker = "apiVersion: assay.dev/v1alpha1\nkind: Plan\n", "apiVersion: assay.dev/v1alpha1\nkind: Candidate\nspec: {diff: x}\n"
	tree := fstest.MapFS{
		"assay.yaml": {Data: []byte(plan)}, "shop/prod/candidate.yaml": {Data: []byte(marker)},
		"shop/prod/assay.yaml": {Data: []byte(plan)}, "shop/prod/assay.eu.yaml": {Data: []byte(plan)}, "shop/prod/candidate.us.yaml": {Data: []byte(marker)},
		"shop/broken/assay.yaml":   {Data: []byte("apiVersion: assay.dev/v1alpha1\nkind: [")},
		"other/candidate.yaml":     {Data: []byte("apiVersion: v1\nkind: ConfigMap\n")},
		"other/assay.a.b.yaml":     {Data: []byte(plan)},
		"other/my-candidate.yaml":  {Data: []byte(marker)},
		"other/assay.yaml/x":       {Data: []byte(plan)},
		".git/assay.yaml":          {Data: []byte(plan)},
		"vendor/lib/.git":          {Data: []byte("gitdir: x")},
		"vendor/lib/assay.yaml":    {Data: []byte(plan)},
		"vendor/lib/in/assay.yaml": {Data: []byte(plan)},
		"link":                     {Mode: fs.ModeSymlink | 0o777, Data: []byte("shop")},
		".hidden/assay.yaml":       {Data: []byte(plan)},
	}
	got, err := Find(envfs.New(tree, envfs.Limits{}), ".")
	if err != nil {
		t.Fatal(err)
	}
	want := []spec.Environment{{Dir: ".", Name: ""}, {Dir: ".hidden", Name: ""}, {Dir: "shop/broken", Name: ""}, {Dir: "shop/prod", Name: ""}, {Dir: "shop/prod", Name: "eu"}, {Dir: "shop/prod", Name: "us"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got, err = Find(envfs.New(tree, envfs.Limits{}), "shop/broken"); err != nil || len(got) != 1 {
		t.Errorf("below: %v, %v", got, err)
	}
	if _, err = Find(envfs.New(tree, envfs.Limits{}), "nowhere"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("nowhere: %v", err)
	}
	tree["big/assay.yaml"] = &fstest.MapFile{Data: []byte(plan + strings.Repeat("#", 1000))}
	if _, err = Find(envfs.New(tree, envfs.Limits{FileBytes: 500}), "."); err == nil || !strings.Contains(err.Error(), "big/assay.yaml") {
		t.Errorf("a large plan: %v", err)
	}
}
