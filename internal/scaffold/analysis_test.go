package scaffold_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/scaffold"
)

// TestPrometheusJudgesByEvidence holds what makes the verdict of a healthy
// candidate a pass, and that of one without requests none: a series of errors
// that is not there counts as 0, and requests are measured for themselves, no
// later than the last rate and over the same time.
func TestPrometheusJudgesByEvidence(t *testing.T) {
	files, err := scaffold.Files(scaffold.Options{
		Environment: "shop", Plan: "assay.yaml", Directory: "experiment", Engine: scaffold.Analysis, Load: scaffold.Fortio, Prometheus: "http://prometheus:9090",
		Target: scaffold.Target{Kind: "Deployment", Name: "web"}, URL: "http://front-candidate:8080/",
	})
	if err != nil {
		t.Fatal(err)
	}
	golden, err := os.ReadFile("../../examples/golden/kustomize.output.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for name, objs := range map[string][]*unstructured.Unstructured{
		"init":    renderWith(t, files).Injected,
		"example": objects(t, string(golden)),
	} {
		t.Run(name, func(t *testing.T) {
			rate, requests := metric(t, objs, "error-rate"), metric(t, objs, "requests")
			all := strings.TrimSuffix(strings.TrimPrefix(requests.query, "sum("), ")")
			if !strings.Contains(rate.query, `code=~"5.."}[2m])) or vector(0)) / (sum(`+all+`) > 0)`) {
				t.Errorf("the rate is %s, of the requests %s", rate.query, requests.query)
			}
			if want := "len(result) == 0 || result[0] <= 0.01"; rate.condition != want {
				t.Errorf("a rate passes if %s, want %s", rate.condition, want)
			}
			if want := "len(result) > 0 && result[0] > 0"; requests.condition != want {
				t.Errorf("requests pass if %s, want %s", requests.condition, want)
			}
			if rate.last != requests.last || requests.count != 1 {
				t.Errorf("the last rate is measured after %s, and requests after %s, %d times", rate.last, requests.last, requests.count)
			}
		})
	}
}

type measured struct {
	query, condition string
	count            int64
	last             time.Duration // when the last measurement is
}

func metric(t *testing.T, objs []*unstructured.Unstructured, name string) measured {
	t.Helper()
	for _, o := range objs {
		metrics, _, _ := unstructured.NestedSlice(o.Object, "spec", "metrics")
		for _, item := range metrics {
			m, _ := item.(map[string]any)
			if o.GetKind() != "AnalysisRun" || m["name"] != name {
				continue
			}
			var found measured
			query, _, _ := unstructured.NestedString(m, "provider", "prometheus", "query")
			found.query = strings.Join(strings.Fields(query), " ")
			found.condition, _ = m["successCondition"].(string)
			found.count = number(m["count"])
			found.last = duration(t, m["initialDelay"]) + time.Duration(found.count-1)*duration(t, m["interval"])
			return found
		}
	}
	t.Fatalf("no metric %s", name)
	return measured{}
}

func number(v any) int64 {
	switch n := v.(type) {
	case int64:
		return n
	case float64:
		return int64(n)
	}
	return 0
}

func duration(t *testing.T, v any) time.Duration {
	t.Helper()
	text, _ := v.(string)
	if text == "" {
		return 0
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}
