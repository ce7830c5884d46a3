package change

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/kustomize/api/types"
)

const flatShop = `
-- shop/web.yaml --
# the front
apiVersion: apps/v1
kind: Deployment
metadata:
  name: productpage
spec:
  template:
    spec:
      initContainers:
      - {name: init, image: "iter8/productpage:v1"} # same image
      containers:
        - name: productpage
          image: iter8/productpage:v1   # the tag
        - name: proxy
          image: 'envoyproxy/envoy:v1.30'


---
apiVersion: v1
kind: List
items:
- apiVersion: batch/v1
  kind: CronJob
  metadata: {name: warm}
  spec:
    jobTemplate:
      spec:
        template:
          spec:
            containers:
            - image: iter8/productpage@sha256:aaaa
              name: warm
- apiVersion: apiextensions.k8s.io/v1
  kind: CustomResourceDefinition
  metadata: {name: x}
  spec: {containers: [{image: iter8/productpage:v1}]}
-- shop/pod.json --
{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [{"name": "a", "image": "iter8/productpage:v1"}]}}
-- shop/text.yaml --
apiVersion: v1
kind: ConfigMap
metadata: {name: iter8-productpage}
data: {image: "iter8/productpage:v1"}
-- shop/other.yaml --
apiVersion: example.com/v1
kind: App
metadata: {name: app}
spec:
  deep:
  - containers:
    - image: reviews:v1
    - image: other/reviews:v1
    - image: docker.io/ratings:v1
    - image: quay.io/ratings:v1
`

func TestFlat(t *testing.T) {
	in := flatInput(t, flatShop, types.Image{Name: "productpage", NewTag: "v2"})
	wantEdit(t, in, map[string]string{
		"shop/web.yaml": `# the front
apiVersion: apps/v1
kind: Deployment
metadata:
  name: productpage
spec:
  template:
    spec:
      initContainers:
      - {name: init, image: "iter8/productpage:v2"} # same image
      containers:
        - name: productpage
          image: iter8/productpage:v2   # the tag
        - name: proxy
          image: 'envoyproxy/envoy:v1.30'


---
apiVersion: v1
kind: List
items:
- apiVersion: batch/v1
  kind: CronJob
  metadata: {name: warm}
  spec:
    jobTemplate:
      spec:
        template:
          spec:
            containers:
            - image: iter8/productpage:v2
              name: warm
- apiVersion: apiextensions.k8s.io/v1
  kind: CustomResourceDefinition
  metadata: {name: x}
  spec: {containers: [{image: iter8/productpage:v1}]}
`,
		"shop/pod.json": `{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [{"name": "a", "image": "iter8/productpage:v2"}]}}
`,
	})
}

func TestFlatKinds(t *testing.T) {
	tests := map[string]struct {
		before string
		image  types.Image
		after  string
	}{
		"digest":         {"a: iter8/web:v1 # c", types.Image{Name: "web", Digest: "sha256:bb"}, "a: iter8/web@sha256:bb # c"},
		"tag and digest": {"a: iter8/web", types.Image{Name: "iter8/web", NewTag: "v2", Digest: "sha256:bb"}, "a: iter8/web:v2@sha256:bb"},
		"new name":       {"a: iter8/web:v1", types.Image{Name: "web", NewName: "quay.io/iter8/site"}, "a: quay.io/iter8/site:v1"},
		"new everything": {`a: "iter8/web:v1"`, types.Image{Name: "web", NewName: "site", NewTag: "2"}, `a: "site:2"`},
		"suffix":         {"a: iter8/web:v1", types.Image{Name: "web", TagSuffix: "-debug"}, "a: iter8/web:v1-debug"},
		"folded":         {"a: >-\n      iter8/web:v1", types.Image{Name: "web", NewTag: "v2"}, "a: >-\n      iter8/web:v2"},
		"CRLF":           {"a: iter8/web:v1\r", types.Image{Name: "web", NewTag: "v2"}, "a: iter8/web:v2\r"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			const head = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - n"
			text := func(s string) string { return head + s + "\n" }
			in := flatInput(t, "-- shop/a.yaml --\n"+text("ame: x\n    im"+"age"+tt.before[1:]), tt.image)
			wantEdit(t, in, map[string]string{"shop/a.yaml": text("ame: x\n    im" + "age" + tt.after[1:])})
		})
	}
}

