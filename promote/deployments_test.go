package promote

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/render"
	"github.com/assaydev/assay/test/envrepo"
)

// TestByDeployments: what several clusters and namespaces say together.
func TestByDeployments(t *testing.T) {
	dir := envrepo.Prod("method: push").On(t)
	res := mustRender(t, dir, "prod")
	running := envrepo.Concluded(res.Digest, "Suspended")
	found := map[string][]*unstructured.Unstructured{
		"good": envrepo.Concluded(res.Digest, "Complete"), "bad": envrepo.Concluded(res.Digest, "Failed"), "runs": running, "none": nil,
		"old": envrepo.Concluded("v2:"+"0000000000000000000000000000000000000000000000000000000000000000", "Complete"),
	}
	for name, test := range map[string]struct {
		deployed string // their names, which say what they have
		since    time.Duration
		paused   bool
		want     decision.Outcome
		reason   string
	}{
		"one promotes":                      {deployed: "good", want: decision.Promote},
		"both promote":                      {deployed: "good good", want: decision.Promote, reason: "good: "},
		"one rejects":                       {deployed: "good bad", want: decision.Reject, reason: "bad: "},
		"one rejects, another has none":     {deployed: "none bad", want: decision.Reject, reason: "bad: "},
		"one still runs":                    {deployed: "good runs", want: decision.Hold, reason: "runs: "},
		"one has none":                      {deployed: "good none", want: decision.Hold, reason: "none: the cluster has no object of it yet"},
		"one is down":                       {deployed: "good down", want: decision.Hold, reason: "down: its cluster is down"},
		"one has none by the deadline":      {deployed: "good none", since: 2 * time.Hour, want: decision.Reject, reason: "no verdict within 1h: none: "},
		"one is down by the deadline":       {deployed: "good down", since: 2 * time.Hour, want: decision.Reject, reason: "down: its cluster is down"},
		"none has it by the deadline":       {deployed: "none down", since: 2 * time.Hour, want: decision.Hold, reason: "none: "},
		"it is deployed nowhere":            {deployed: "", want: decision.Hold, reason: "it is deployed nowhere"},
		"one has the experiment before":     {deployed: "good old", want: decision.Hold, reason: "old: "},
		"it promotes, and the plan is held": {deployed: "good", paused: true, want: decision.Hold, reason: "the plan is paused (spec.promotion.paused)"},
	} {
		t.Run(name, func(t *testing.T) {
			at := *res
			if test.paused {
				plan := *res.Plan
				plan.Spec.Promotion.Paused = true
				at.Plan = &plan
			}
			var list []Deployment
			for place := range strings.FieldsSeq(test.deployed) {
				list = append(list, Deployment{Name: place, Objects: func(context.Context, *render.Result) ([]*unstructured.Unstructured, error) {
					if place == "down" {
						return nil, errors.New("its cluster is down")
					}
					return found[place], nil
				}})
			}
			for _, objs := range found {
				for _, o := range objs {
					o.SetCreationTimestamp(metav1.NewTime(time.Now().Add(-test.since)))
				}
			}
			tip := Tip{
				Rendered: &at,
				// The marker may be older by far than the experiment: that began when Argo CD synced.
				Since: func(context.Context) (time.Time, error) { return time.Now().Add(-48 * time.Hour), nil },
				As:    func(context.Context, View) (*render.Result, error) { return &at, nil },
			}
			choice, err := ByDeployments(list).Choose(t.Context(), tip)
			if err != nil {
				t.Fatal(err)
			}
			got := choice.Outcome
			if choice.Held != "" {
				got = choice.Held
			} else if choice.Digest != res.Digest {
				t.Errorf("it is bound to %q", choice.Digest)
			}
			if got != test.want || !strings.Contains(choice.Reason, test.reason) {
				t.Errorf("%s: %s, want %s: %s", got, choice.Reason, test.want, test.reason)
			}
			if expires := test.want == decision.Hold && !test.paused && strings.ContainsAny(test.deployed, "gr"); expires == choice.Expires.IsZero() {
				t.Errorf("it expires at %v", choice.Expires)
			}
		})
	}
}

// TestByDeploymentsOfAnotherDigest: a deployment whose parameters make another
// experiment of the marker says nothing of the one in Git.
func TestByDeploymentsOfAnotherDigest(t *testing.T) {
	res := mustRender(t, envrepo.Prod("method: push").On(t), "prod")
	other := *res
	other.Digest = "v2:" + "1111111111111111111111111111111111111111111111111111111111111111"
	choice, err := ByDeployments([]Deployment{{Name: "a", Objects: Saved(envrepo.Concluded(other.Digest, "Complete"))}}).Choose(t.Context(), Tip{
		Rendered: res, As: func(context.Context, View) (*render.Result, error) { return &other, nil },
	})
	if err != nil || choice.Held != decision.Hold || !strings.Contains(choice.Reason, "it renders another experiment than Git") {
		t.Errorf("%+v, %v", choice, err)
	}
}

// TestByAnotherClock: a deadline is measured by the clock that dated the object, however far ours
// is from it.
func TestByAnotherClock(t *testing.T) {
	res := mustRender(t, envrepo.Prod("method: push").On(t), "prod")
	running := envrepo.Concluded(res.Digest, "Suspended")
	for name, test := range map[string]struct {
		skew, age time.Duration
		want      decision.Outcome
	}{
		"ours is ahead":  {-2 * time.Hour, time.Minute, decision.Hold},
		"ours is behind": {2 * time.Hour, time.Minute, decision.Hold},
		"it is late":     {-2 * time.Hour, 61 * time.Minute, decision.Reject},
	} {
		theirs := func() time.Time { return time.Now().Add(test.skew) }
		running[0].SetCreationTimestamp(metav1.NewTime(theirs().Add(-test.age)))
		choice, err := ByDeployments([]Deployment{{Name: "a", Objects: Saved(running), Now: theirs}}).Choose(t.Context(), Tip{Rendered: res})
		got := choice.Held
		if got == "" {
			got = choice.Outcome
		}
		if err != nil || got != test.want {
			t.Errorf("%s: %s: %s, %v, want %s", name, got, choice.Reason, err, test.want)
		}
	}
}
