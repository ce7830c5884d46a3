package verdict

import (
	"cmp"
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/engine/evidence"
	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/object"
)

// evaluator reads single objects.
type evaluator struct {
	objs   []*unstructured.Unstructured
	expect Expect
}

// judge says what one object says. The error is of the plan's own expressions,
// or of ctx; what the object does not answer is hold.
func (e evaluator) judge(ctx context.Context, j judge) (finding, error) {
	f := finding{key: j.key.String(), engine: j.engine.Name, outcome: decision.Hold, running: true}
	switch {
	case j.object == nil:
		f.missing, f.message = true, "it is not there yet"
		return f, nil
	case j.unbound != "":
		f.message = j.unbound
		return f, nil
	case j.digest != e.expect.Digest:
		f.message = "it is still of the experiment " + e.expect.apart(j.digest)
		return f, nil
	}
	programs, err := compile(j.engine)
	if err != nil {
		return finding{}, err
	}
	from := e.source(j)
	r := reading{ctx: ctx, programs: programs, vars: e.variables(from), children: from.Children}
	f = r.read(f, j)
	from.Candidate = r.candidate
	f.metrics = metrics(j, from)
	return f, ctx.Err()
}

func (e evaluator) source(j judge) evidence.Source {
	return evidence.Source{Object: j.object, Children: e.children(j), Document: document(j.object), Candidate: e.expect.Candidate}
}

// metrics are those of an engine whose status is known. What the plan's own
// expressions make of a status is theirs to say; a Secret is only ever theirs.
func metrics(j judge, from evidence.Source) []evidence.Metric {
	if j.engine.Custom && !holdsDocument(j.object) {
		return nil
	}
	return evidence.Metrics(from)
}

func (e evaluator) variables(from evidence.Source) map[string]any {
	children := make([]any, len(from.Children))
	for i, child := range from.Children {
		children[i] = child.Object
	}
	expect := map[string]any{"candidate": e.expect.Candidate}
	if !e.expect.Since.IsZero() {
		expect["since"] = e.expect.Since
	}
	return map[string]any{
		"object": from.Object.Object, "children": children, "doc": from.Document, "expect": expect,
	}
}

// reading is the evaluation of one object's expressions. The first that fails
// is remembered: nothing counts after it.
type reading struct {
	ctx       context.Context
	programs  programs
	vars      map[string]any
	children  []*unstructured.Unstructured
	candidate string // what the object calls it
	failure   string
}

func (r *reading) read(f finding, j judge) finding {
	expect, _ := r.vars["expect"].(map[string]any)
	if candidate := r.text("candidate"); candidate != "" || j.engine.Candidate != "" {
		expect["candidate"] = candidate
	}
	r.candidate, _ = expect["candidate"].(string)
	concluded := r.bool("concluded") && speaks(j.object)
	message := r.text("message")
	promote := concluded && r.bool("promote")
	reject := concluded && r.bool("reject")
	conflict := ""
	if concluded {
		conflict = cmp.Or(r.text("conflict"), disagreement(append(r.children, j.object)))
	}
	failure := r.failure
	f.evidence = r.text("evidence")
	switch {
	case failure != "":
		f.running, f.expires, f.message = !concluded, silent(j.object), failure
	case conflict != "":
		f.running, f.message = false, "it contradicts itself: "+conflict
	case !concluded:
		f.expires, f.message = true, join("it has not concluded", message)
	case promote && reject:
		f.running, f.message = false, join("it says both promote and reject", message)
	case promote:
		f.outcome, f.running, f.message = decision.Promote, false, message
	case reject:
		f.outcome, f.running, f.message = decision.Reject, false, message
	default:
		f.running, f.expires, f.message = false, true, join("it concluded without evidence for or against the candidate", message)
	}
	return f
}

// disagreement names a condition that one of the objects has twice, in two states.
func disagreement(objs []*unstructured.Unstructured) string {
	for _, o := range objs {
		conditions, _, _ := unstructured.NestedSlice(o.Object, "status", "conditions")
		states := map[string]string{}
		for _, c := range conditions {
			condition, _ := c.(map[string]any)
			kind, _ := condition["type"].(string)
			now, _ := condition["status"].(string)
			if before, known := states[kind]; known && before != now {
				return excerpt.Of(fmt.Sprintf("the condition %s of %s is there twice, in different states", kind, object.KeyOf(o)), longestLine)
			}
			states[kind] = now
		}
	}
	return ""
}

func join(reason, message string) string {
	if message == "" {
		return reason
	}
	return reason + ": " + message
}

func (r *reading) bool(field string) bool {
	value, _ := r.value(field).(bool)
	return value
}

func (r *reading) text(field string) string {
	value, _ := r.value(field).(string)
	return excerpt.Of(value, longestLine)
}

// value is nil where the engine has no such expression, or where it fails.
func (r *reading) value(field string) any {
	p, ok := r.programs[field]
	if !ok || r.failure != "" {
		return nil
	}
	value, err := p.eval(r.ctx, r.vars)
	if err != nil {
		r.failure = fmt.Sprintf("the expression %s failed: %v", field, err)
		return nil
	}
	return value
}
