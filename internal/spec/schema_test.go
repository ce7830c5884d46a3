package spec_test

import (
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"sigs.k8s.io/yaml"

	"github.com/assaydev/assay/internal/spec"
)

// validate checks YAML text against a generated schema, as an editor does.
func validate(t *testing.T, schema, text string) error {
	t.Helper()
	s, err := jsonschema.NewCompiler().Compile("schema/" + schema)
	if err != nil {
		t.Fatal(err)
	}
	data, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(string(data)))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(v)
}

func decodePlan(text string) error {
	_, err := spec.DecodePlan("assay.yaml", []byte(text))
	return err
}

func decodeCandidate(text string) error {
	_, err := spec.DecodeCandidates("candidate.yaml", []byte(text))
	return err
}

// The schema and the decoder judge the same files alike, as far as a schema can.
func TestSchemaAgreesWithDecoder(t *testing.T) {
	for _, tt := range []struct {
		schema string
		text   string
		ok     bool
	}{
		{"plan.json", string(example(t, "plan.yaml")), true},
		{"candidate.json", string(example(t, "candidate.yaml")), true},
		{"plan.json", planHead, true},
		{"plan.json", planHead + "spec: {candidat: {}}", false},
		{"plan.json", planHead + "metadata: {labels: {}}", false},
		{"plan.json", planHead + "spec: {targets: [{kind: A, name: b, x: y}]}", false},
		{"plan.json", planHead + "spec: {targets: [{kind: A}]}", false},
		{"plan.json", planHead + "spec: {targets: [{kind: A, name: ''}]}", false},
		{"plan.json", planHead + "spec: {candidate: {mode: other}}", false},
		{"plan.json", planHead + "spec: {candidate: {mode: inPlace, replicas: 0}}", true},
		{"plan.json", planHead + "spec: {candidate: {replicas: -1}}", false},
		{"plan.json", planHead + "spec: {candidate: {replicas: '1'}}", false},
		{"plan.json", planHead + "spec: {candidate: {labels: {a: 1}}}", false},
		{"plan.json", planHead + "spec: {promotion: {windows: [{schedule: 0 9 * * *, duration: 8h}]}}", true},
		{"plan.json", planHead + "spec: {promotion: {windows: [{kind: deny, schedule: 0 9 * * *, duration: 8h, timeZone: Europe/Berlin}]}}", true},
		{"plan.json", planHead + "spec: {promotion: {windows: [{kind: other, schedule: 0 9 * * *, duration: 8h}]}}", false},
		{"plan.json", planHead + "spec: {promotion: {windows: [{schedule: 0 9 * * *}]}}", false},
		{"plan.json", planHead + "spec: {candidate: {patches: [{patch: x, target: {kind: A, unknown: b}}]}}", false},
		{"plan.json", planHead + "spec: {candidate: {patches: [{patch: x, target: {kind: A, group: b}}]}}", true},
		{"plan.json", planHead + "spec: {experiment: {delimiters: ['[[']}}", false},
		{"plan.json", planHead + "spec: {experiment: {parameters: {any: [1, {a: b}]}}}", true},
		{"plan.json", planHead + "spec: {queue: never}", false},
		{"plan.json", planHead + "spec: {helm: {parameters: [{name: a}], imageValues: {web: {tag: x}}}}", true},
		{"plan.json", planHead + "spec: {helm: {imageValues: {web: {tagg: x}}}}", false},
		{"plan.json", planHead + "spec: {kustomize: {replicas: [{name: a}]}}", false},
		{"plan.json", "apiVersion: assay.dev/v2\nkind: Plan", false},
		{"plan.json", "apiVersion: assay.dev/v1alpha1\nkind: Candidate\nspec: {diff: x}", false},
		{"candidate.json", candidateHead + "spec: {diff: x}", true},
		{"candidate.json", candidateHead + "spec: {diff: x, attempt: 1}", true},
		{"candidate.json", candidateHead + "spec: {dif: x}", false},
		{"candidate.json", candidateHead + "spec: {images: [{name: a, newtag: b}]}", false},
		{"candidate.json", candidateHead, false},
	} {
		decode := decodePlan
		if tt.schema == "candidate.json" {
			decode = decodeCandidate
		}
		if err := validate(t, tt.schema, tt.text); (err == nil) != tt.ok {
			t.Errorf("schema: %q: %v", tt.text, err)
		}
		if err := decode(tt.text); (err == nil) != tt.ok {
			t.Errorf("decoder: %q: %v", tt.text, err)
		}
	}
}
