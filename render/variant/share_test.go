package variant_test

import (
	"strings"
	"testing"
)

const around = webService + `
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec: {minAvailable: 1, selector: {matchLabels: {app: web}}}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec: {maxReplicas: 3, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}
---
apiVersion: monitoring.coreos.com/v1
kind: PodMonitor
metadata: {name: web}
spec: {selector: {matchLabels: {app: web}}}
---
apiVersion: v1
kind: Service
metadata: {name: other}
spec: {selector: {app: other}}
`

func TestShared(t *testing.T) {
	r := build(t, input(t, `candidate: {traffic: shared, labels: {version: candidate}}`, web+around, "web:v1", "web:v2"))
	if have := strings.Join(names(r.Objects), " "); have != "Deployment/web-candidate" {
		t.Fatalf("objects: %s", have)
	}
	d := r.Objects[0]
	both := map[string]any{"app": "web", "version": "candidate"}
	wantAt(t, d, "spec.selector.matchLabels", both)
	wantAt(t, d, "spec.template.metadata.labels", both)
	if d.GetAnnotations()["argocd.argoproj.io/sync-options"] != "PruneLast=true" {
		t.Errorf("annotations: %v", d.GetAnnotations())
	}
	want := strings.Join([]string{
		"Deployment/web selects Deployment/web-candidate",
		"HorizontalPodAutoscaler/web counts Deployment/web-candidate, through Deployment/web",
		"PodDisruptionBudget/web selects Deployment/web-candidate",
		"PodMonitor/web selects Deployment/web-candidate",
		"Service/web selects Deployment/web-candidate",
	}, "\n")
	if have := strings.Join(r.Selected, "\n"); have != want {
		t.Errorf("selected:\n%s\nwant:\n%s", have, want)
	}
}

func TestSharedNeedsALabelOfItsOwn(t *testing.T) {
	for _, p := range []string{`candidate: {traffic: shared}`, `candidate: {traffic: shared, labels: {app: web}}`} {
		d := build(t, input(t, p, web, "web:v1", "web:v2")).Objects[0]
		want := map[string]any{"app": "web", "assay.dev/variant": "candidate"}
		wantAt(t, d, "spec.selector.matchLabels", want)
		wantAt(t, d, "spec.template.metadata.labels", want)
	}
}

// The tutorial's subsets: the baseline's own label takes another value.
func TestSharedSubsets(t *testing.T) {
	env := podLabels("{app: web, version: stable}") + webService + `
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: web}
spec:
  host: web.shop.svc.cluster.local
  subsets: [{name: old, labels: {version: stable}}, {name: new, labels: {version: next}}]
`
	r := build(t, input(t, `candidate: {traffic: shared, labels: {version: next}}`, env, "web:v1", "web:v2"))
	if have, want := strings.Join(r.Selected, "\n"), "DestinationRule/web subset new selects Deployment/web-candidate, through Service/web\nService/web selects Deployment/web-candidate"; have != want {
		t.Errorf("selected:\n%s\nwant:\n%s", have, want)
	}
	d := r.Objects[0]
	wantAt(t, d, "spec.selector.matchLabels", map[string]any{"app": "web", "version": "next"})
	wantAt(t, d, "spec.template.metadata.labels", map[string]any{"app": "web", "version": "next"})
}

func TestIsolatedLeavesOthersBehind(t *testing.T) {
	r := build(t, input(t, ``, web+around, "web:v1", "web:v2"))
	wantText(t, strings.Join(r.Warnings, "\n"), "PodMonitor/web selects the pods of Deployment/web, and not those of its variant")
	if len(r.Warnings) != 1 || len(r.Selected) != 0 {
		t.Errorf("warnings %v, selected %v", r.Warnings, r.Selected)
	}
}
