package change

import (
	"errors"
	"fmt"
	"math/rand"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/spec"
)

// randomImages changes some of the names, each in one way.
func randomImages(r *rand.Rand, names []string) []types.Image {
	var out []types.Image
	for _, i := range r.Perm(len(names))[:1+r.Intn(len(names))] {
		im := types.Image{Name: names[i]}
		switch r.Intn(5) {
		case 0:
			im.Digest = "sha256:" + strings.Repeat(fmt.Sprint(r.Intn(10)), 8)
		case 1:
			im.NewTag, im.Digest = fmt.Sprintf("v%d", r.Intn(4)), "sha256:0123"
		case 2:
			im.NewName, im.NewTag = fmt.Sprintf("new.example.com:5000/app%d", i), fmt.Sprint(r.Intn(20))
		case 3:
			im.TagSuffix = "-debug"
		default:
			im.NewTag = fmt.Sprintf("v%d", r.Intn(4))
		}
		out = append(out, im)
	}
	return out
}

func randomRef(r *rand.Rand, name string) string {
	return name + []string{"", ":v1", ":1.10", "@sha256:aa", ":v2@sha256:bb"}[r.Intn(5)]
}

// Each written reference becomes what the rule says, and no other byte moves.
func TestFlatEditsNothingElse(t *testing.T) {
	names := []string{"web", "iter8/web", "quay.io/shop/cart", "r:5000/x"}
	for seed := range int64(300) {
		r := rand.New(rand.NewSource(seed)) //nolint:gosec // a fixed sequence is wanted
		images := randomImages(r, names)
		var before, after strings.Builder
		write := func(s string) {
			before.WriteString(s)
			after.WriteString(s)
		}
		end := []string{"\n", "\r\n"}[r.Intn(2)]
		for d := range 1 + r.Intn(3) {
			write(strings.ReplaceAll(fmt.Sprintf("---\n# document %d, web:v1\napiVersion: v1\nkind: Pod\nmetadata: {name: p%d}\nspec:\n  containers:\n", d, d), "\n", end))
			for i := range r.Intn(4) {
				ref := randomRef(r, names[r.Intn(len(names))])
				now := ref
				for _, im := range images {
					if n, _, _ := object.SplitImage(ref); n == im.Name {
						now = updated(ref, im)
					}
				}
				style := []string{"  - image: %s", "  -   image:   '%s'  # c", "  - \"image\": \"%s\"", "  - {image: %s, x: y}", "  - {x: [1, 2], image: '%s'}"}[r.Intn(5)]
				fmt.Fprintf(&before, style, ref)
				fmt.Fprintf(&after, style, now)
				write(strings.Repeat(end, 1+r.Intn(2)))
				if r.Intn(3) == 0 {
					write(fmt.Sprintf("    # note %d: web:v1%s", i, end))
				}
			}
			write("  x: \"web:v1\"" + end)
		}
		in := flatInput(t, "-- shop/a.yaml --\n", images...)
		in.FS = in.FS.With(map[string][]byte{"shop/a.yaml": []byte(before.String())})
		in.Baseline = decode(t, in.FS, "shop/a.yaml")
		known := rendered(in.Baseline)
		in.Change.Images = slices.DeleteFunc(in.Change.Images, func(im types.Image) bool { return !slices.Contains(known, im.Name) })
		if len(in.Change.Images) == 0 {
			continue
		}
		edit, err := Make(in)
		if before.String() == after.String() {
			if !errors.Is(err, ErrNothing) && !strings.Contains(err.Error(), "has no tag") {
				t.Errorf("seed %d: nothing to do, and %v", seed, err)
			}
			continue
		}
		if err != nil && strings.Contains(err.Error(), "has no tag") {
			continue
		}
		if err != nil {
			t.Errorf("seed %d: %v", seed, err)
			continue
		}
		if got := string(edit.Files["shop/a.yaml"]); got != after.String() {
			t.Errorf("seed %d: %+v\ngot\n%s\nwant\n%s", seed, in.Change.Images, got, after.String())
		}
	}
}

