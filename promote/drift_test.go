package promote

import (
	"context"
	"errors"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/assaydev/assay/internal/decision"
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
		gone      bool
		failing   error
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
		"it is gone":             {condition: "Complete", gone: true, want: decision.Promote},
		"it may not be read":     {condition: "Complete", failing: errors.New("deployments.apps is forbidden"), want: decision.Hold, says: "compare Deployment/web/web-candidate with what Git renders: deployments.apps is forbidden"},
		"a rejection of another": {condition: "Failed", change: func(v, _ *unstructured.Unstructured) { image(v, "other") }, want: decision.Reject},
		"a rejection, not read":  {condition: "Failed", failing: errors.New("forbidden"), want: decision.Reject},
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
					if o.SetNamespace("web"); o.GroupVersionKind() == kind && !test.gone {
						out = append(out, o)
					}
				}
				return out, test.failing
			}
			deployed := []Deployment{
				{Name: "a", Objects: Saved(envrepo.Concluded(res.Digest, test.condition)), Drift: LiveDrift(list, "web", test.ignore)},
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

func image(o *unstructured.Unstructured, name string) {
	list, _, _ := unstructured.NestedFieldNoCopy(o.Object, "spec", "template", "spec", "containers")
	list.([]any)[0].(map[string]any)["image"] = name //nolint:errcheck // a test's own Deployment
}
