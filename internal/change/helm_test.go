package change

import (
	"maps"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"sigs.k8s.io/kustomize/api/types"

	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/spec"
)

// helmInput is a chart in shop/; every file named values*.yaml is a value
// file, in the archive's order.
func helmInput(archive string, h spec.HelmSource, c spec.Change, rendered ...string) Input {
	in := Input{
		FS: repo(archive), Dir: "shop", Marker: "shop/candidate.yaml", PlanFile: "shop/assay.yaml", Layout: spec.Helm,
		Plan: &spec.Plan{Spec: spec.PlanSpec{Helm: &h}}, Change: c, Baseline: renders(rendered...),
	}
	for _, f := range txtar.Parse([]byte(archive)).Files {
		if name, _, _ := strings.Cut(f.Name, " -> "); strings.Contains(name, "values") {
			in.ValueFiles = append(in.ValueFiles, name)
		}
	}
	in.Values = func(tree *envfs.FS, over map[string]any) (map[string]any, error) {
		values := map[string]any{}
		for _, file := range in.ValueFiles {
			data, err := tree.ReadFile(file)
			if err != nil {
				return nil, err
			}
			more, err := decodeValues(file, data)
			if err != nil {
				return nil, err
			}
			values = laid(values, more)
		}
		return laid(values, over), nil
	}
	return in
}

// laid merges values as Helm does.
func laid(values, over map[string]any) map[string]any {
	out := map[string]any{}
	maps.Copy(out, values)
	for key, v := range over {
		below, _ := out[key].(map[string]any)
		switch v := v.(type) {
		case nil:
			delete(out, key)
		case map[string]any:
			out[key] = laid(below, v)
		default:
			out[key] = v
		}
	}
	return out
}

const helmShop = `
-- shop/values.yaml --
# defaults
web:
  image:
    repository: registry.example.com/shop/web # where
    tag: "1.4.0" # version
  replicas: 2
cart:
  image: {registry: quay.io, repository: shop/cart, tag: v1, digest: "sha256:aa"}
proxy:
  image: envoyproxy/envoy:v1.30
features: [a, b]
-- shop/values-prod.yaml --
web:
  replicas: 3

cart:
  limits: {}
`

func TestHelmValues(t *testing.T) {
	type values = map[string]any
	own := strings.TrimPrefix(helmShop[:strings.Index(helmShop, "-- shop/values-prod")], "\n-- shop/values.yaml --\n")
	prod := helmShop[strings.Index(helmShop, "prod.yaml --\n")+len("prod.yaml --\n"):]
	edited := func(text, old, replacement string) string {
		if !strings.Contains(text, old) {
			t.Fatalf("no %q", old)
		}
		return strings.Replace(text, old, replacement, 1)
	}
	tests := map[string]struct {
		values values
		want   map[string]string
	}{
		"where the key is": {
			values{"web": values{"image": values{"tag": "1.5.0"}}},
			map[string]string{"shop/values.yaml": edited(own, `"1.4.0"`, `"1.5.0"`)},
		},
		"the last that has it": {
			values{"web": values{"replicas": float64(4)}},
			map[string]string{"shop/values-prod.yaml": edited(prod, "replicas: 3", "replicas: 4")},
		},
		"a new key": {
			values{"web": values{"debug": true}},
			map[string]string{"shop/values-prod.yaml": edited(prod, "replicas: 3\n", "replicas: 3\n  debug: true\n")},
		},
		"a new mapping": {
			values{"web": values{"probe": values{"path": "/"}}},
			map[string]string{"shop/values-prod.yaml": edited(prod, "replicas: 3\n", "replicas: 3\n  probe:\n    path: /\n")},
		},
		"a list": {
			values{"features": []any{"a", "c"}},
			map[string]string{"shop/values.yaml": edited(own, "features: [a, b]", "features: [a, c]")},
		},
		"null in the chart's own": {
			values{"web": values{"image": values{"tag": nil}}},
			map[string]string{"shop/values.yaml": edited(own, "    tag: \"1.4.0\" # version\n", "")},
		},
		"null elsewhere": {
			values{"web": values{"replicas": nil}},
			map[string]string{"shop/values-prod.yaml": edited(prod, "replicas: 3", "replicas: null")},
		},
		"two files": {
			values{"web": values{"image": values{"tag": "1.5.0"}, "replicas": int64(1)}},
			map[string]string{
				"shop/values.yaml":      edited(own, `"1.4.0"`, `"1.5.0"`),
				"shop/values-prod.yaml": edited(prod, "replicas: 3", "replicas: 1"),
			},
		},
		"one of two is there": {
			values{"web": values{"replicas": int64(3), "image": values{"tag": "1.5.0"}}},
			map[string]string{"shop/values.yaml": edited(own, `"1.4.0"`, `"1.5.0"`)},
		},
		"a word that YAML would retype": {
			values{"proxy": values{"image": "012"}},
			map[string]string{"shop/values.yaml": edited(own, "image: envoyproxy/envoy:v1.30", `image: "012"`)},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			wantEdit(t, helmInput(helmShop, spec.HelmSource{}, spec.Change{Values: tt.values}), tt.want)
		})
	}
}

