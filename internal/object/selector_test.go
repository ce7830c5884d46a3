package object_test

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/assaydev/assay/internal/object"
)

func TestSelectorOf(t *testing.T) {
	web := labels.Set{"app": "web", "track": "stable"}
	for _, tt := range []struct {
		text    string
		ok      bool
		matches bool
	}{
		{"{apiVersion: v1, kind: Service, metadata: {name: x}, spec: {selector: {app: web}}}", true, true},
		{"{apiVersion: v1, kind: Service, metadata: {name: x}, spec: {selector: {app: api}}}", true, false},
		{"{apiVersion: v1, kind: Service, metadata: {name: x}, spec: {selector: {}}}", false, false},
		{"{apiVersion: v1, kind: Service, metadata: {name: x}, spec: {externalName: a.b}}", false, false},
		{"{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: x}, spec: {podSelector: {}}}", true, true},
		{"{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: x}, spec: {podSelector: {matchLabels: {app: web}, matchExpressions: [{key: track, operator: NotIn, values: [stable]}]}}}", true, false},
		{"{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: x}, spec: {selector: {matchExpressions: [{key: app, operator: Exists}]}}}", true, true},
		{"{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: x}, spec: {minAvailable: 1}}", false, false},
		{"{apiVersion: monitoring.coreos.com/v1, kind: ServiceMonitor, metadata: {name: x}, spec: {selector: {matchLabels: {app: web}}}}", true, true},
		{"{apiVersion: apps/v1, kind: Deployment, metadata: {name: x}, spec: {selector: {matchLabels: {app: web}}, template: {spec: {containers: []}}}}", true, true},
		{"{apiVersion: security.istio.io/v1, kind: AuthorizationPolicy, metadata: {name: x}, spec: {selector: {matchLabels: {app: api}}}}", true, false},
		{"{apiVersion: networking.istio.io/v1, kind: Sidecar, metadata: {name: x}, spec: {workloadSelector: {labels: {app: web}}}}", true, true},
		{"{apiVersion: v1, kind: ConfigMap, metadata: {name: x}, data: {a: b}}", false, false},
	} {
		selector, ok, err := object.SelectorOf(parse(t, tt.text))
		if err != nil || ok != tt.ok || ok && selector.Matches(web) != tt.matches {
			t.Errorf("%s: %v %v %v", tt.text, selector, ok, err)
		}
	}
	for _, bad := range []string{
		"{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: x}, spec: {podSelector: {matchLables: {app: web}}}}",
		"{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: x}, spec: {selector: {matchExpressions: [{key: a, operator: Is}]}}}",
		"{apiVersion: v1, kind: Service, metadata: {name: x}, spec: {selector: {app: 5}}}",
	} {
		if _, ok, err := object.SelectorOf(parse(t, bad)); ok || err == nil || !strings.HasPrefix(err.Error(), "read selector of ") {
			t.Errorf("%s: %v %v", bad, ok, err)
		}
	}
}

func TestSelects(t *testing.T) {
	set := map[string]string{"app": "web"}
	for _, tt := range []struct {
		selector map[string]any
		want     bool
	}{
		{map[string]any{"app": "web"}, true},
		{map[string]any{"app": "web", "x": "y"}, false},
		{map[string]any{"matchLabels": map[string]any{"app": "web"}}, true},
		{map[string]any{"matchLabels": "web"}, false},
		{map[string]any{"matchExpressions": []any{map[string]any{"key": "app", "operator": "In", "values": []any{"api", "web"}}}}, true},
		{map[string]any{"matchExpressions": []any{map[string]any{"key": "app", "operator": "DoesNotExist"}}}, false},
		{map[string]any{}, true},
		{map[string]any{"app": int64(5)}, false},
	} {
		if got := object.Selects(tt.selector, set); got != tt.want {
			t.Errorf("Selects(%v) = %v", tt.selector, got)
		}
	}
}
