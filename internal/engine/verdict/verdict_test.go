package verdict_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/engine/verdict"
	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/spec"
)

const (
	complete = `{succeeded: 1, conditions: [{type: Complete, status: "True", message: all good}]}`
	failed   = `{conditions: [{type: Failed, status: "True", reason: BackoffLimitExceeded}]}`
	running  = `{active: 1}`
)

// job is a Job as the cluster has it; without a label where the ID is empty.
func job(name, id, status string) string {
	labels := "{}"
	if id != "" {
		labels = "{assay.dev/experiment: " + id + "}"
	}
	return fmt.Sprintf("apiVersion: batch/v1\nkind: Job\nmetadata: {name: %s, namespace: shop, labels: %s}\nspec: {backoffLimit: 0}\nstatus: %s\n", name, labels, status)
}

func judges(names ...string) []object.Key {
	var out []object.Key
	for _, name := range names {
		out = append(out, object.Key{Group: "batch", Kind: "Job", Namespace: "shop", Name: name})
	}
	return out
}

func judgeText(t *testing.T, text string, expect verdict.Expect, engines ...spec.Engine) (verdict.Verdict, error) {
	t.Helper()
	objs, err := verdict.Read("experiment.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return verdict.Judge(context.Background(), bind(objs), expect, verdict.Options{Engines: engines})
}

// TestSeveralJudges holds the rule: promotion needs all, one reject rejects.
func TestSeveralJudges(t *testing.T) {
	const a, b = "a-" + testID, "b-" + testID
	for _, tt := range []struct {
		name, text string
		want       verdict.Verdict
	}{
		{"all promote", job(a, testID, complete) + "---\n" + job(b, testID, complete), verdict.Verdict{
			Outcome: decision.Promote, Engine: "Job", Objects: []string{"Job/shop/" + a, "Job/shop/" + b},
			Message:  "Job/shop/a-e123456789: Complete: all good; Job/shop/b-e123456789: Complete: all good",
			Evidence: "Job/shop/a-e123456789: 1 pods succeeded, 0 failed; Job/shop/b-e123456789: 1 pods succeeded, 0 failed",
		}},
		{"one runs", job(a, testID, complete) + "---\n" + job(b, testID, running), verdict.Verdict{
			Outcome: decision.Hold, Running: true, Engine: "Job", Objects: []string{"Job/shop/" + a, "Job/shop/" + b},
			Message: "Job/shop/b-e123456789: it has not concluded", Evidence: "Job/shop/a-e123456789: 1 pods succeeded, 0 failed",
		}},
		{"one is not there", job(a, testID, complete), verdict.Verdict{
			Outcome: decision.Hold, Running: true, Engine: "Job", Objects: []string{"Job/shop/" + a},
			Message: "Job/shop/b-e123456789: it is not there yet", Evidence: "Job/shop/a-e123456789: 1 pods succeeded, 0 failed",
		}},
		{"one rejects while the other runs", job(a, testID, running) + "---\n" + job(b, testID, failed), verdict.Verdict{
			Outcome: decision.Reject, Engine: "Job", Objects: []string{"Job/shop/" + a, "Job/shop/" + b},
			Message: "Job/shop/b-e123456789: Failed: BackoffLimitExceeded",
		}},
		{"one rejects and the other is not there", job(b, testID, failed), verdict.Verdict{
			Outcome: decision.Reject, Engine: "Job", Objects: []string{"Job/shop/" + b}, Message: "Job/shop/b-e123456789: Failed: BackoffLimitExceeded",
		}},
		{"one rejects and the other promotes", job(a, testID, complete) + "---\n" + job(b, testID, failed), verdict.Verdict{
			Outcome: decision.Reject, Engine: "Job", Objects: []string{"Job/shop/" + a, "Job/shop/" + b},
			Message: "Job/shop/b-e123456789: Failed: BackoffLimitExceeded", Evidence: "Job/shop/a-e123456789: 1 pods succeeded, 0 failed",
		}},
		{"one is of an earlier experiment", job(a, testID, complete) + "---\n" + job(b, "e000000001", complete), verdict.Verdict{
			Outcome: decision.Hold, Running: true, Engine: "Job", Objects: []string{"Job/shop/" + a, "Job/shop/" + b},
			Message: "Job/shop/b-e123456789: it is still of the experiment e000000001", Evidence: "Job/shop/a-e123456789: 1 pods succeeded, 0 failed",
		}},
		{"others lie around", job(a, testID, complete) + "---\n" + job(b, testID, complete) + "---\n" + job("c", "", failed) + "---\n" + job("a-e000000001", "e000000001", failed), verdict.Verdict{
			Outcome: decision.Promote, Engine: "Job", Objects: []string{"Job/shop/" + a, "Job/shop/" + b},
			Message:  "Job/shop/a-e123456789: Complete: all good; Job/shop/b-e123456789: Complete: all good",
			Evidence: "Job/shop/a-e123456789: 1 pods succeeded, 0 failed; Job/shop/b-e123456789: 1 pods succeeded, 0 failed",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := judgeText(t, tt.text, verdict.Expect{Digest: testDigest, Judges: judges(a, b)})
			if err != nil {
				t.Fatal(err)
			}
			tt.want.Digest = testDigest
			if tt.want.Outcome == decision.Reject && tt.want.Evidence == "" {
				got.Evidence = ""
			}
			if len(got.Metrics) != metrics(tt.text) {
				t.Errorf("metrics %+v", got.Metrics)
			}
			if diff := cmp.Diff(tt.want, got, cmpopts.IgnoreFields(verdict.Verdict{}, "Metrics")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// metrics counts the Jobs of the experiment's own that have ended.
func metrics(text string) int {
	n := 0
	for doc := range strings.SplitSeq(text, "---\n") {
		if strings.Contains(doc, "experiment: "+testID) && strings.Contains(doc, "conditions") {
			n++
		}
	}
	return n
}

// TestSuperseded is law 6: a verdict counts for the ID that it was reached on.
func TestSuperseded(t *testing.T) {
	rollout := "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: web, labels: {assay.dev/experiment: e000000001}}\nstatus: {phase: Healthy}\n"
	for name, tt := range map[string]struct {
		text   string
		judges []object.Key
	}{
		"promoted": {job("judge-e000000001", "e000000001", complete), judges("judge-" + testID)},
		"rejected": {job("judge-e000000001", "e000000001", failed), judges("judge-" + testID)},
		"running":  {job("judge-e000000001", "e000000001", running), judges("judge-" + testID)},
		"in place": {rollout, []object.Key{{Group: "argoproj.io", Kind: "Rollout", Namespace: "shop", Name: "web"}}},
		"one of two, beside a stranger": {
			job("other", "", complete) + "---\n" + job("b-e000000001", "e000000001", complete), judges("a-"+testID, "b-"+testID),
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := judgeText(t, tt.text, verdict.Expect{Digest: testDigest, Judges: tt.judges})
			if err != nil {
				t.Fatal(err)
			}
			if got.Outcome != decision.Superseded || got.Digest != digestOf("e000000001") || got.Running || !strings.Contains(got.Message, "e000000001, and "+testID+" is under test now") {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestJudgeErrors(t *testing.T) {
	const name = "judge-" + testID
	expect := verdict.Expect{Digest: testDigest, Judges: judges(name)}
	deployment := "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n"
	for _, tt := range []struct {
		name, text string
		expect     verdict.Expect
		want       string
	}{
		{"no label and another name", job("other", "", complete), expect, "judge Job/shop/other: it has no label assay.dev/experiment, and does not belong to this environment: expected Job/shop/judge-e123456789"},
		{"another environment", job("smoke-e000000001", "e000000001", complete), expect, "judge Job/shop/smoke-e000000001: it belongs to the experiment e000000001 of another environment: expected Job/shop/judge-e123456789"},
		{"another namespace", strings.Replace(job(name, testID, complete), "namespace: shop", "namespace: other", 1), expect, "judge Job/other/judge-e123456789: it is not in the namespace shop, where this environment's is: expected Job/shop/judge-e123456789"},
		{"the ID on another object", job("other", testID, complete), expect, "judge Job/shop/other: this environment injects no such object, whatever its label says: expected Job/shop/judge-e123456789"},
		{"unknown engine", deployment, expect, "judge Deployment/web: no engine is known that judges by it: known are Experiment.iter8.tools, AnalysisRun.argoproj.io, Experiment.argoproj.io, Rollout.argoproj.io, Job.batch, TestRun.k6.io, Canary.flagger.app"},
		{"unknown engine, near", strings.Replace(job("x", testID, complete), "kind: Job", "kind: Jobs", 1), expect, "did you mean Job? known are"},
		{"another group", strings.Replace(job(name, testID, complete), "batch/v1", "jobs.example.com/v1", 1), expect, "no engine is known that judges by it: did you mean Job?"},
		{"only load", strings.Replace(job("judge-e000000001", "e000000001", complete), "labels:", "annotations: {assay.dev/role: load}, labels:", 1), expect, "no engine is known that judges by it"},
		{"unknown version", strings.Replace(job(name, testID, complete), "batch/v1", "batch/v1beta1", 1), expect, "judge Job/shop/judge-e123456789: the version v1beta1 of Job is not known: use batch/v1"},
		{"in two states", job(name, testID, running) + "---\n" + job(name, testID, complete), expect, "judge experiment: Job/shop/judge-e123456789 is there twice, in different states: pass the last one alone"},
		{"in a namespace, and the environment's is not known", job(name, testID, complete), verdict.Expect{Digest: testDigest, Judges: []object.Key{{Group: "batch", Kind: "Job", Name: name}}}, "it is not known which namespace the environment is deployed to, and this one is in shop"},
		{"an earlier one in a namespace", job("judge-e000000001", "e000000001", complete), verdict.Expect{Digest: testDigest, Judges: []object.Key{{Group: "batch", Kind: "Job", Name: name}}}, "it is not known which namespace the environment is deployed to"},
		{"another namespace than the environment's", job(name, testID, complete), verdict.Expect{Digest: testDigest, Namespace: "web", Judges: []object.Key{{Group: "batch", Kind: "Job", Name: name}}}, "it is not in the namespace web, where this environment's is: expected Job/web/judge-e123456789"},
		{"no digest", job(name, testID, complete), verdict.Expect{Judges: judges(name)}, "judge experiment: the digest under test is missing"},
		{"nothing judges", job(name, testID, complete), verdict.Expect{Digest: testDigest}, "judge experiment: nothing in it judges: add an object of an engine to its resources, or decide by hand"},
		{"an expected kind that does not judge", job(name, testID, complete), verdict.Expect{Digest: testDigest, Judges: []object.Key{{Kind: "Pod", Name: "x"}}}, "judge Pod/x: no engine is known that judges by it"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := judgeText(t, tt.text, tt.expect)
			if err == nil || !strings.Contains(err.Error(), tt.want) || len(err.Error()) > 2000 {
				t.Fatalf("%+v, error %v\nwant %s", got, err, tt.want)
			}
		})
	}
	if _, err := verdict.Judge(context.Background(), nil, expect, verdict.Options{}); err == nil || !strings.Contains(err.Error(), "there is no object") {
		t.Errorf("no objects: %v", err)
	}
}

func TestMessagesAreOneBoundedLine(t *testing.T) {
	text := strings.Replace(job("judge-"+testID, testID, complete), "all good", `"ok\n\nAssay-Outcome: promote\n\u001b[31m\u202e`+strings.Repeat("x", 5000)+`"`, 1)
	got, err := judgeText(t, text, verdict.Expect{Digest: testDigest, Judges: judges("judge-" + testID)})
	if err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(got.Message, "\n\x1b\u202e") || len(got.Message) > 700 || !strings.Contains(got.Message, "ok Assay-Outcome: promote [31mxxx") {
		t.Errorf("%q", got.Message)
	}
}

func TestRead(t *testing.T) {
	a, b := job("a", testID, running), job("b", testID, complete)
	indent := func(s string) string { return "- " + strings.ReplaceAll(strings.TrimSpace(s), "\n", "\n  ") + "\n" }
	for name, tt := range map[string]struct {
		text string
		want []string
	}{
		"document":  {a, []string{"a"}},
		"documents": {"---\n" + a + "---\n" + b + "---\n", []string{"a", "b"}},
		"list":      {"apiVersion: v1\nkind: List\nitems:\n" + indent(a) + indent(b), []string{"a", "b"}},
		"lists":     {"apiVersion: v1\nkind: List\nitems:\n" + indent(a) + "---\napiVersion: batch/v1\nkind: JobList\nitems:\n" + indent(b), []string{"a", "b"}},
		"JSON":      {`{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"v1","kind":"A","metadata":{"name":"a"}}]}`, []string{"a"}},
		"JSONs":     {`{"apiVersion":"v1","kind":"A","metadata":{"name":"a"}} {"apiVersion":"v1","kind":"A","metadata":{"name":"b"}}`, []string{"a", "b"}},
	} {
		t.Run(name, func(t *testing.T) {
			objs, err := verdict.Read("x.yaml", []byte(tt.text))
			if err != nil {
				t.Fatal(err)
			}
			if got := namesOf(objs); !slices.Equal(got, tt.want) {
				t.Errorf("%v", got)
			}
		})
	}
}

func namesOf(objs []*unstructured.Unstructured) []string {
	var out []string
	for _, o := range objs {
		out = append(out, o.GetName())
	}
	return out
}

func TestReadErrors(t *testing.T) {
	a := job("s3cret", testID, running)
	for name, tt := range map[string]struct{ text, want string }{
		"nothing":           {"", "dir/x.json: it holds no object: save the experiment once the cluster has it"},
		"comments":          {"# nothing\n---\n", "dir/x.json: it holds no object"},
		"a list of a list":  {`[{}]`, "dir/x.json: it is a list"},
		"truncated JSON":    {`{"apiVersion":"batch/v1","kind":"Job","metadata":{"name":"s3cret`, "dir/x.json:1: invalid JSON"},
		"truncated YAML":    {"apiVersion: v1\nkind: A\nmetadata: {name: s3cret\n", "dir/x.json:4: invalid YAML"},
		"array":             {`[{"apiVersion":"v1","kind":"A","metadata":{"name":"s3cret"}}]`, "dir/x.json: it is a list: pass the objects themselves"},
		"YAML list":         {"- apiVersion: v1\n  kind: A\n  metadata: {name: s3cret}\n", "dir/x.json: it is a list"},
		"text":              {"Error from server (NotFound): s3cret", "dir/x.json:1: "},
		"number":            {"42", "dir/x.json:1: not a Kubernetes object: the document is a number"},
		"list of texts":     {"apiVersion: v1\nkind: List\nitems: [s3cret]\n", "dir/x.json: items[0] of List is not an object"},
		"item, no kind":     {"apiVersion: v1\nkind: List\nitems: [{metadata: {name: s3cret}}]\n", "dir/x.json: object 1 is not an object of a cluster: it must have apiVersion, kind and metadata.name"},
		"no kind":           {"apiVersion: v1\nmetadata: {name: s3cret}\n", "dir/x.json:1: not a Kubernetes object: no kind"},
		"no name":           {"apiVersion: v1\nkind: A\nmetadata: {generateName: s3cret}\n", "dir/x.json: object 1 is not an object of a cluster"},
		"metadata is text":  {"apiVersion: v1\nkind: A\nmetadata: s3cret\n", "dir/x.json: object 1 is not an object of a cluster"},
		"NaN in YAML":       {"apiVersion: v1\nkind: A\nmetadata: {name: s3cret}\nstatus: {value: .nan}\n", "dir/x.json:1: a number that JSON cannot hold"},
		"invalid UTF-8":     {"apiVersion: v1\nkind: \xff\n", "dir/x.json:2: invalid UTF-8"},
		"a key twice, JSON": {`{"apiVersion":"v1","kind":"A",` + "\n" + `"status":{"s3cret":1},` + "\n" + `"status":{}}`, `dir/x.json:3: a key is there twice, and on line 2 already: pass the object as the cluster has it`},
		"a key twice, YAML": {a + "---\n" + a + "status: {}\n", "dir/x.json:12: a key is there twice, and on line 11 already"},
		"deep":              {"a: " + strings.Repeat("[", 100_000), "dir/x.json:"},
	} {
		t.Run(name, func(t *testing.T) {
			objs, err := verdict.Read("dir/x.json", []byte(tt.text))
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) || len(objs) > 0 || len(err.Error()) > 2000 {
				t.Fatalf("%v, want %s", err, tt.want)
			}
			if strings.Contains(err.Error(), "s3cret") {
				t.Errorf("it repeats the file: %v", err)
			}
		})
	}
}
