package verdict_test

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/engine"
	"github.com/assaydev/assay/internal/engine/verdict"
	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/spec"
)

// testkube is an engine as a plan adds one.
var testkube = spec.Engine{
	Group: "testworkflows.testkube.io", Kind: "TestWorkflowExecution",
	Concluded: `object.?status.?latestExecution.?result.?status.orValue("") in ["passed", "failed", "aborted"]`,
	Promote:   `object.status.latestExecution.result.status == "passed"`,
	Reject:    `object.status.latestExecution.result.status == "failed"`,
	Message:   `object.?status.?latestExecution.?name.orValue("")`,
}

// iter8Secret reads what Iter8 v0.11 to v0.15 leave behind.
var iter8Secret = spec.Engine{
	Kind:      "Secret",
	Concluded: `doc.?result.?numCompletedTasks.orValue(0) == doc.?spec.orValue([]).size() || doc.?result.?failure.orValue(false)`,
	Promote:   `!doc.?result.?failure.orValue(true) && doc.?result.?insights.?SLOs.hasValue() && ["upper", "lower"].all(k, doc.result.insights.?SLOsSatisfied[?k].orValue([]).all(row, row.all(b, b)))`,
	Reject:    `!doc.?result.?failure.orValue(true) && ["upper", "lower"].exists(k, doc.result.?insights.?SLOsSatisfied[?k].orValue([]).exists(row, row.exists(b, !b)))`,
	Message:   `"tasks " + string(doc.?result.?numCompletedTasks.orValue(0)) + "/" + string(doc.?spec.orValue([]).size())`,
}

const bare = "apiVersion: testworkflows.testkube.io/v1\nkind: TestWorkflowExecution\nmetadata: {name: judge-e123456789, uid: u1, labels: {assay.dev/experiment: e123456789}}\n"

func judgeCustom(t *testing.T, text string, e spec.Engine) (verdict.Verdict, error) {
	t.Helper()
	key := object.Key{Group: e.Group, Kind: e.Kind, Name: "judge-" + testID}
	return judgeText(t, text, verdict.Expect{Digest: testDigest, Judges: []object.Key{key}}, e)
}

func TestCustomEngine(t *testing.T) {
	for status, want := range map[string]decision.Outcome{
		"passed": decision.Promote, "failed": decision.Reject, "aborted": decision.Hold, "running": decision.Hold, "queued": decision.Hold,
	} {
		got, err := judgeCustom(t, bare+"status: {latestExecution: {name: smoke-1, result: {status: "+status+"}}}\n", testkube)
		if err != nil {
			t.Fatal(err)
		}
		if got.Outcome != want || !strings.Contains(got.Message, "smoke-1") || got.Engine != "TestWorkflowExecution.testworkflows.testkube.io" {
			t.Errorf("%s: %+v", status, got)
		}
	}
}