// What Kustomize renders after the edit is what the change asks for.
func TestKustomizeRendersTheChange(t *testing.T) {
	names := []string{"web", "api", "quay.io/shop/cart"}
	for seed := range int64(100) {
		r := rand.New(rand.NewSource(seed)) //nolint:gosec // a fixed sequence is wanted
		var kustomization strings.Builder
		kustomization.WriteString("resources: [web.yaml]\n")
		for i, n := range r.Perm(len(names))[:r.Intn(len(names)+1)] {
			if i == 0 {
				kustomization.WriteString("images:\n")
			}
			fmt.Fprintf(&kustomization, "- name: %s\n", names[n])
			if r.Intn(3) == 0 {
				fmt.Fprintf(&kustomization, "  newName: renamed/%d\n", n)
			}
			kustomization.WriteString([]string{"  newTag: v0 # pinned\n", "  digest: sha256:cc\n", "  tagSuffix: -x\n", "  newTag: v1\n"}[r.Intn(4)])
		}
		archive := "-- prod/kustomization.yaml --\n" + kustomization.String()
		refs := []string{randomRef(r, names[0]), randomRef(r, names[1]), randomRef(r, names[2])}
		baseline := build(t, kustomization.String(), refs)
		images := randomImages(r, rendered(baseline))
		in := kustomizeInput(archive, nil, images...)
		in.Baseline = baseline
		edit, err := Make(in)
		if errors.Is(err, ErrNothing) || err != nil && strings.Contains(err.Error(), "has no tag") {
			continue
		}
		if err != nil {
			t.Errorf("seed %d: %v", seed, err)
			continue
		}
		got := imagesOf(build(t, string(edit.Files["prod/kustomization.yaml"]), refs))
		for i, was := range imagesOf(baseline) {
			want := was
			for _, im := range images {
				if n, _, _ := object.SplitImage(was); n == im.Name {
					want = updated(was, im)
				}
			}
			if got[i] != want {
				t.Errorf("seed %d: %s with %+v is %s, want %s\n%s\n%s", seed, was, images, got[i], want, kustomization.String(), edit.Files["prod/kustomization.yaml"])
			}
		}
		in.FS = in.FS.With(edit.Files)
		in.Baseline = build(t, string(edit.Files["prod/kustomization.yaml"]), refs)
		if again, err := Make(in); !errors.Is(err, ErrNothing) {
			t.Errorf("seed %d, the second time: %v\n%s\n%s", seed, err, edit.Files, again.Files)
		}
	}
}

// build runs Kustomize on a kustomization of one workload.
func build(t *testing.T, kustomization string, refs []string) []*unstructured.Unstructured {
	t.Helper()
	data, err := renders(refs...)[0].MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	fsys := filesys.MakeFsInMemory()
	for name, content := range map[string][]byte{"web.yaml": data, "kustomization.yaml": []byte(kustomization)} {
		if err := fsys.WriteFile(name, content); err != nil {
			t.Fatal(err)
		}
	}
	m, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(fsys, ".")
	if err != nil {
		t.Fatalf("%v\n%s", err, kustomization)
	}
	data, err = m.Resources()[0].MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	o := &unstructured.Unstructured{}
	if err := o.UnmarshalJSON(data); err != nil {
		t.Fatal(err)
	}
	return []*unstructured.Unstructured{o}
}

func imagesOf(objs []*unstructured.Unstructured) []string {
	var out []string
	for _, o := range objs {
		for _, image := range object.Images(o) {
			out = append(out, image.Ref)
		}
	}
	return out
}

func FuzzFlat(f *testing.F) {
	f.Add("apiVersion: v1\nkind: Pod\nspec: {containers: [{image: web:v1}]}\n", "web", "v2")
	f.Add("apiVersion: v1\nkind: Pod\nx: &i web:v1\nspec:\n  containers:\n  - image: *i\n", "web", "v2")
	f.Add("a: {containers: [{image: \"iter8\\/web:v1\"}]}\n---\nb: {initContainers: [{image: 'x/web'}]}", "web", "1.10")
	f.Add("items:\n- containers:\n  - image: >\n      web\n", "web", "v2")
	f.Fuzz(func(t *testing.T, text, name, tag string) {
		in := flatInput(t, "", types.Image{Name: name, NewTag: tag})
		in.FS = in.FS.With(map[string][]byte{"shop/a.yaml": []byte(text)})
		in.Files = []string{"shop/a.yaml"}
		in.Baseline = renders(name + ":v1")
		edit, err := Make(in)
		if err != nil {
			return
		}
		in.FS = in.FS.With(edit.Files)
		if again, err := Make(in); !errors.Is(err, ErrNothing) {
			t.Errorf("the second time: %v\n%q\n%q", err, edit.Files, again.Files)
		}
	})
}

func FuzzHelmValues(f *testing.F) {
	f.Add("image:\n  tag: v1\n", "image.tag", "v2")
	f.Add("image: *a\nx: &a {tag: v1}\n", "image.tag", "v2")
	f.Add("", "a.b.c", "1")
	f.Add("a: [1]\n", "a.b", "x: y")
	f.Fuzz(func(t *testing.T, text, key, value string) {
		names := strings.Split(key, ".")
		values := map[string]any{names[len(names)-1]: value}
		for _, name := range slices.Backward(names[:len(names)-1]) {
			values = map[string]any{name: values}
		}
		in := helmInput("-- shop/values.yaml --\n", spec.HelmSource{}, spec.Change{Values: values})
		in.FS = in.FS.With(map[string][]byte{"shop/values.yaml": []byte(text)})
		edit, err := Make(in)
		if err != nil {
			return
		}
		got, err := decodeValues("values.yaml", edit.Files["shop/values.yaml"])
		if err != nil {
			t.Fatal(err)
		}
		if v, _ := get(got, names); v != value {
			t.Errorf("%q is %v, want %q in\n%s", key, v, value, edit.Files)
		}
		in.FS = in.FS.With(edit.Files)
		if again, err := Make(in); !errors.Is(err, ErrNothing) {
			t.Errorf("the second time: %v\n%q\n%q", err, edit.Files, again.Files)
		}
	})
}