func TestHelmValuesElsewhere(t *testing.T) {
	tag := spec.Change{Values: map[string]any{"image": map[string]any{"tag": "v2"}}}
	tests := map[string]struct {
		archive string
		want    map[string]string
	}{
		"an earlier file outside is overridden": {
			"-- shop/values.yaml --\nimage: {}\n-- values-shared.yaml --\nimage: {tag: v1}\n-- shop/values-prod.yaml --\nimage: {pull: Always}\n",
			map[string]string{"shop/values-prod.yaml": "image: {pull: Always, tag: v2}\n"},
		},
		"an empty file":      {"-- shop/values.yaml --\n", map[string]string{"shop/values.yaml": "image:\n  tag: v2\n"}},
		"a null gives way":   {"-- shop/values.yaml --\nimage: # none\n", map[string]string{"shop/values.yaml": "image: # none\n  tag: v2\n"}},
		"a scalar gives way": {"-- shop/values.yaml --\nimage: a:b\n", map[string]string{"shop/values.yaml": "image:\n  tag: v2\n"}},
		"a null in a later file": {
			"-- shop/values.yaml --\nimage: {tag: v1}\n-- shop/values-prod.yaml --\nimage: null\n",
			map[string]string{"shop/values-prod.yaml": "image:\n  tag: v2\n"},
		},
		"an alias":             {"-- shop/values.yaml --\nbase: &b {tag: v1}\nimage: *b\n", map[string]string{"shop/values.yaml": "base: &b {tag: v1}\nimage:\n  tag: v2\n"}},
		"a merge key":          {"-- shop/values.yaml --\nbase: &b {tag: v1, pull: Always}\nimage:\n  <<: *b\n", map[string]string{"shop/values.yaml": "base: &b {tag: v1, pull: Always}\nimage:\n  <<: *b\n  tag: v2\n"}},
		"an anchor overridden": {"-- shop/values.yaml --\nimage: &b {tag: v1}\nother: {<<: *b, tag: v0}\n", map[string]string{"shop/values.yaml": "image: &b {tag: v2}\nother: {<<: *b, tag: v0}\n"}},
		"another key's anchor": {"-- shop/values.yaml --\nimage: {tag: v1}\nx: &x {a: b}\ny: *x\n", map[string]string{"shop/values.yaml": "image: {tag: v2}\nx: &x {a: b}\ny: *x\n"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) { wantEdit(t, helmInput(tt.archive, spec.HelmSource{}, tag), tt.want) })
	}
}

// A default of a file outside is dropped by a null in a file inside.
func TestHelmNullOverAFileOutside(t *testing.T) {
	in := helmInput("-- shop/values.yaml --\nx: {}\n-- values-shared.yaml --\nimage: {tag: v1}\n-- shop/values-prod.yaml --\ny: {}\n", spec.HelmSource{},
		spec.Change{Values: map[string]any{"image": map[string]any{"tag": nil}}})
	wantEdit(t, in, map[string]string{"shop/values-prod.yaml": "y: {}\nimage:\n  tag: null\n"})
}

