package variant_test

import (
	"strings"
	"testing"
)

func TestModeNone(t *testing.T) {
	env := using(web, "{configMapRef: {name: settings}}") + settings + webService
	r := build(t, input(t, `candidate: {mode: none, replicas: 1}`, env, "web:v1", "web:v2"))
	if len(r.Objects) > 0 || len(r.Replaced) > 0 {
		t.Errorf("objects: %v, replaced: %v", names(r.Objects), names(r.Replaced))
	}
	wantAt(t, r.Targets[0].Candidate, "metadata.name", "web")
	wantAt(t, r.Targets[0].Candidate, "spec.template.spec.containers.0.image", "shop/web:v2")
	wantAt(t, r.Targets[0].Candidate, "spec.replicas", int64(3))
	wantText(t, strings.Join(r.Warnings, "\n"), "spec.candidate.replicas has no effect in mode none")

	// What the candidate refers to has to be in the cluster for its pods to start.
	r = build(t, input(t, `candidate: {mode: none}`, env, "red", "blue"))
	if have := strings.Join(names(r.Objects), " "); have != "ConfigMap/settings-candidate" {
		t.Errorf("objects: %s", have)
	}
	wantAt(t, r.Targets[0].Candidate, "metadata.name", "web")
	wantAt(t, r.Targets[0].Candidate, "spec.template.spec.containers.0.envFrom.0.configMapRef.name", "settings-candidate")
}

func TestModeInPlace(t *testing.T) {
	env := using(rollout, "") + strings.ReplaceAll(settings, "settings", "settings-5hf9b2tkm6")
	env = strings.Replace(env, `image: "shop/web:v1"}`, `image: "shop/web:v1", envFrom: [{configMapRef: {name: settings-5hf9b2tkm6}}]}`, 1)
	r := build(t, input(t, `candidate: {mode: inPlace, labels: {a: b}}`, env, "settings-5hf9b2tkm6", "settings-9g2mk7dctb", "red", "blue", "web:v1", "web:v2"))
	if have := strings.Join(names(r.Replaced), " "); have != "Rollout/web" {
		t.Errorf("replaced: %s", have)
	}
	if have := strings.Join(names(r.Objects), " "); have != "ConfigMap/settings-9g2mk7dctb" {
		t.Errorf("objects: %s", have)
	}
	if r.Targets[0].Candidate != r.Replaced[0] {
		t.Error("the target is not what replaces it")
	}
	wantAt(t, r.Replaced[0], "spec.template.spec.containers.0.image", "shop/web:v2")
	wantAt(t, r.Replaced[0], "spec.template.metadata.labels", map[string]any{"app": "web"})
	wantText(t, strings.Join(r.Warnings, "\n"), "spec.candidate.labels has no effect in mode inPlace")

	// The same name, other content: both versions read it.
	env = using(web, "{configMapRef: {name: settings}}") + settings
	r = build(t, input(t, `candidate: {mode: inPlace}`, env, "red", "blue"))
	if have := strings.Join(names(r.Replaced), " "); have != "Deployment/web ConfigMap/settings" {
		t.Errorf("replaced: %s", have)
	}
	wantText(t, strings.Join(r.Warnings, "\n"), "ConfigMap/settings changes in place")

	// Law 5 holds in every mode.
	for _, mode := range []string{"none", "inPlace"} {
		in := input(t, `candidate: {mode: `+mode+`}`, web+settings, "web:v1", "web:v2", "red", "blue")
		wantText(t, buildError(t, in), "ConfigMap/settings: data.color changed")
	}
}
