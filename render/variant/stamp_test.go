package variant_test

import (
	"strings"
	"testing"

	"github.com/assaydev/assay/render/variant"
)

func TestStamp(t *testing.T) {
	objs := parse(t, web+webService)
	objs[0].SetAnnotations(map[string]string{"argocd.argoproj.io/sync-wave": "-3", "a": "b"})
	variant.Stamp(objs, "e123456789", "v2", 2)
	for _, o := range objs {
		if o.GetLabels()[variant.ExperimentLabel] != "e123456789" {
			t.Errorf("%s: labels %v", o.GetName(), o.GetLabels())
		}
	}
	wantAt(t, objs[1], "metadata.annotations", map[string]any{
		"assay.dev/candidate": "v2", "argocd.argoproj.io/ignore-healthcheck": "true", "argocd.argoproj.io/sync-wave": "2",
	})
	wantAt(t, objs[0], "spec.template.metadata", map[string]any{"labels": map[string]any{"app": "web"}})
	variant.Stamp(objs, "e123456789", "", 0)
	wantAt(t, objs[0], "metadata.annotations", map[string]any{"a": "b", "argocd.argoproj.io/ignore-healthcheck": "true"})
}

func TestWave(t *testing.T) {
	wave := func(annotations string) string {
		return "\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, annotations: {" + annotations + "}}\n"
	}
	for _, tc := range []struct {
		env  string
		want int
	}{
		{``, 0},
		{web, 0},
		{web + wave(`argocd.argoproj.io/sync-wave: "5"`), 5},
		{wave(`argocd.argoproj.io/sync-wave: "-5"`) + wave(`argocd.argoproj.io/sync-wave: "-2"`), -2},
		{web + wave(`argocd.argoproj.io/sync-wave: "5", argocd.argoproj.io/hook: PostSync`), 0},
		{web + wave(`argocd.argoproj.io/sync-wave: "5", argocd.argoproj.io/hook: "PreSync, Sync"`), 5},
		{web + wave(`argocd.argoproj.io/sync-wave: "5", helm.sh/hook: test`), 0},
	} {
		if have := variant.Wave(parse(t, tc.env)); have != tc.want {
			t.Errorf("%s: wave %d, want %d", tc.env, have, tc.want)
		}
	}
}

func TestMark(t *testing.T) {
	baseline := parse(t, web+webService)
	before := render(t, baseline)
	p := plan(t, `routing: [{kind: Service, name: web}]`)
	marked, err := variant.Mark(baseline, p, "env/assay.yaml", "shop", "e123456789")
	if err != nil {
		t.Fatal(err)
	}
	if marked[0] != baseline[0] || marked[1].GetLabels()[variant.ExperimentLabel] != "e123456789" {
		t.Errorf("marked: %s", render(t, marked))
	}
	if render(t, baseline) != before {
		t.Error("the baseline was changed")
	}
	p = plan(t, `routing: [{kind: Service, name: web}, {kind: VirtualService, name: web}]`)
	if _, err = variant.Mark(baseline, p, "env/assay.yaml", "shop", "e123456789"); err == nil {
		t.Fatal("want an error")
	}
	wantText(t, err.Error(), "env/assay.yaml: spec.routing[1]: the environment renders no VirtualService/web")
	if !strings.Contains(err.Error(), "Service/web") {
		t.Errorf("no near match: %v", err)
	}
}