func TestHelmValuesErrors(t *testing.T) {
	tag := map[string]any{"image": map[string]any{"tag": "v2"}}
	const plain = "-- shop/values.yaml --\nimage: {tag: v1}\n"
	tests := map[string]struct {
		archive string
		helm    spec.HelmSource
		values  map[string]any
		want    []string
	}{
		"a later file outside": {
			plain + "-- values-shared.yaml --\nimage: {tag: v0}\n",
			spec.HelmSource{},
			tag,
			[]string{"spec.values.image.tag: values-shared.yaml sets image.tag after shop/values.yaml does"},
		},
		"a later file outside drops the parent": {
			plain + "-- values-shared.yaml --\nimage: null\n",
			spec.HelmSource{},
			tag,
			[]string{"values-shared.yaml sets image.tag after shop/values.yaml does"},
		},
		"a link to a file outside": {
			"-- values-base.yaml --\n{}\n-- shop/values.yaml -> ../values-base.yaml --\n",
			spec.HelmSource{},
			tag,
			[]string{"spec.values.image.tag: no value file lies inside shop"},
		},
		"valuesObject": {
			plain,
			spec.HelmSource{ValuesObject: map[string]any{"image": map[string]any{"tag": "x"}}, Values: "image: {tag: v9}"},
			tag,
			[]string{"shop/assay.yaml: spec.helm.valuesObject sets image.tag after shop/values.yaml does"},
		},
		"values":          {plain, spec.HelmSource{Values: "image: {tag: x}"}, tag, []string{"shop/assay.yaml: spec.helm.values sets image.tag"}},
		"parameter":       {plain, spec.HelmSource{Parameters: []spec.HelmParameter{{Name: "a", Value: "b"}, {Name: "image.tag", Value: "x"}}}, tag, []string{"shop/assay.yaml: spec.helm.parameters[1] sets image.tag"}},
		"parameter above": {plain, spec.HelmSource{Parameters: []spec.HelmParameter{{Name: "image", Value: "x"}}}, tag, []string{"spec.helm.parameters[0] sets image.tag"}},
		"parameter list":  {plain, spec.HelmSource{Parameters: []spec.HelmParameter{{Name: "image[0].tag", Value: "x"}}}, tag, []string{"spec.helm.parameters[0] sets image.tag"}},
		"file parameter":  {plain, spec.HelmSource{FileParameters: []spec.HelmFileParameter{{Name: "image.tag", Path: "x"}}}, tag, []string{"spec.helm.fileParameters[0] sets image.tag"}},
		"no value file":   {"-- shop/Chart.yaml --\n", spec.HelmSource{}, tag, []string{"no value file lies inside shop: add values.yaml", "spec.helm.valueFiles in shop/assay.yaml"}},
		"anchor": {
			"-- shop/values.yaml --\nimage: &b {tag: v1}\nother: *b\n",
			spec.HelmSource{},
			tag,
			[]string{"spec.values.image.tag: shop/values.yaml:1", "part of the anchor &b, which line 2 repeats", "assay candidate from"},
		},
		"nothing":            {plain, spec.HelmSource{}, map[string]any{"image": map[string]any{"tag": "v1"}}, []string{"the change changes nothing: image.tag has the value in shop/values.yaml:1"}},
		"nothing to delete":  {plain, spec.HelmSource{}, map[string]any{"image": map[string]any{"digest": nil}}, []string{"changes nothing: no value file has image.digest"}},
		"deleted everywhere": {plain + "-- shop/values-prod.yaml --\nx: {}\n", spec.HelmSource{}, map[string]any{"image": map[string]any{"digest": nil}}, []string{"changes nothing: no value file has image.digest"}},
		"deleted already":    {plain + "-- shop/values-prod.yaml --\nimage: {tag: null}\n", spec.HelmSource{}, map[string]any{"image": map[string]any{"tag": nil}}, []string{"changes nothing: image.tag is null in shop/values-prod.yaml"}},
		"an empty mapping":   {plain, spec.HelmSource{}, map[string]any{"image": map[string]any{}}, []string{"changes nothing: shop/values.yaml has image"}},
		"broken values":      {"-- shop/values.yaml --\na: [\n", spec.HelmSource{}, tag, []string{"shop/values.yaml: its values are not a YAML mapping"}},
		"broken plan values": {plain, spec.HelmSource{Values: "- a"}, tag, []string{"shop/assay.yaml: spec.helm.values: its values are not a YAML mapping"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			wantError(t, helmInput(tt.archive, tt.helm, spec.Change{Values: tt.values}), tt.want...)
		})
	}
}