// What Argo CD does not render, nobody tests: promotion leaves it alone.
func TestFlatLeavesWhatDoesNotRender(t *testing.T) {
	const pod = "apiVersion: v1\nkind: Pod\nspec: {containers: [{image: web:v1}]}\n"
	in := flatInput(t, "-- shop/a.yaml --\n"+pod, types.Image{Name: "web", NewTag: "v2"})
	in.FS = in.FS.With(map[string][]byte{
		"shop/skipped.yaml": []byte("# +argocd:skip-file-rendering\n" + pod),
		"shop/broken.yaml":  []byte("# +argocd:skip-file-rendering\n" + pod + "a: [\n"),
		"shop/values.yaml":  []byte("containers: [{image: web:v1}]\n"),
	})
	in.Files = append(in.Files, "shop/skipped.yaml", "shop/broken.yaml", "shop/values.yaml")
	edit, err := Make(in)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string][]byte{"shop/a.yaml": []byte(strings.Replace(pod, "v1}", "v2}", 1))}, edit.Files); diff != "" {
		t.Error(diff)
	}
}

func TestFlatTwoImages(t *testing.T) {
	in := flatInput(t, `
-- shop/a.yaml --
apiVersion: v1
kind: Pod
spec:
  containers:
  - image: a:v1
  - image: b:v1
`, types.Image{Name: "a", NewTag: "v2"}, types.Image{Name: "b", NewTag: "v2"})
	wantEdit(t, in, map[string]string{"shop/a.yaml": `apiVersion: v1
kind: Pod
spec:
  containers:
  - image: a:v2
  - image: b:v2
`})
}

func TestFlatErrors(t *testing.T) {
	tests := map[string]struct {
		image types.Image
		want  []string
	}{
		"unknown": {types.Image{Name: "prodctpage", NewTag: "v2"}, []string{
			"spec.images[0].name: the environment has no image prodctpage: did you mean iter8/productpage?", "There are iter8/productpage, docker.io/ratings",
		}},
		"far":       {types.Image{Name: "zzzzzzzzzzz", NewTag: "v2"}, []string{"there are docker.io/ratings, envoyproxy/envoy, iter8/productpage, other/reviews, quay.io/ratings, reviews"}},
		"ambiguous": {types.Image{Name: "ratings", NewTag: "v2"}, []string{"spec.images[0].name: ratings could be docker.io/ratings or quay.io/ratings: write the whole name"}},
		"half":      {types.Image{Name: "page", NewTag: "v2"}, []string{"no image page"}},
		"nothing": {types.Image{Name: "envoyproxy/envoy", NewTag: "v1.30"}, []string{
			"shop/candidate.yaml: the change changes nothing: envoyproxy/envoy:v1.30 is there in shop/web.yaml:15",
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) { wantError(t, flatInput(t, flatShop, tt.image), tt.want...) })
	}
	t.Run("no images", func(t *testing.T) {
		in := flatInput(t, "-- shop/a.yaml --\napiVersion: v1\nkind: Service\n", types.Image{Name: "a", NewTag: "v2"})
		wantError(t, in, "the environment has no image a: it renders none")
	})
	t.Run("anchor", func(t *testing.T) {
		in := flatInput(t, "-- shop/a.yaml --\napiVersion: v1\nkind: Pod\nspec: {containers: [{image: &i \"web:v1\"}]}\nx: *i\n", types.Image{Name: "web", NewTag: "v2"})
		wantError(t, in, "spec.images[0].name: shop/a.yaml:3", "part of the anchor &i, which line 4 repeats, so that both would change; write the value out there first, or make the edit", "assay candidate from")
	})
	t.Run("link", func(t *testing.T) {
		in := flatInput(t, "-- base.yaml --\napiVersion: v1\nkind: Pod\nspec: {containers: [{image: \"web:v1\"}]}\n-- shop/a.yaml -> ../base.yaml --\n", types.Image{Name: "web", NewTag: "v2"})
		wantError(t, in, "shop/a.yaml: it is, or is a link to, a file outside the environment shop")
	})
	t.Run("not written", func(t *testing.T) {
		in := flatInput(t, flatShop, types.Image{Name: "ghost", NewTag: "v2"})
		in.Baseline = renders("ghost:v1")
		wantError(t, in, "ghost renders, and is written in no manifest of shop")
	})
	t.Run("broken file", func(t *testing.T) {
		in := flatInput(t, flatShop, types.Image{Name: "web", NewTag: "v2"})
		in.FS = in.FS.With(map[string][]byte{"shop/web.yaml": []byte("a: [web\n")})
		in.Baseline = renders("web:v1")
		wantError(t, in, "spec.images[0].name: shop/web.yaml")
	})
}

