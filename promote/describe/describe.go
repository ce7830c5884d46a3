// Package describe tells how a candidate under test does: what judges it and has been
// measured, how its pods are, and why it is not concluded yet.
//
//  1. Judged reads the objects that judge, and the verdict that they give together
//     (promote.Read). Of begins with it, and adds what follows.
//  2. Each of them tells its stage and progress, as its kind has them (stage.go).
//  3. What the cluster has is compared with what Git renders: a difference keeps a promotion back.
//  4. The variant's pods are listed by the selectors of its workloads, with what keeps them
//     from being ready (pod.go).
//
// Nothing is decided or written.
package describe

import (
	"context"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/digest"
	"github.com/assaydev/assay/internal/engine/evidence"
	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/promote"
	"github.com/assaydev/assay/render"
)

// Report is how the candidate of one environment does.
type Report struct {
	spec.Environment
	Candidate string            `json:"candidate,omitempty"`
	ID        string            `json:"id"`
	Digest    digest.Digest     `json:"digest"`
	Verdict   decision.Outcome  `json:"verdict"` // what would be done now: promote, reject or hold
	Reason    string            `json:"reason,omitempty"`
	Paused    bool              `json:"paused,omitempty"`  // the plan follows no verdict
	Window    string            `json:"window,omitempty"`  // of the plan: why a promotion may not land now
	Sync      string            `json:"sync,omitempty"`    // of Argo CD: why it does not sync now
	Since     *time.Time        `json:"since,omitempty"`   // when the branch began to hold it, where that is known
	Expires   *time.Time        `json:"expires,omitempty"` // when a hold becomes a reject
	Judges    []Judge           `json:"judges"`
	Drift     []string          `json:"drift,omitempty"` // what is not in the cluster as Git renders it, and so keeps a promotion back
	Metrics   []evidence.Metric `json:"metrics,omitempty"`
	Workloads []Workload        `json:"workloads,omitempty"` // of the variant
	Untested  []string          `json:"untested,omitempty"`
	Waiting   int               `json:"waiting,omitempty"` // candidates behind it

	Now time.Time `json:"-"` // by the clock of who dated the objects, once they had been read
}

// Judge is one object that judges.
type Judge struct {
	Object   string `json:"object"` // Kind/namespace/name
	Found    bool   `json:"found"`
	Stage    string `json:"stage,omitempty"`    // in its engine's words
	Progress string `json:"progress,omitempty"` // how far it is
	Winner   string `json:"winner,omitempty"`   // of an engine that compares versions
	Message  string `json:"message,omitempty"`
}

// List reads objects of a kind by a selector of labels.
type List = promote.List

// Of describes what a tip has under test. namespace is that of objects which name none. Where
// drift cannot be found, the report says so.
func Of(ctx context.Context, env spec.Environment, tip promote.Tip, list List, namespace string, drift promote.Drift) (*Report, error) {
	r, err := Judged(ctx, env, tip, list, namespace)
	if err != nil {
		return nil, err
	}
	r.compare(ctx, tip.Rendered, drift)
	if tip.Since != nil {
		since, err := tip.Since(ctx)
		if err != nil {
			return nil, err
		}
		if !since.IsZero() {
			r.Since = &since
		}
	}
	if !tip.Rendered.Waits() {
		r.Workloads = workloads(ctx, tip.Rendered, list, namespace)
	}
	return r, ctx.Err()
}

// Judged is as much of a description as the objects that judge give. It lists no pods, and
// asks since when the branch holds the candidate only where the verdict depends on it.
func Judged(ctx context.Context, env spec.Environment, tip promote.Tip, list List, namespace string) (*Report, error) {
	res := tip.Rendered
	r := &Report{
		Environment: env, Candidate: promote.Label(*res.Marker), ID: res.ID, Digest: res.Digest, Verdict: decision.Hold,
		Paused: res.Plan.Spec.Promotion.Paused, Untested: res.Untested, Waiting: res.Waiting, Judges: []Judge{},
	}
	if res.Waits() {
		r.Reason, r.Now = promote.WaitsInGit, time.Now()
		return r, ctx.Err()
	}
	objs, err := promote.Live(list, namespace)(ctx, res)
	if err != nil {
		return nil, err
	}
	r.Now = time.Now()
	if tip.Now != nil {
		r.Now = tip.Now()
	}
	state, err := promote.LandsAt(res.Plan, r.Now)
	if err != nil {
		return nil, err
	}
	if !state.Open {
		r.Window = state.String()
	}
	if len(res.Judges()) == 0 {
		r.Reason = "nothing judges it: promote or reject it by hand, and say why"
		return r, ctx.Err()
	}
	if err := r.judge(ctx, tip, objs); err != nil {
		return nil, err
	}
	return r, ctx.Err()
}

// judge fills in what the objects say.
func (r *Report) judge(ctx context.Context, tip promote.Tip, objs []*unstructured.Unstructured) error {
	for _, key := range tip.Rendered.Judges() {
		j := Judge{Object: key.String()}
		i := slices.IndexFunc(objs, func(o *unstructured.Unstructured) bool {
			found := object.KeyOf(o)
			return found.Group == key.Group && found.Kind == key.Kind && found.Name == key.Name
		})
		if i >= 0 {
			j.Found = true
			j.read(objs[i])
		}
		r.Judges = append(r.Judges, j)
	}
	choice, err := promote.Read(ctx, tip, promote.Saved(objs))
	if err != nil {
		return err
	}
	if r.Verdict = choice.Outcome; choice.Held != "" {
		r.Verdict = choice.Held
	}
	r.Reason, r.Metrics = excerpt.Of(choice.Reason, longest), choice.Metrics
	if !choice.Expires.IsZero() {
		r.Expires = &choice.Expires
	}
	return nil
}

// compare fills in what differs, once there is something to compare with.
func (r *Report) compare(ctx context.Context, res *render.Result, find promote.Drift) {
	if !slices.ContainsFunc(r.Judges, func(j Judge) bool { return j.Found }) {
		return
	}
	differences, err := find(ctx, res)
	if err != nil { // whoever promotes may be allowed to see more
		r.Drift = []string{"what differs from Git is not known: " + excerpt.Of(err.Error(), longest)}
		return
	}
	for _, d := range differences {
		r.Drift = append(r.Drift, d.String())
	}
	if len(differences) > 0 && r.Verdict == decision.Promote {
		r.Verdict, r.Reason = decision.Hold, promote.Differs(differences)
	}
}

// longest is how much of a message is shown.
const longest = 500

// workloads are the variant's, with their pods.
func workloads(ctx context.Context, res *render.Result, list List, namespace string) []Workload {
	var out []Workload
	for _, o := range slices.Concat(res.Variant, res.Replaced) {
		if _, runs := object.PodTemplate(o); !runs {
			continue
		}
		out = append(out, workload(ctx, o, list, namespace))
	}
	return out
}