func helmKeys() spec.HelmSource {
	return spec.HelmSource{ImageValues: map[string]spec.ImageKeys{
		"registry.example.com/shop/web": {Repository: "web.image.repository", Tag: "web.image.tag"},
		"quay.io/shop/cart":             {Registry: "cart.image.registry", Repository: "cart.image.repository", Tag: "cart.image.tag", Digest: "cart.image.digest"},
		"envoyproxy/envoy":              {Image: "proxy.image"},
	}}
}

func TestHelmImages(t *testing.T) {
	own := strings.TrimPrefix(helmShop[:strings.Index(helmShop, "-- shop/values-prod")], "\n-- shop/values.yaml --\n")
	tests := map[string]struct {
		image types.Image
		edits []string // old and new, in turn
	}{
		"tag":                 {types.Image{Name: "web", NewTag: "1.5.0"}, []string{`"1.4.0"`, `"1.5.0"`}},
		"name":                {types.Image{Name: "web", NewName: "quay.io/shop/site", NewTag: "1.5.0"}, []string{"registry.example.com/shop/web", "quay.io/shop/site", `"1.4.0"`, `"1.5.0"`}},
		"suffix":              {types.Image{Name: "web", TagSuffix: "-x"}, []string{`"1.4.0"`, `"1.4.0-x"`}},
		"a tag and a digest":  {types.Image{Name: "cart", NewTag: "v2"}, []string{"tag: v1", "tag: v2", `"sha256:aa"`, `""`}},
		"digest":              {types.Image{Name: "cart", Digest: "sha256:bb"}, []string{"sha256:aa", "sha256:bb"}},
		"both":                {types.Image{Name: "cart", NewTag: "v2", Digest: "sha256:bb"}, []string{"tag: v1", "tag: v2", "sha256:aa", "sha256:bb"}},
		"registry":            {types.Image{Name: "cart", NewName: "docker.io/other/basket"}, []string{"quay.io", "docker.io", "shop/cart", "other/basket"}},
		"the whole reference": {types.Image{Name: "envoy", NewTag: "v1.31"}, []string{"envoyproxy/envoy:v1.30", "envoyproxy/envoy:v1.31"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			want := strings.NewReplacer(tt.edits...).Replace(own)
			in := helmInput(helmShop, helmKeys(), spec.Change{Images: []types.Image{tt.image}},
				"registry.example.com/shop/web:1.4.0", "quay.io/shop/cart:v1@sha256:aa", "envoyproxy/envoy:v1.30")
			wantEdit(t, in, map[string]string{"shop/values.yaml": want})
		})
	}
	t.Run("a renamed image is found by its keys", func(t *testing.T) {
		archive := strings.Replace(helmShop, "registry.example.com/shop/web", "quay.io/shop/site", 1)
		in := helmInput(archive, helmKeys(), spec.Change{Images: []types.Image{{Name: "site", NewTag: "2"}}}, "quay.io/shop/site:1.4.0")
		wantEdit(t, in, map[string]string{"shop/values.yaml": strings.NewReplacer("registry.example.com/shop/web", "quay.io/shop/site", `"1.4.0"`, `"2"`).Replace(own)})
	})
	t.Run("a number for a tag", func(t *testing.T) {
		keys := spec.HelmSource{ImageValues: map[string]spec.ImageKeys{"web": {Tag: "tag"}}}
		in := helmInput("-- shop/values.yaml --\ntag: 1.4\n", keys, spec.Change{Images: []types.Image{{Name: "web", NewTag: "1.5"}}}, "web:1.4")
		wantEdit(t, in, map[string]string{"shop/values.yaml": "tag: \"1.5\"\n"})
	})
	t.Run("a key that no file has", func(t *testing.T) {
		keys := spec.HelmSource{ImageValues: map[string]spec.ImageKeys{"web": {Tag: `app\.io.image.tag`}}}
		in := helmInput("-- shop/values.yaml --\napp.io:\n  a: b\n", keys, spec.Change{Images: []types.Image{{Name: "web", NewTag: "v2"}}}, "web:v1")
		wantEdit(t, in, map[string]string{"shop/values.yaml": "app.io:\n  a: b\n  image:\n    tag: v2\n"})
	})
}

