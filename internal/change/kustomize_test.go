package change

import (
	"testing"

	"sigs.k8s.io/kustomize/api/types"

	"github.com/assaydev/assay/internal/spec"
)

func kustomizeInput(archive string, rendered []string, images ...types.Image) Input {
	return Input{
		FS: repo(archive), Dir: "prod", Marker: "prod/candidate.yaml", PlanFile: "prod/assay.yaml", Layout: spec.Kustomize,
		Plan: &spec.Plan{}, Change: spec.Change{Images: images}, Baseline: renders(rendered...),
	}
}

func TestKustomize(t *testing.T) {
	tests := map[string]struct {
		before   string
		rendered []string
		image    types.Image
		after    string
	}{
		"no images": {
			"# prod\nresources:\n- ../base # base\n",
			[]string{"iter8/web:v1"},
			types.Image{Name: "web", NewTag: "v2"},
			"# prod\nresources:\n- ../base # base\nimages:\n- name: iter8/web\n  newTag: v2\n",
		},
		"indented as the file": {
			"resources:\n  - ../base\n",
			[]string{"web:v1"},
			types.Image{Name: "web", NewTag: "1.10"},
			"resources:\n  - ../base\nimages:\n  - name: web\n    newTag: \"1.10\"\n",
		},
		"no entry": {
			"images:\n- name: a\n  newTag: v1 # a\nresources: [../base]\n",
			[]string{"a:v1", "b:v1"},
			types.Image{Name: "b", Digest: "sha256:bb"},
			"images:\n- name: a\n  newTag: v1 # a\n- name: b\n  digest: sha256:bb\nresources: [../base]\n",
		},
		"empty list": {
			"images: []\nresources: [../base]\n",
			[]string{"b:v1"},
			types.Image{Name: "b", NewName: "c"},
			"images:\n- name: b\n  newName: c\nresources: [../base]\n",
		},
		"by name": {
			"images:\n- name: web\n  newTag: v1 # the tag\n\n- name: other\n  newTag: v1\n",
			[]string{"web:v1", "other:v1"},
			types.Image{Name: "web", NewTag: "v2"},
			"images:\n- name: web\n  newTag: v2 # the tag\n\n- name: other\n  newTag: v1\n",
		},
		"by new name": {
			"images:\n- name: web\n  newName: quay.io/shop/web\n  newTag: v1\n",
			[]string{"quay.io/shop/web:v1"},
			types.Image{Name: "quay.io/shop/web", NewTag: "v2"},
			"images:\n- name: web\n  newName: quay.io/shop/web\n  newTag: v2\n",
		},
		"by short new name": {
			"images:\n- name: old\n  newName: quay.io/shop/web\n  newTag: v1\n",
			[]string{"quay.io/shop/web:v1"},
			types.Image{Name: "web", NewTag: "v2"},
			"images:\n- name: old\n  newName: quay.io/shop/web\n  newTag: v2\n",
		},
		"by an entry's own name": {
			"images:\n- name: web\n  newName: quay.io/shop/site\n  newTag: v1\n",
			[]string{"quay.io/shop/site:v1"},
			types.Image{Name: "web", NewTag: "v2"},
			"images:\n- name: web\n  newName: quay.io/shop/site\n  newTag: v2\n",
		},
		"a tag clears a digest": {
			"images:\n- name: web\n  digest: sha256:aa\n",
			[]string{"web@sha256:aa"},
			types.Image{Name: "web", NewTag: "v2"},
			"images:\n- name: web\n  newTag: v2\n",
		},
		"a digest clears a tag": {
			"images:\n- name: web\n  newTag: v1\n  tagSuffix: -x\n",
			[]string{"web:v1"},
			types.Image{Name: "web", Digest: "sha256:bb"},
			"images:\n- name: web\n  digest: sha256:bb\n",
		},
		"both": {
			"images:\n- name: web\n  newTag: v1\n",
			[]string{"web:v1"},
			types.Image{Name: "web", NewTag: "v2", Digest: "sha256:bb"},
			"images:\n- name: web\n  newTag: v2\n  digest: sha256:bb\n",
		},
		"suffix": {
			"images:\n- name: web\n  newTag: v1\n",
			[]string{"web:v1"},
			types.Image{Name: "web", TagSuffix: "-x"},
			"images:\n- name: web\n  newTag: v1-x\n",
		},
		"suffix of a rendered tag": {
			"images:\n- name: web\n  newName: b\n  tagSuffix: -y\n",
			[]string{"b:v1-y"},
			types.Image{Name: "b", TagSuffix: "-x"},
			"images:\n- name: web\n  newName: b\n  newTag: v1-y-x\n",
		},
		"flow": {
			"images: [{name: web, newTag: 'v1'}] # c\n",
			[]string{"web:v1"},
			types.Image{Name: "web", NewTag: "v2"},
			"images: [{name: web, newTag: 'v2'}] # c\n",
		},
		"the last entry wins": {
			"images:\n- name: web\n  newTag: v0\n- name: web\n  newTag: v1\n",
			[]string{"web:v1"},
			types.Image{Name: "web", NewTag: "v2"},
			"images:\n- name: web\n  newTag: v0\n- name: web\n  newTag: v2\n",
		},
		"two entries render as one": {
			"images:\n- name: a\n  newName: web\n  newTag: v1\n- name: b\n  newName: web\n  newTag: v1\n",
			[]string{"web:v1"},
			types.Image{Name: "web", NewTag: "v2"},
			"images:\n- name: a\n  newName: web\n  newTag: v2\n- name: b\n  newName: web\n  newTag: v2\n",
		},
		"an entry after the rename": {
			"images:\n- name: a\n  newName: web\n- name: web\n  newTag: v1\n",
			[]string{"web:v1"},
			types.Image{Name: "web", NewTag: "v2"},
			"images:\n- name: a\n  newName: web\n- name: web\n  newTag: v2\n",
		},
		"renamed again": {
			"images:\n- name: a\n  newName: web\n  newTag: v1\n",
			[]string{"web:v1"},
			types.Image{Name: "a", NewName: "site"},
			"images:\n- name: a\n  newName: site\n  newTag: v1\n",
		},
	}
	for name, tt := range tests {
		for _, file := range []string{"kustomization.yaml", "kustomization.yml", "Kustomization"} {
			t.Run(name+" in "+file, func(t *testing.T) {
				in := kustomizeInput("-- prod/"+file+" --\n"+tt.before, tt.rendered, tt.image)
				edit, err := Make(in)
				if err != nil {
					t.Fatal(err)
				}
				if got := string(edit.Files["prod/"+file]); got != tt.after || len(edit.Files) != 1 {
					t.Errorf("got\n%s\nwant\n%s", got, tt.after)
				}
			})
		}
	}
}

