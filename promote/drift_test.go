package promote

import (
	"context"
	"errors"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/engine"
	"github.com/assaydev/assay/internal/object/drift"
	"github.com/assaydev/assay/test/envrepo"
)

// TestDriftHolds: a promotion counts only if what was tested is what Git renders.
func TestDriftHolds(t *testing.T) {
	const scaler = "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: web}\nspec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web-candidate}, maxReplicas: 9}\n"
	res := mustRender(t, envrepo.Prod("method: push").With(envrepo.Files{"prod/hpa.yaml": scaler}).On(t), "prod")
	for name, test := range map[string]struct {
		condition string
		change    func(variant, judge *unstructured.Unstructured)
		ignore    []drift.Ignore
		gone      string // a kind
		failing   error
		unread    error // the rules
		want      decision.Outcome
		says      string
	}{
		"as rendered":           {condition: "Complete", want: decision.Promote},
		"the variant is edited": {condition: "Complete", change: func(v, _ *unstructured.Unstructured) { image(v, "other") }, want: decision.Hold, says: "a: what was tested is not what Git renders: Deployment/web/web-candidate: spec.template.spec.containers[web].image is other in the cluster, and Git renders example.com/shop/web:2.0.0"},
		"the judge is edited": {condition: "Complete", change: func(_, j *unstructured.Unstructured) {
			_ = unstructured.SetNestedField(j.Object, int64(7), "spec", "parallelism")
		}, want: decision.Hold, says: "spec.parallelism is 7 in the cluster"},
		"it is ignored": {condition: "Complete", change: func(v, _ *unstructured.Unstructured) { image(v, "other") }, ignore: []drift.Ignore{{Group: "apps", Kind: "Deployment", Pointers: []string{"/spec/template/spec/containers/0/image"}}}, want: decision.Promote},
		"it is scaled": {condition: "Complete", change: func(v, _ *unstructured.Unstructured) {
			_ = unstructured.SetNestedField(v.Object, int64(7), "spec", "replicas")
		}, want: decision.Promote},
		"it is gone":                  {condition: "Complete", gone: "Deployment", want: decision.Hold, says: "a: what was tested is not what Git renders: Deployment/web/web-candidate is not in the cluster, or has lost its label assay.dev/experiment"},
		"it lost its label":           {condition: "Complete", change: func(v, _ *unstructured.Unstructured) { v.SetLabels(nil) }, want: decision.Hold, says: "Deployment/web/web-candidate is not in the cluster"},
		"it is gone, a field ignored": {condition: "Complete", gone: "Deployment", ignore: []drift.Ignore{{Group: "apps", Kind: "Deployment", Pointers: []string{"/spec"}}}, want: decision.Hold, says: "is not in the cluster"},
		"gone in a rejection":         {condition: "Failed", gone: "Deployment", want: decision.Reject},
		"the judge is gone":           {condition: "Complete", gone: "Job", want: decision.Promote},
		"it may not be read":          {condition: "Complete", failing: errors.New("deployments.apps is forbidden"), want: decision.Hold, says: "compare Deployment/web/web-candidate with what Git renders: deployments.apps is forbidden"},
		"a rule that cannot apply":    {condition: "Complete", ignore: []drift.Ignore{{From: "the rule", Group: "apps", Kind: "Deployment", Expressions: []string{".["}}}, want: decision.Hold, says: "a: apply the rule to Deployment/web/web-candidate: jqPathExpressions: .[: unexpected"},
		"rules that are not read":     {condition: "Complete", unread: errors.New("resource.customizations of the ConfigMap argocd-cm: not YAML"), want: decision.Hold, says: "a: resource.customizations of the ConfigMap argocd-cm: not YAML"},
		"a rejection of another":      {condition: "Failed", change: func(v, _ *unstructured.Unstructured) { image(v, "other") }, want: decision.Reject},
		"a rejection, not read":       {condition: "Failed", failing: errors.New("forbidden"), want: decision.Reject},
	} {
		t.Run(name, func(t *testing.T) {
			variant, judge := res.Variant[0].DeepCopy(), res.Injected[0].DeepCopy()
			if test.change != nil {
				test.change(variant, judge)
			}
			list := func(_ context.Context, kind schema.GroupVersionKind, namespace, selector string) ([]*unstructured.Unstructured, error) {
				if namespace != "web" || !strings.Contains(selector, res.ID) {
					t.Errorf("it lists %s of %s by %s", kind, namespace, selector)
				}
				var out []*unstructured.Unstructured
				for _, o := range []*unstructured.Unstructured{variant, judge} {
					if o.SetNamespace("web"); o.GroupVersionKind() == kind && kind.Kind != test.gone && o.GetLabels()[engine.ExperimentLabel] == res.ID {
						out = append(out, o)
					}
				}
				return out, test.failing
			}
			deployed := []Deployment{
				{Name: "a", Objects: Saved(envrepo.Concluded(res.Digest, test.condition)), Drift: LiveDrift(list, nil, "web", ignoring(test.ignore, test.unread))},
				{Name: "b", Objects: Saved(envrepo.Concluded(res.Digest, test.condition))},
			}
			c, err := ByDeployments(deployed).Choose(t.Context(), Tip{Rendered: res})
			if err != nil {
				t.Fatal(err)
			}
			got := c.Held
			if got == "" {
				got = c.Outcome
			}
			if got != test.want || !strings.Contains(c.Reason, test.says) {
				t.Errorf("%s: %s", got, c.Reason)
			}
		})
	}
}

// TestStays: what of a variant has to be there when its verdict is followed.
func TestStays(t *testing.T) {
	for text, want := range map[string]bool{
		"apps/v1 Deployment":           true,
		"apps/v1 StatefulSet":          true,
		"argoproj.io/v1alpha1 Rollout": true,
		"v1 Service":                   true,
		"v1 ConfigMap":                 true,
		"batch/v1 CronJob":             true,
		"batch/v1 Job":                 false,
		"v1 Pod":                       false,
		"k6.io/v1alpha1 TestRun":       false,
	} {
		version, kind, _ := strings.Cut(text, " ")
		o := &unstructured.Unstructured{Object: map[string]any{"apiVersion": version, "kind": kind}}
		if got := stays(o, engine.With(nil)); got != want {
			t.Errorf("%s stays: %t", text, got)
		}
		o.SetAnnotations(map[string]string{"argocd.argoproj.io/hook": "PreSync"})
		if stays(o, engine.With(nil)) {
			t.Errorf("a hook stays: %s", text)
		}
	}
}

func ignoring(rules []drift.Ignore, err error) Ignored {
	return func(context.Context) ([]drift.Ignore, error) { return rules, err }
}

func image(o *unstructured.Unstructured, name string) {
	list, _, _ := unstructured.NestedFieldNoCopy(o.Object, "spec", "template", "spec", "containers")
	list.([]any)[0].(map[string]any)["image"] = name //nolint:errcheck // a test's own Deployment
}
