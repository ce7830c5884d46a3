package verdict_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/engine"
	"github.com/assaydev/assay/internal/engine/verdict"
	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/spec"
)

// concluded is the oracle: what a state must have at least, in other words
// than the engines' expressions.
func concluded(o *unstructured.Unstructured) bool {
	text := func(path ...string) string {
		s, _, _ := unstructured.NestedString(o.Object, path...)
		return s
	}
	switch o.GetKind() + "." + o.GroupVersionKind().Group {
	case "Experiment.iter8.tools":
		return condition(o, "Completed")
	case "AnalysisRun.argoproj.io", "Experiment.argoproj.io":
		return slices.Contains([]string{"Successful", "Failed", "Error", "Inconclusive"}, text("status", "phase"))
	case "Rollout.argoproj.io":
		return text("status", "observedGeneration") == fmt.Sprint(o.GetGeneration())
	case "Job.batch":
		return condition(o, "Complete") || condition(o, "Failed")
	case "TestRun.k6.io":
		return slices.Contains([]string{"finished", "error"}, text("status", "stage"))
	case "Canary.flagger.app":
		return slices.Contains([]string{"Succeeded", "Failed"}, text("status", "phase"))
	}
	return false
}

// proven is what a promotion must rest on, at least.
func proven(o *unstructured.Unstructured, objs []*unstructured.Unstructured) bool {
	text := func(path ...string) string {
		s, _, _ := unstructured.NestedString(o.Object, path...)
		return s
	}
	list := func(path ...string) []any {
		l, _, _ := unstructured.NestedSlice(o.Object, path...)
		return l
	}
	switch o.GetKind() + "." + o.GroupVersionKind().Group {
	case "Experiment.iter8.tools":
		winner := text("status", "analysis", "winnerAssessment", "data", "winner")
		found, _, _ := unstructured.NestedBool(o.Object, "status", "analysis", "winnerAssessment", "data", "winnerFound")
		criteria := len(list("spec", "criteria", "objectives")) + len(list("spec", "criteria", "rewards"))
		return found && winner != "" && criteria > 0 && !condition(o, "Failed")
	case "AnalysisRun.argoproj.io":
		return text("status", "phase") == "Successful" && len(list("status", "metricResults")) > 0
	case "Experiment.argoproj.io":
		runs := list("status", "analysisRuns")
		return text("status", "phase") == "Successful" && len(runs) > 0 && len(runs) == len(list("spec", "analyses"))
	case "Rollout.argoproj.io":
		return text("status", "phase") == "Healthy" && text("status", "stableRS") != "" && text("status", "stableRS") == text("status", "currentPodHash")
	case "Job.batch":
		return condition(o, "Complete")
	case "TestRun.k6.io":
		passed := 0
		for _, c := range objs[1:] {
			if c.GetKind() == "Job" && c.GetLabels()["runner"] == "true" && condition(c, "Complete") {
				passed++
			}
		}
		parallelism, _, _ := unstructured.NestedInt64(o.Object, "spec", "parallelism")
		return text("status", "stage") == "finished" && passed > 0 && int64(passed) >= parallelism
	case "Canary.flagger.app":
		return text("status", "phase") == "Succeeded" && condition(o, "Promoted") && text("status", "lastAppliedSpec") == text("status", "lastPromotedSpec")
	}
	return false
}

func condition(o *unstructured.Unstructured, kind string) bool {
	conditions, _, _ := unstructured.NestedSlice(o.Object, "status", "conditions")
	return slices.ContainsFunc(conditions, func(c any) bool {
		m, _ := c.(map[string]any)
		return m["type"] == kind && m["status"] == "True"
	})
}

// checkLaws holds a verdict to what must be true of every one.
func checkLaws(t *testing.T, objs []*unstructured.Unstructured, v verdict.Verdict) {
	t.Helper()
	o := objs[0]
	state := func() string {
		data, _ := json.Marshal(objs)
		return string(data)
	}
	if v.Outcome == decision.Promote && (!concluded(o) || !proven(o, objs)) {
		t.Fatalf("promoted without evidence: %s", state())
	}
	if v.Outcome == decision.Reject && !concluded(o) {
		t.Fatalf("rejected before the end: %s", state())
	}
	if status, _ := o.Object["status"].(map[string]any); len(status) == 0 && (v.Outcome != decision.Hold || !v.Running) {
		t.Fatalf("%+v without a status: %s", v, state())
	}
	if v.Outcome == "" || strings.ContainsAny(v.Message+v.Evidence, "\n\r\x1b") || len(v.Message) > 700 || len(v.Evidence) > 700 {
		t.Fatalf("%+v", v)
	}
}

