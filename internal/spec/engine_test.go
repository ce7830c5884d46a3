package spec_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaydev/assay/internal/spec"
)

const engines = planHead + `spec:
  experiment:
    engines:
    - group: testworkflows.testkube.io
      kind: TestWorkflowExecution
      concluded: object.status.done
      promote: object.status.passed
      reject: |
        !object.status.passed
    - {kind: Secret, concluded: "true", promote: a, reject: b, message: c}
`

func TestEnginesOfThePlan(t *testing.T) {
	plan, err := spec.DecodePlan("prod/assay.yaml", []byte(engines))
	if err != nil {
		t.Fatal(err)
	}
	want := []spec.Engine{
		{Group: "testworkflows.testkube.io", Kind: "TestWorkflowExecution", Concluded: "object.status.done", Promote: "object.status.passed", Reject: "!object.status.passed\n"},
		{Kind: "Secret", Concluded: "true", Promote: "a", Reject: "b", Message: "c"},
	}
	if diff := cmp.Diff(want, plan.Spec.Experiment.Engines); diff != "" {
		t.Error(diff)
	}
	if err := validate(t, "plan.json", engines); err != nil {
		t.Error(err)
	}
}

func TestEngineErrors(t *testing.T) {
	for _, tt := range []struct {
		name, text, want string
		schema           bool // the schema refuses it too
	}{
		{"no kind", "{group: a.io, concluded: a, promote: b, reject: c}", "assay.yaml:6: spec.experiment.engines[0].kind: is missing: add it", true},
		{"no promote", "{kind: A, concluded: a, reject: c}", "assay.yaml:6: spec.experiment.engines[0].promote: is missing: add it", true},
		{"empty reject", "{kind: A, concluded: a, promote: b, reject: ''}", "assay.yaml:6: spec.experiment.engines[0].reject: must not be empty", true},
		{"boolean", "{kind: A, concluded: true, promote: b, reject: c}", "assay.yaml:6: spec.experiment.engines[0].concluded: must be text, and is true or false: quote it", true},
		{"misspelt", "{kind: A, conclude: x, promote: b, reject: c}", "assay.yaml:6: spec.experiment.engines[0].conclude: unknown field; did you mean concluded?", true},
		{"version", "{group: a.io/v1, kind: A, concluded: a, promote: b, reject: c}", "assay.yaml:6: spec.experiment.engines[0].group: must be an API group without a version", false},
		{"odd kind", "{kind: a b, concluded: a, promote: b, reject: c}", "assay.yaml:6: spec.experiment.engines[0].kind: must be a kind", false},
		{"long", "{kind: A, concluded: " + strings.Repeat("a", 4097) + ", promote: b, reject: c}", "assay.yaml:6: spec.experiment.engines[0].concluded: has 4097 bytes, the limit is 4096", false},
		{"twice", "{kind: A, concluded: a, promote: b, reject: c}\n    - {kind: A, concluded: a, promote: b, reject: c}", "assay.yaml:7: spec.experiment.engines[1]: is of the same group and kind as engines[0]", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := planHead + "spec:\n  experiment:\n    engines:\n    - " + tt.text + "\n"
			if err := decodePlan(text); err == nil || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("error %v, want %s", err, tt.want)
			}
			if err := validate(t, "plan.json", text); (err != nil) != tt.schema {
				t.Errorf("schema: %v", err)
			}
		})
	}
}

func TestPlanLine(t *testing.T) {
	for field, want := range map[string]int{
		"spec.experiment.engines[0].reject":  10,
		"spec.experiment.engines[0].message": 6,
		"spec.experiment.engines[1].promote": 12,
		"spec.queue":                         3,
		"":                                   1,
	} {
		if got := spec.PlanLine("assay.yaml", []byte(engines), field); got != want {
			t.Errorf("%s: line %d, want %d", field, got, want)
		}
	}
	for _, text := range []string{"", "a: b", "a: [", planHead + "spec: ["} {
		if got := spec.PlanLine("assay.yaml", []byte(text), "spec"); got > 3 {
			t.Errorf("%q: line %d", text, got)
		}
	}
}