func TestHelmImageErrors(t *testing.T) {
	rendered := []string{"registry.example.com/shop/web:1.4.0", "quay.io/shop/cart:v1", "envoyproxy/envoy:v1.30", "example.com/sidecar:v1", "docker.io/web:v1"}
	keys := func(name string, k spec.ImageKeys) spec.HelmSource {
		return spec.HelmSource{ImageValues: map[string]spec.ImageKeys{name: k}}
	}
	tests := map[string]struct {
		helm  spec.HelmSource
		image types.Image
		want  []string
	}{
		"suggested keys": {spec.HelmSource{}, types.Image{Name: "shop/web", NewTag: "v2"}, []string{
			"spec.images[0].name: the plan does not say which values hold registry.example.com/shop/web; add to shop/assay.yaml:\nspec:\n  helm:\n    imageValues:\n" +
				"      registry.example.com/shop/web: {repository: web.image.repository, tag: web.image.tag}",
		}},
		"suggested registry": {spec.HelmSource{}, types.Image{Name: "cart", NewTag: "v2"}, []string{
			"quay.io/shop/cart: {registry: cart.image.registry, repository: cart.image.repository, tag: cart.image.tag, digest: cart.image.digest}",
		}},
		"suggested reference": {spec.HelmSource{}, types.Image{Name: "envoy", NewTag: "v2"}, []string{"envoyproxy/envoy: {image: proxy.image}"}},
		"blank":               {helmKeys(), types.Image{Name: "sidecar", NewTag: "v2"}, []string{"example.com/sidecar: {repository: KEY.OF.REPOSITORY, tag: KEY.OF.TAG}"}},
		"unknown":             {helmKeys(), types.Image{Name: "sidecra", NewTag: "v2"}, []string{"no image sidecra: did you mean example.com/sidecar?"}},
		"ambiguous":           {spec.HelmSource{}, types.Image{Name: "web", NewTag: "v2"}, []string{"web could be docker.io/web or registry.example.com/shop/web"}},
		"ambiguous keys": {
			spec.HelmSource{ImageValues: map[string]spec.ImageKeys{"a/web": {}, "b/web": {}}},
			types.Image{Name: "web", NewTag: "v2"},
			[]string{"web could be a/web or b/web"},
		},
		"no key for the tag":    {keys("web", spec.ImageKeys{Repository: "a"}), types.Image{Name: "web", NewTag: "v2"}, []string{"shop/assay.yaml: spec.helm.imageValues[web].tag is missing: name the value key"}},
		"no key for the digest": {keys("web", spec.ImageKeys{Tag: "a"}), types.Image{Name: "web", Digest: "sha256:aa"}, []string{"spec.helm.imageValues[web].digest is missing"}},
		"no key for the name":   {keys("web", spec.ImageKeys{Tag: "a"}), types.Image{Name: "web", NewName: "x"}, []string{"spec.helm.imageValues[web].repository is missing"}},
		"no key for the suffix": {keys("web", spec.ImageKeys{Repository: "a"}), types.Image{Name: "web", TagSuffix: "-x"}, []string{"spec.helm.imageValues[web].tag is missing"}},
		"no tag to add to":      {keys("web", spec.ImageKeys{Tag: "none.tag"}), types.Image{Name: "web", TagSuffix: "-x"}, []string{"spec.images[0].tagSuffix: no value file has a tag at none.tag"}},
		"no registry":           {helmKeys(), types.Image{Name: "cart", NewName: "other/cart"}, []string{"spec.images[0].newName: needs a registry, as in docker.io/other/cart: the chart takes the registry from cart.image.registry"}},
		"a list":                {keys("web", spec.ImageKeys{Tag: "a[0].tag"}), types.Image{Name: "web", NewTag: "v2"}, []string{"imageValues[web].tag: a[0].tag: items of lists cannot be named"}},
		"no path":               {keys("web", spec.ImageKeys{Tag: "a..tag"}), types.Image{Name: "web", NewTag: "v2"}, []string{"a..tag: is not a dotted path"}},
		"no reference":          {keys("web", spec.ImageKeys{Image: "none"}), types.Image{Name: "web", NewTag: "v2"}, []string{"no value file has none, which holds web by spec.helm.imageValues"}},
		"nothing":               {helmKeys(), types.Image{Name: "shop/web", NewTag: "1.4.0"}, []string{"the change changes nothing: web.image.tag is 1.4.0 already"}},
		"a parameter":           {spec.HelmSource{ImageValues: helmKeys().ImageValues, Parameters: []spec.HelmParameter{{Name: "web.image.tag", Value: "x"}}}, types.Image{Name: "shop/web", NewTag: "v2"}, []string{"spec.helm.parameters[0] sets web.image.tag after"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			wantError(t, helmInput(helmShop, tt.helm, spec.Change{Images: []types.Image{tt.image}}, rendered...), tt.want...)
		})
	}
}

