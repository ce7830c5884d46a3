package experiment

import (
	"context"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/render/variant"
)

const traced = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web%META%}
spec: {selector: {matchLabels: {app: %APP%}}, template: {metadata: {labels: {app: %APP%}}, spec: {containers: [{name: web, image: "web:v1"}]}}}
`

// TestNoTrace holds that what would outlive the experiment is refused in an
// injected object, and left out of the variant's copy.
func TestNoTrace(t *testing.T) {
	tests := map[string]struct {
		meta string
		want []string
		lost []string // where the copy has nothing
	}{
		"Prune=false":      {"annotations: {argocd.argoproj.io/sync-options: 'ServerSideApply=true, Prune=false'}", []string{"sync-options: Prune=false keeps it", "remove it"}, nil},
		"Prune=confirm":    {"annotations: {argocd.argoproj.io/sync-options: Prune=confirm}", []string{"sync-options: Prune=confirm keeps it"}, nil},
		"Delete=false":     {"annotations: {argocd.argoproj.io/sync-options: Delete=false}", []string{"sync-options: Delete=false keeps it"}, nil},
		"Delete=confirm":   {"annotations: {argocd.argoproj.io/sync-options: Delete=confirm}", []string{"sync-options: Delete=confirm keeps it"}, nil},
		"IgnoreExtraneous": {"annotations: {argocd.argoproj.io/compare-options: 'ServerSideDiff=true,IgnoreExtraneous'}", []string{"compare-options: IgnoreExtraneous hides", "remove it"}, nil},
		"tracking ID":      {"annotations: {argocd.argoproj.io/tracking-id: 'other:apps/Deployment:shop/web'}", []string{"argocd.argoproj.io/tracking-id", "remove it"}, []string{"annotations"}},
		"resource policy":  {"annotations: {helm.sh/resource-policy: keep}", []string{"helm.sh/resource-policy keeps it", "remove it"}, []string{"annotations"}},
		"external DNS":     {"annotations: {external-dns.alpha.kubernetes.io/hostname: example.com}", []string{"external-dns.alpha.kubernetes.io/hostname publishes it", "remove it"}, []string{"annotations"}},
		"owner":            {"ownerReferences: [{apiVersion: v1, kind: ConfigMap, name: a, uid: b}]", []string{"metadata.ownerReferences", "remove the field"}, []string{"ownerReferences"}},
		"finalizers":       {"finalizers: [example.com/hold]", []string{"metadata.finalizers", "remove the field"}, []string{"finalizers"}},
		"UID":              {"uid: abc", []string{"metadata.uid", "remove the field"}, []string{"uid"}},
		"resource version": {"resourceVersion: '1'", []string{"metadata.resourceVersion", "remove the field"}, []string{"resourceVersion"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			text := strings.ReplaceAll(strings.Replace(traced, "%META%", ", "+test.meta, 1), "%APP%", "load")
			_, _, err := render(t, input(t, file("a.yaml", text)), Options{})
			wantError(t, err, append(test.want, "a.yaml: document 1: Deployment/web: ")...)

			text = strings.ReplaceAll(text, "load", "web")
			res, err := variant.Build(context.Background(), variant.Input{
				Namespace: "shop", Marker: "candidate.yaml",
				Baseline:  []*unstructured.Unstructured{object1(t, text)},
				Candidate: []*unstructured.Unstructured{object1(t, strings.Replace(text, "web:v1", "web:v2", 1))},
			})
			if err != nil {
				t.Fatal(err)
			}
			copied := res.Objects[0]
			for _, value := range copied.GetAnnotations() {
				for _, option := range []string{"Prune", "Delete", "IgnoreExtraneous"} {
					if strings.Contains(value, option) {
						t.Errorf("the copy has the annotation %s", value)
					}
				}
			}
			for _, field := range test.lost {
				if v, ok, _ := unstructured.NestedFieldNoCopy(copied.Object, "metadata", field); ok {
					t.Errorf("the copy has metadata.%s: %v", field, v)
				}
			}
		})
	}
}

func TestHarmlessMetadata(t *testing.T) {
	for _, meta := range []string{
		"creationTimestamp: null", "finalizers: []", "ownerReferences: null", "labels: {app.kubernetes.io/instance: shop}",
		"annotations: {argocd.argoproj.io/sync-options: 'Prune=true,ServerSideApply=true,PruneLast=true'}",
		"annotations: {argocd.argoproj.io/compare-options: ServerSideDiff=true}",
	} {
		text := strings.ReplaceAll(strings.Replace(traced, "%META%", ", "+meta, 1), "%APP%", "load")
		if _, _, err := render(t, input(t, file("a.yaml", text)), Options{}); err != nil {
			t.Errorf("%s: %v", meta, err)
		}
	}
}
