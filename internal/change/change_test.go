package change

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/kustomize/api/types"

	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/object/manifest"
	"github.com/assaydev/assay/internal/spec"
)

// repo is the files of a txtar archive. A file "NAME -> TARGET" is a link.
func repo(archive string) *envfs.FS {
	files := fstest.MapFS{}
	for _, f := range txtar.Parse([]byte(archive)).Files {
		if name, target, ok := strings.Cut(f.Name, " -> "); ok {
			files[name] = &fstest.MapFile{Data: []byte(target), Mode: fs.ModeSymlink}
			continue
		}
		files[f.Name] = &fstest.MapFile{Data: f.Data}
	}
	return envfs.New(files, envfs.Limits{})
}

// renders is a baseline with these images.
func renders(refs ...string) []*unstructured.Unstructured {
	var containers []any
	for i, ref := range refs {
		containers = append(containers, map[string]any{"name": fmt.Sprintf("c%d", i), "image": ref})
	}
	return []*unstructured.Unstructured{{Object: map[string]any{
		"apiVersion": "apps/v1", "kind": "Deployment", "metadata": map[string]any{"name": "web"},
		"spec": map[string]any{"template": map[string]any{"spec": map[string]any{"containers": containers}}},
	}}}
}

func image(name, tag string) types.Image { return types.Image{Name: name, NewTag: tag} }

// flatInput is the flat environment in shop/ of the archive.
func flatInput(t testing.TB, archive string, images ...types.Image) Input {
	t.Helper()
	in := Input{FS: repo(archive), Dir: "shop", Marker: "shop/candidate.yaml", PlanFile: "shop/assay.yaml", Layout: spec.Flat, Change: spec.Change{Images: images}}
	for _, f := range txtar.Parse([]byte(archive)).Files {
		if !strings.HasPrefix(f.Name, "shop/") {
			continue
		}
		name, _, _ := strings.Cut(f.Name, " -> ")
		in.Files = append(in.Files, name)
		in.Baseline = append(in.Baseline, decode(t, in.FS, name)...)
	}
	return in
}

func decode(t testing.TB, fsys *envfs.FS, name string) []*unstructured.Unstructured {
	t.Helper()
	data, err := fsys.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	objs, err := manifest.Decode(name, data, manifest.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	objs, err = manifest.Flatten(name, objs)
	if err != nil {
		t.Fatal(err)
	}
	return objs
}

// wantEdit makes the change, compares all edited files, and makes it again on
// the result, which must be a no-op.
func wantEdit(t *testing.T, in Input, want map[string]string) {
	t.Helper()
	edit, err := Make(in)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for name, data := range edit.Files {
		got[name] = string(data)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	in.FS = in.FS.With(edit.Files)
	if in.Layout == spec.Flat {
		in.Baseline = nil
		for _, name := range in.Files {
			in.Baseline = append(in.Baseline, decode(t, in.FS, name)...)
		}
	}
	again, err := Make(in)
	if !errors.Is(err, ErrNothing) {
		t.Errorf("the second time: %v, files %q", err, again.Files)
	}
}

func wantError(t *testing.T, in Input, parts ...string) {
	t.Helper()
	edit, err := Make(in)
	if err == nil {
		t.Fatalf("no error: %q", edit.Files)
	}
	if edit.Files != nil {
		t.Error("an error came with files")
	}
	for _, part := range append(parts, in.Marker) {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error lacks %q: %v", part, err)
		}
	}
	if len(err.Error()) > 2048 {
		t.Errorf("the message has %d bytes", len(err.Error()))
	}
}

func TestWhatIsNotAChange(t *testing.T) {
	flat := "-- shop/a.yaml --\napiVersion: v1\nkind: Pod\nspec: {containers: [{image: web:v1}]}\n"
	tests := map[string]struct {
		change spec.Change
		want   string
	}{
		"empty":          {spec.Change{}, "spec.images: there is no change"},
		"blank diff":     {spec.Change{Diff: "\n"}, "spec.images: there is no change"},
		"values":         {spec.Change{Values: map[string]any{"a": 1}}, "spec.values: only a Helm chart has values, and shop is flat"},
		"no name":        {spec.Change{Images: []types.Image{{NewTag: "v2"}}}, "spec.images[0].name: missing"},
		"nothing":        {spec.Change{Images: []types.Image{{Name: "web"}}}, "spec.images[0].name: nothing to change"},
		"second":         {spec.Change{Images: []types.Image{{Name: "web", NewTag: "v2"}, {Name: "web"}}}, "spec.images[1].name: nothing to change"},
		"twice":          {spec.Change{Images: []types.Image{{Name: "web", NewTag: "v2"}, {Name: "web", NewTag: "v3"}}}, "spec.images[1].name: web is already changed by images[0]"},
		"bad tag":        {spec.Change{Images: []types.Image{{Name: "web", NewTag: "v2\nx: y"}}}, "spec.images[0].newTag: is not a tag"},
		"bad digest":     {spec.Change{Images: []types.Image{{Name: "web", Digest: "abc"}}}, "spec.images[0].digest: is not a digest"},
		"bad name":       {spec.Change{Images: []types.Image{{Name: "web", NewName: "a b"}}}, "spec.images[0].newName: is not an image name"},
		"tag in name":    {spec.Change{Images: []types.Image{{Name: "web", NewName: "a:v2"}}}, "spec.images[0].newName: holds a tag or digest"},
		"bad suffix":     {spec.Change{Images: []types.Image{{Name: "web", TagSuffix: ":x"}}}, "spec.images[0].tagSuffix: is not part"},
		"suffix and tag": {spec.Change{Images: []types.Image{{Name: "web", TagSuffix: "-x", NewTag: "v2"}}}, "spec.images[0].tagSuffix: excludes"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			in := flatInput(t, flat)
			in.Change = tt.change
			wantError(t, in, "shop/candidate.yaml: "+tt.want)
		})
	}
}

func TestUpdated(t *testing.T) {
	tests := []struct {
		ref  string
		im   types.Image
		want string
	}{
		{"a:v1", types.Image{NewTag: "v2"}, "a:v2"},
		{"a", types.Image{NewTag: "v2"}, "a:v2"},
		{"r:5000/a", types.Image{NewTag: "v2"}, "r:5000/a:v2"},
		{"a@sha256:1", types.Image{NewTag: "v2"}, "a:v2"},
		{"a:v1@sha256:1", types.Image{NewTag: "v2"}, "a:v2"},
		{"a:v1", types.Image{Digest: "sha256:2"}, "a@sha256:2"},
		{"a:v1", types.Image{NewTag: "v2", Digest: "sha256:2"}, "a:v2@sha256:2"},
		{"a:v1@sha256:1", types.Image{NewName: "b"}, "b:v1@sha256:1"},
		{"a:v1", types.Image{NewName: "b/c", NewTag: "v2"}, "b/c:v2"},
		{"a:v1", types.Image{TagSuffix: "-x"}, "a:v1-x"},
		{"a:v1-x", types.Image{TagSuffix: "-x"}, "a:v1-x"},
		{"a:v1@sha256:1", types.Image{TagSuffix: "-x"}, "a:v1-x"},
	}
	for _, tt := range tests {
		if got := updated(tt.ref, tt.im); got != tt.want {
			t.Errorf("%s with %+v: %s, want %s", tt.ref, tt.im, got, tt.want)
		}
	}
}