func TestKustomizeTwice(t *testing.T) {
	in := kustomizeInput("-- prod/kustomization.yaml --\nresources: [../base]\n", []string{"web:v1"}, types.Image{Name: "web", NewTag: "v2"})
	wantEdit(t, in, map[string]string{"prod/kustomization.yaml": "resources: [../base]\nimages:\n- name: web\n  newTag: v2\n"})
}

func TestKustomizeErrors(t *testing.T) {
	const bases = `
-- prod/kustomization.yaml --
resources: [../base, web.yaml, "https://example.com/x"]
components: [../component]
-- base/kustomization.yaml --
resources: [deep]
-- base/deep/kustomization.yaml --
images:
- name: web
  newName: registry.example.com/web
-- component/kustomization.yaml --
images: [{name: api, newName: registry.example.com/api}]
`
	tests := map[string]struct {
		archive string
		image   types.Image
		plan    spec.KustomizeSource
		want    []string
	}{
		"old name of a base": {bases, types.Image{Name: "web-old", NewTag: "v2"}, spec.KustomizeSource{}, []string{
			"spec.images[0].name: the environment has no image web-old: did you mean registry.example.com/web",
		}},
		"old name of a component": {bases, types.Image{Name: "old/api", NewTag: "v2"}, spec.KustomizeSource{}, []string{"no image old/api"}},
		"unknown":                 {bases, types.Image{Name: "zzzzzz", NewTag: "v2"}, spec.KustomizeSource{}, []string{"there are many, none, registry.example.com/api, registry.example.com/web"}},
		"nothing": {
			"-- prod/kustomization.yaml --\nimages:\n- name: registry.example.com/api\n  newTag: v1\n",
			types.Image{Name: "api", NewTag: "v1"},
			spec.KustomizeSource{},
			[]string{"the change changes nothing: registry.example.com/api already has this version in prod/kustomization.yaml:2"},
		},
		"option": {
			bases,
			types.Image{Name: "web", NewTag: "v2"},
			spec.KustomizeSource{Images: []string{"other:v1", "registry.example.com/web:v3"}},
			[]string{"prod/assay.yaml: spec.kustomize.images[1] sets registry.example.com/web after the kustomization does"},
		},
		"renaming option": {
			bases,
			types.Image{Name: "web", NewTag: "v2"},
			spec.KustomizeSource{Images: []string{"old=registry.example.com/web"}},
			[]string{"spec.kustomize.images[0] sets registry.example.com/web"},
		},
		"suffix of no tag":       {bases, types.Image{Name: "none", TagSuffix: "-x"}, spec.KustomizeSource{}, []string{"spec.images[0].tagSuffix: none has no tag in Deployment/web: use newTag"}},
		"suffix of several tags": {bases, types.Image{Name: "many", TagSuffix: "-x"}, spec.KustomizeSource{}, []string{"spec.images[0].tagSuffix: many renders with several tags"}},
		"anchor": {
			"-- prod/kustomization.yaml --\nimages:\n- name: registry.example.com/api\n  newTag: &t v1\ncommonAnnotations: {tag: *t}\n",
			types.Image{Name: "api", NewTag: "v2"},
			spec.KustomizeSource{},
			[]string{"spec.images[0].name: prod/kustomization.yaml:3", "part of the anchor &t", "assay candidate from"},
		},
		"link": {
			"-- base/k.yaml --\nresources: []\n-- prod/kustomization.yaml -> ../base/k.yaml --\n",
			types.Image{Name: "api", NewTag: "v2"},
			spec.KustomizeSource{},
			[]string{"a file outside the environment prod"},
		},
		"no kustomization": {"-- prod/x --\n", types.Image{Name: "api", NewTag: "v2"}, spec.KustomizeSource{}, []string{"prod: there is no kustomization file"}},
		"a list":           {"-- prod/kustomization.yaml --\n- a\n", types.Image{Name: "api", NewTag: "v2"}, spec.KustomizeSource{}, []string{"prod/kustomization.yaml: the document is not a mapping"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			in := kustomizeInput(tt.archive, []string{"registry.example.com/web:v1", "registry.example.com/api:v1", "none@sha256:aa", "many:v1", "many:v2"}, tt.image)
			in.Plan.Spec.Kustomize = &tt.plan
			wantError(t, in, tt.want...)
		})
	}
	t.Run("renamed by a base", func(t *testing.T) {
		in := kustomizeInput(`
-- prod/kustomization.yaml --
resources: [../base]
-- base/kustomization.yaml --
resources: [deep]
-- base/deep/kustomization.yaml --
resources: [..]
images: [{name: storefront, newName: registry.example.com/site}]
`, []string{"registry.example.com/site:v1"}, types.Image{Name: "storefront", NewTag: "v2"})
		wantError(t, in, "spec.images[0].name: storefront is renamed in base/deep/kustomization.yaml and renders as registry.example.com/site: write name: registry.example.com/site")
	})
}