func TestFlatImagesBehindAnchors(t *testing.T) {
	const pod = "-- shop/a.yaml --\napiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers:\n"
	for name, test := range map[string][2]string{
		"all uses":                {"  - image: &i web:v1 # the tag\n    name: web\n  - name: init\n    image: *i\n", "  - image: &i web:v2 # the tag\n    name: web\n  - name: init\n    image: *i\n"},
		"one overrides":           {"  - &c\n    name: web\n    image: web:v1\n  - <<: *c\n    name: proxy\n    image: proxy:v1\n", "  - &c\n    name: web\n    image: web:v2\n  - <<: *c\n    name: proxy\n    image: proxy:v1\n"},
		"all merge":               {"  - &c\n    name: web\n    image: web:v1\n  - <<: *c\n    name: again\n", "  - &c\n    name: web\n    image: web:v2\n  - <<: *c\n    name: again\n"},
		"a whole item":            {"  - &c {name: web, image: 'web:v1'}\n  - *c\n", "  - &c {name: web, image: 'web:v2'}\n  - *c\n"},
		"of what is not an alias": {"  - image: *i\n    name: web\n", "  - image: web:v2\n    name: web\n"},
	} {
		t.Run(name, func(t *testing.T) {
			file := pod
			if name == "of what is not an alias" {
				file = strings.Replace(pod, "kind: Pod\n", "kind: Pod\nx-image: &i web:v1\n", 1)
			}
			edit, err := Make(flatInput(t, file+test[0], types.Image{Name: "web", NewTag: "v2"}))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.TrimPrefix(file, "-- shop/a.yaml --\n")+test[1], string(edit.Files["shop/a.yaml"])); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestFlatEditsAreKept: what was edited before is not edited again, and comes to the same.
func TestFlatEditsAreKept(t *testing.T) {
	in := flatInput(t, flatShop, types.Image{Name: "productpage", NewTag: "v2"})
	var mu sync.Mutex
	made, kept := 0, map[string][]byte{}
	in.Kept = func(use string, texts [][]byte, create func() ([]byte, bool, error)) ([]byte, error) {
		mu.Lock()
		defer mu.Unlock()
		key := fmt.Sprintf("%s %q", use, texts)
		if data, ok := kept[key]; ok {
			return data, nil
		}
		made++
		data, keep, err := create()
		if keep && err == nil {
			kept[key] = data
		}
		return data, err
	}
	makes := func(in Input, times int) {
		t.Helper()
		plain := in
		plain.Kept = nil
		want, wantErr := Make(plain)
		made = 0
		got, err := Make(in)
		if diff := cmp.Diff([]any{want.Files, want.Idle}, []any{got.Files, got.Idle}); diff != "" || fmt.Sprint(err) != fmt.Sprint(wantErr) {
			t.Errorf("%v, want %v: %s", err, wantErr, diff)
		}
		if made != times {
			t.Errorf("%d files were edited, want %d", made, times)
		}
	}
	makes(in, 3) // the others do not have the name
	makes(in, 0)
	other := in
	other.FS = in.FS.With(map[string][]byte{"shop/text.yaml": []byte("apiVersion: v1\nkind: Pod\nspec: {containers: [{image: iter8/productpage:v1}]}\n")})
	makes(other, 1)
	tag := in
	tag.Change.Images = []types.Image{{Name: "iter8/productpage", NewTag: "v3"}}
	makes(tag, 3)
	tag.Change.Images[0].Name = "productpage" // it stands for the same
	makes(tag, 0)
	there := in
	there.Change.Images = []types.Image{{Name: "productpage", NewTag: "v1"}}
	makes(there, 3)
	makes(there, 2) // what is there already has to be told again
	broken := in
	broken.FS = in.FS.With(map[string][]byte{"shop/text.yaml": []byte("productpage: [\n")})
	makes(broken, 1)
	makes(broken, 1)
}