// TestNoMutationPromotes: whatever becomes of a state, promotion needs an end
// and evidence.
func TestNoMutationPromotes(t *testing.T) {
	for name, tab := range tables(t) {
		t.Run(name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same cases each time
			outcomes := map[decision.Outcome]int{}
			for range 150 {
				s := tab.Cases[r.IntN(len(tab.Cases))]
				objs := tab.objects(t, s)
				for range r.IntN(4) {
					mutate(r, objs[0].Object["status"])
				}
				for _, o := range objs[1:] {
					if r.IntN(4) == 0 {
						mutate(r, o.Object["status"])
					}
				}
				got, err := verdict.Judge(context.Background(), objs, tab.expect(t, s, objs), verdict.Options{})
				if err != nil && strings.Contains(err.Error(), "in different states") {
					continue // of two equal children, one has changed
				}
				if err != nil {
					t.Fatal(err)
				}
				checkLaws(t, objs, got)
				outcomes[got.Outcome]++
			}
			if outcomes[decision.Hold] == 0 || outcomes[decision.Promote]+outcomes[decision.Reject] == 0 {
				t.Errorf("the mutations reach only %v", outcomes)
			}
		})
	}
}

// mutate changes one value somewhere in v.
func mutate(r *rand.Rand, v any) {
	switch v := v.(type) {
	case map[string]any:
		if len(v) == 0 {
			return
		}
		key := slices.Sorted(maps.Keys(v))[r.IntN(len(v))]
		switch child := v[key].(type) {
		case map[string]any, []any:
			if r.IntN(5) > 0 {
				mutate(r, child)
				return
			}
		}
		if r.IntN(3) == 0 {
			delete(v, key)
		} else {
			v[key] = other(r)
		}
	case []any:
		if len(v) == 0 {
			return
		}
		i := r.IntN(len(v))
		switch child := v[i].(type) {
		case map[string]any, []any:
			mutate(r, child)
		default:
			v[i] = other(r)
		}
	}
}

func other(r *rand.Rand) any {
	values := []any{
		nil, "", "True", "False", "Unknown", true, false, int64(0), int64(1), int64(7), -1.5, "7",
		"Successful", "Failed", "Running", "Error", "Healthy", "Succeeded", "finished", "Completed", "Complete",
		"productpage-candidate", "productpage-stable",
		[]any{},
		map[string]any{},
		[]any{nil},
		[]any{true},
		[]any{map[string]any{}},
	}
	return values[r.IntN(len(values))]
}

// TestNoStatusIsNeverConcluded, also by a plan's engine that says so.
func TestNoStatusIsNeverConcluded(t *testing.T) {
	for name, tab := range tables(t) {
		objs := tab.objects(t, state{})
		gvk := objs[0].GroupVersionKind()
		e := spec.Engine{Group: gvk.Group, Kind: gvk.Kind, Concluded: "true", Promote: "true", Reject: "false"}
		for _, status := range []any{nil, "Complete", map[string]any{}, []any{}, true} {
			objs[0].Object["status"] = status
			for _, opt := range []verdict.Options{{}, {Engines: []spec.Engine{e}}} {
				got, err := verdict.Judge(context.Background(), objs, tab.expect(t, state{}, objs), opt)
				if err != nil {
					t.Fatal(err)
				}
				if got.Outcome != decision.Hold || !got.Running {
					t.Errorf("%s with status %v: %+v", name, status, got)
				}
			}
		}
	}
}

func FuzzJudge(f *testing.F) {
	for _, tab := range tables(f) {
		for i, s := range tab.Cases {
			if i > 3 && !s.Trap {
				continue
			}
			data, err := object.MarshalYAML(tab.objects(f, s))
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	for _, text := range []string{"", "{", "[]", "a: b", "apiVersion: v1\nkind: List\nitems: [1]\n", job("a", testID, "[.nan]"), job("a", "{}", complete)} {
		f.Add([]byte(text))
	}
	engines := engine.With(nil)
	f.Fuzz(func(t *testing.T, data []byte) {
		objs, err := verdict.Read("x.yaml", data)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "x.yaml") || len(err.Error()) > 2000 {
				t.Fatal(err)
			}
			return
		}
		if len(objs) == 0 || !engines.Judges(objs[0]) {
			return
		}
		expect := verdict.Expect{Digest: testDigest, Judges: []object.Key{object.KeyOf(objs[0])}}
		got, err := verdict.Judge(context.Background(), bind(objs), expect, verdict.Options{})
		if err != nil {
			if len(err.Error()) > 2000 {
				t.Fatal(err)
			}
			return
		}
		if got.Outcome != decision.Superseded {
			checkLaws(t, objs, got)
		}
	})
}

// FuzzExpression: whatever a plan says, it is an error or a verdict, in time.
func FuzzExpression(f *testing.F) {
	for _, e := range engine.With(nil) {
		for _, text := range []string{e.Concluded, e.Promote, e.Reject, e.Message} {
			f.Add(text)
		}
	}
	for _, text := range []string{"true", "object.status.list.map(x, [x, x]) == []", `["a"].join(object.status.text)`, "1/0", "doc", "timestamp('')", "object.?status[?'a'].or(optional.none())", "(((", "\"\\u0000\"", "a.b.c"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		e := testkube
		e.Promote = text
		checked := verdict.Check("assay.yaml", nil, []spec.Engine{e})
		got, err := judgeCustom(t, bare+"status: {text: abc, list: [1, [2], {a: 3}], latestExecution: {result: {status: passed}}}\n", e)
		if strings.TrimSpace(text) != "" && (checked == nil) != (err == nil) {
			t.Fatalf("check says %v, judging says %v", checked, err)
		}
		if err == nil && got.Outcome == decision.Reject {
			t.Fatalf("%+v", got)
		}
	})
}