func TestCustomEngineOfADocument(t *testing.T) {
	head := "apiVersion: v1\nkind: Secret\nmetadata: {name: judge-e123456789, labels: {assay.dev/experiment: e123456789}}\n"
	secret := func(doc string) string {
		return head + "data: {other: eA==, experiment.yaml: " + base64.StdEncoding.EncodeToString([]byte(doc)) + "}\n"
	}
	const tasks = "spec: [{task: http}, {task: assess}]\n"
	for name, tt := range map[string]struct {
		text    string
		want    decision.Outcome
		message string
	}{
		"satisfied":     {secret(tasks + "result: {numCompletedTasks: 2, failure: false, insights: {SLOs: {upper: [{}]}, SLOsSatisfied: {upper: [[true]]}}}"), decision.Promote, "tasks 2/2"},
		"not satisfied": {secret(tasks + "result: {numCompletedTasks: 2, failure: false, insights: {SLOs: {upper: [{}]}, SLOsSatisfied: {upper: [[true], [false]]}}}"), decision.Reject, "tasks 2/2"},
		"running":       {secret(tasks + "result: {numCompletedTasks: 1, failure: false}"), decision.Hold, "it has not concluded: tasks 1/2"},
		"a task failed": {secret(tasks + "result: {numCompletedTasks: 1, failure: true}"), decision.Hold, "without evidence"},
		"no SLOs":       {secret(tasks + "result: {numCompletedTasks: 2, failure: false, insights: {}}"), decision.Hold, "without evidence"},
		"not YAML":      {secret("a: [s3cret"), decision.Hold, "it has not concluded"},
		"no base64":     {head + "data: {experiment.yaml: '%%%'}\n", decision.Hold, "it has not concluded"},
		"no data":       {head, decision.Hold, "it has not concluded"},
		"an alias bomb": {secret("a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\n"), decision.Hold, "it has not concluded"},
		"odd values":    {secret(tasks + "result: {numCompletedTasks: 2, failure: false, insights: {SLOs: {}, SLOsSatisfied: {upper: [[s3cret]]}}}"), decision.Hold, "failed: it cannot read the object as it is"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := judgeCustom(t, tt.text, iter8Secret)
			if err != nil {
				t.Fatal(err)
			}
			if got.Outcome != tt.want || !strings.Contains(got.Message, tt.message) || strings.Contains(got.Message, "s3cret") {
				t.Errorf("%+v", got)
			}
		})
	}
	configMap := strings.NewReplacer("kind: Secret", "kind: ConfigMap").Replace(head) + "data: {result: \"passed: true\"}\n"
	got, err := judgeCustom(t, configMap, spec.Engine{Kind: "ConfigMap", Concluded: "has(doc.passed)", Promote: "doc.passed", Reject: "!doc.passed"})
	if err != nil || got.Outcome != decision.Promote {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestCustomReplacesBuiltIn: where both know a kind, the plan's is meant.
func TestCustomReplacesBuiltIn(t *testing.T) {
	e := spec.Engine{Group: "batch", Kind: "Job", Concluded: "true", Promote: "false", Reject: "true"}
	text := job("judge-"+testID, testID, complete)
	got, err := judgeText(t, text, verdict.Expect{Digest: testDigest, Judges: judges("judge-" + testID)}, e)
	if err != nil || got.Outcome != decision.Reject || got.Engine != "Job.batch" {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestChildrenAreOwned: a plan's engine sees the objects that its own object owns.
func TestChildrenAreOwned(t *testing.T) {
	pod := func(name, kind, uid string) string {
		return "---\napiVersion: v1\nkind: Pod\nmetadata: {name: " + name + ", ownerReferences: [{apiVersion: a/v1, kind: " + kind + ", name: judge-e123456789, uid: " + uid + "}]}\n"
	}
	e := testkube
	e.Message = `children.map(c, c.metadata.name).join(",")`
	text := bare + "status: {latestExecution: {result: {status: passed}}}\n" +
		pod("mine", "TestWorkflowExecution", "u1") + pod("other", "TestWorkflowExecution", "u2") + pod("another", "Job", "u1")
	got, err := judgeCustom(t, text, e)
	if err != nil || got.Message != "mine" {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestFailingExpressionsHold, whichever of them it is.
func TestFailingExpressionsHold(t *testing.T) {
	const passed = bare + "status: {passed: true, text: abc, list: [1, 2, 3], nothing: null}\n"
	long := strings.Repeat("x", 3000)
	for name, tt := range map[string]struct{ concluded, promote, reject, message, want string }{
		"concluded fails":        {"object.status.no", "true", "false", `""`, "the expression concluded failed: no such key: no"},
		"promote fails":          {"true", "object.status.no", "false", `""`, "the expression promote failed: no such key: no"},
		"reject fails":           {"true", "true", "object.status.no", `""`, "the expression reject failed: no such key: no"},
		"message fails":          {"true", "true", "false", "object.status.no", "the expression message failed: no such key: no"},
		"concluded is text":      {"object.status.text", "true", "false", `""`, "the expression concluded failed: it gave string, and must give bool"},
		"promote is null":        {"true", "object.status.nothing", "false", `""`, "the expression promote failed: it gave null_type, and must give bool"},
		"promote is optional":    {"true", "dyn(object.?status.?passed)", "false", `""`, "the expression promote failed: it gave optional_type, and must give bool"},
		"message is a list":      {"true", "true", "false", "object.status.list", "the expression message failed: it gave list, and must give string"},
		"divided by zero":        {"true", "1 / object.status.list.filter(x, x > 9).size() > 0", "false", `""`, "the expression promote failed: division by zero"},
		"no overload":            {"true", "object.status.text > 1", "false", `""`, "the expression promote failed: no such overload"},
		"no index":               {"true", "object.status.list[7] == 1", "false", `""`, "the expression promote failed: index out of bounds: 7"},
		"no time":                {"true", `timestamp(object.status.text) > timestamp("2024-05-01T10:00:00Z")`, "false", `""`, "the expression promote failed:"},
		"both":                   {"true", "true", "true", `""`, "it says both promote and reject"},
		"neither":                {"true", "false", "false", `""`, "it concluded without evidence"},
		"not concluded":          {"false", "true", "false", `""`, "it has not concluded"},
		"not concluded, reject":  {"false", "false", "true", `""`, "it has not concluded"},
		"no since":               {"true", "expect.since > timestamp('2024-05-01T10:00:00Z')", "false", `""`, "the expression promote failed: no such key: since"},
		"bad pattern":            {"true", `object.status.text.matches(object.status.text + "(")`, "false", `""`, "the expression promote failed:"},
		"loops":                  {"true", nested("object.status.list", 15, "true"), "false", `""`, "the expression promote failed: operation cancelled: actual cost limit exceeded"},
		"doubles a text":         {"true", doubled(`[object.status.text]`, 40) + `[0] == "x"`, "false", `""`, "the expression promote failed: it makes a text of more than 65536 bytes"},
		"doubles bytes":          {"true", doubled(`[bytes(object.status.text)]`, 40) + `[0] == b"x"`, "false", `""`, "the expression promote failed: it makes a text of more than 65536 bytes"},
		"doubles a list":         {"true", doubled(`[object.status.list]`, 60) + `[0].size() > 0`, "false", `""`, "the expression promote failed: it makes a list of more than 100000 values"},
		"searches a text":        {"true", `[object.status.text + "` + long + `"].all(t, ` + nested("object.status.list", 9, `!t.contains("y")`) + ")", "false", `""`, "the expression promote failed: operation cancelled: actual cost limit exceeded"},
		"compares shared lists":  {"true", shared() + ` == ` + shared(), "false", `""`, "the expression promote failed: it compares more than 1000000 values"},
		"seeks shared lists":     {"true", shared() + `[0] in ` + shared(), "false", `""`, "the expression promote failed: it compares more than 1000000 values"},
		"joins a long text":      {"true", "true", "false", `["` + long + `"].map(l, object.status.list.map(a, object.status.list.map(b, object.status.list.map(c, l).join()).join()).join()).join()`, "the expression message failed: it makes a text of more than 65536 bytes"},
		"joins what is not text": {"true", "true", "false", `object.status.list.join(",")`, "the expression message failed: no such overload"},
	} {
		t.Run(name, func(t *testing.T) {
			e := spec.Engine{Group: testkube.Group, Kind: testkube.Kind, Concluded: tt.concluded, Promote: tt.promote, Reject: tt.reject, Message: tt.message}
			got, err := judgeCustom(t, passed, e)
			if err != nil {
				t.Fatal(err)
			}
			if got.Outcome != decision.Hold || !strings.Contains(got.Message, tt.want) {
				t.Errorf("%+v, want %s", got, tt.want)
			}
		})
	}
}

// nested is a loop in a loop, and so on.
func nested(list string, depth int, body string) string {
	return strings.Repeat(list+".all(x, ", depth) + body + strings.Repeat(")", depth)
}

// doubled adds the item of a list to itself, again and again.
func doubled(list string, times int) string { return list + strings.Repeat(".map(x, x + x)", times) }

// shared makes lists of two equal items, again and again.
func shared() string {
	return "[object.status.list]" + strings.Repeat(".map(x, [x, x])", 60)
}

func TestStringFunctions(t *testing.T) {
	e := testkube
	e.Message = `[["a", "b"].join("-"), ["a", "", "b"].join(), [dyn("")].join(","), ["", ""].join(","), "A,b".split(",")[1].upperAscii(), " x ".trim(), "abc".substring(1), string([1] + [2] == [1, 2] && 2 in [1, 2] && "k" in {"k": 1} && [1] != [2] && !(3 in [1]))].join("|")`
	got, err := judgeCustom(t, bare+"status: {latestExecution: {result: {status: passed}}}\n", e)
	if want := "a-b|ab||,|B|x|bc|true"; err != nil || got.Message != want {
		t.Errorf("%q, %v", got.Message, err)
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	objs, err := verdict.Read("x.yaml", []byte(job("judge-"+testID, testID, complete)))
	if err != nil {
		t.Fatal(err)
	}
	got, err := verdict.Judge(ctx, bind(objs), verdict.Expect{Digest: testDigest, Judges: judges("judge-" + testID)}, verdict.Options{})
	if !errors.Is(err, context.Canceled) || got.Outcome != "" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestCheck(t *testing.T) {
	const head = "apiVersion: assay.dev/v1alpha1\nkind: Plan\nspec:\n  experiment:\n    engines:\n"
	for name, tt := range map[string]struct{ text, want string }{
		"good":         {"    - {kind: A, concluded: 'true', promote: object.a, reject: 'false'}\n", ""},
		"syntax":       {"    - {kind: A, concluded: 'true', promote: object.a &&, reject: 'false'}\n", "dir/assay.yaml:6: spec.experiment.engines[0].promote: line 1, column 12: Syntax error"},
		"undeclared":   {"    - kind: A\n      concluded: 'true'\n      promote: objct.a\n      reject: 'false'\n", "dir/assay.yaml:8: spec.experiment.engines[0].promote: line 1, column 1: undeclared reference to 'objct'"},
		"type":         {"    - kind: A\n      concluded: 'true'\n      promote: 'true'\n      reject: 'false'\n      message: 1 + 1\n", "dir/assay.yaml:10: spec.experiment.engines[0].message: it gives int, and must give string"},
		"overload":     {"    - {kind: A, concluded: 1 + true, promote: 'true', reject: 'false'}\n", "spec.experiment.engines[0].concluded: line 1, column 3: found no matching overload"},
		"replace":      {"    - {kind: A, concluded: 'true', promote: 'true', reject: 'object.a.replace(\"a\", object.b) == \"\"'}\n", "spec.experiment.engines[0].reject: the function replace is refused"},
		"deep":         {"    - {kind: A, concluded: '" + strings.Repeat("(", 1000) + "', promote: 'true', reject: 'false'}\n", "spec.experiment.engines[0].concluded: "},
		"several":      {"    - {kind: A, concluded: a, promote: b, reject: c, message: d}\n    - {kind: B, concluded: a, promote: b, reject: c}\n", "dir/assay.yaml: and 4 more"},
		"second":       {"    - {kind: A, concluded: 'true', promote: 'true', reject: 'false'}\n    - {kind: B, concluded: 'true', promote: p, reject: 'false'}\n", "dir/assay.yaml:7: spec.experiment.engines[1].promote: line 1, column 1: undeclared reference to 'p'"},
		"second line":  {"    - kind: A\n      concluded: |\n        true &&\n        nope\n      promote: 'true'\n      reject: 'false'\n", "dir/assay.yaml:7: spec.experiment.engines[0].concluded: line 2, column 1: undeclared reference to 'nope'"},
		"macro misuse": {"    - {kind: A, concluded: 'object.all(1, true)', promote: 'true', reject: 'false'}\n", "spec.experiment.engines[0].concluded: line 1, column 12:"},
	} {
		t.Run(name, func(t *testing.T) {
			plan, err := spec.DecodePlan("dir/assay.yaml", []byte(head+tt.text))
			if err != nil {
				t.Fatal(err)
			}
			err = verdict.Check("dir/assay.yaml", []byte(head+tt.text), plan.Spec.Experiment.Engines)
			if tt.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) || len(err.Error()) > 2000 {
				t.Fatalf("%v\nwant %s", err, tt.want)
			}
			// To judge by it is an error as well, never a verdict.
			if e := plan.Spec.Experiment.Engines[0]; name != "second" {
				e.Group, e.Kind = testkube.Group, testkube.Kind
				if got, err := judgeCustom(t, bare+"status: {a: 1}\n", e); err == nil || !strings.Contains(err.Error(), "spec.experiment.engines of the plan: ") {
					t.Errorf("%+v, %v", got, err)
				}
			}
		})
	}
}

// TestBuiltInCompile holds the table: every expression of it compiles, and it
// is decoded strictly.
func TestBuiltInCompile(t *testing.T) {
	for _, e := range engine.With(nil) {
		custom := spec.Engine{Group: e.Group, Kind: e.Kind, Concluded: e.Concluded, Promote: e.Promote, Reject: e.Reject, Message: e.Message}
		if err := verdict.Check("engines.yaml", nil, []spec.Engine{custom}); err != nil {
			t.Error(e.Name, err)
		}
		if e.Concluded == "" || e.Promote == "" || e.Reject == "" || e.Message == "" || e.Evidence == "" || e.Name == "" || len(e.Versions) == 0 {
			t.Errorf("%s is not complete", e.Name)
		}
	}
}