// TestHelmContradictions: two parts of a change must not decide about the same
// value, in either order.
func TestHelmContradictions(t *testing.T) {
	type values = map[string]any
	rendered := []string{"registry.example.com/shop/web:1.4.0", "quay.io/shop/cart:v1", "envoyproxy/envoy:v1.30"}
	web := types.Image{Name: "shop/web", NewTag: "1.5.0"}
	shared := helmKeys()
	shared.ImageValues["quay.io/shop/cart"] = spec.ImageKeys{Tag: "web.image.tag"}
	tests := map[string]struct {
		helm   spec.HelmSource
		images []types.Image
		values values
		want   string // empty where they agree
	}{
		"another tag": {
			helmKeys(),
			[]types.Image{web},
			values{"web": values{"image": values{"tag": "1.6.0"}}},
			"spec.values.web.image.tag: web.image.tag contradicts spec.images[0], which sets web.image.tag: keep one of the two",
		},
		"another tag, where the image is there already": {
			helmKeys(),
			[]types.Image{{Name: "shop/web", NewTag: "1.4.0"}},
			values{"web": values{"image": values{"tag": "1.6.0"}}},
			"spec.values.web.image.tag: web.image.tag contradicts spec.images[0]",
		},
		"what leads to the tag": {
			helmKeys(),
			[]types.Image{web},
			values{"web": values{"image": nil}},
			"spec.values.web.image: web.image contradicts spec.images[0], which sets web.image.tag",
		},
		"two images with one key": {
			shared,
			[]types.Image{web, {Name: "cart", NewTag: "v2"}},
			nil,
			"spec.images[1]: web.image.tag contradicts spec.images[0]",
		},
		"the same tag":      {helmKeys(), []types.Image{web}, values{"web": values{"image": values{"tag": "1.5.0"}}}, ""},
		"another key":       {helmKeys(), []types.Image{web}, values{"web": values{"image": values{"pull": "Always"}}}, ""},
		"a key that begins": {helmKeys(), []types.Image{web}, values{"web": values{"image": values{"tagged": "x"}}}, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			in := helmInput(helmShop, tt.helm, spec.Change{Images: tt.images, Values: tt.values}, rendered...)
			if tt.want != "" {
				wantError(t, in, tt.want)
				return
			}
			if _, err := Make(in); err != nil {
				t.Error(err)
			}
		})
	}
}
