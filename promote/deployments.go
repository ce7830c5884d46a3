package promote

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/excerpt"
)

// Deployment is one place that an environment is deployed to: the destination of an
// Application.
type Deployment struct {
	Name    string // for people
	View    View   // how Argo CD renders the environment there
	Objects Objects
	Now     func() time.Time // by the clock of its cluster; nil is ours
	Windows *Windows         // in which Argo CD syncs it; nil is always
	Drift   Drift            // from what Git renders; nil is not looked for
}

// clock is the time there.
func (d Deployment) clock() time.Time {
	if d.Now == nil {
		return time.Now()
	}
	return d.Now()
}

// ByDeployments follows the verdicts of an environment's experiment everywhere that it
// is deployed to. One reject rejects, and all must promote. A deployment that cannot
// be asked, or does not have the experiment, makes it a hold that names the
// deployment, until the plan's deadline has passed for one that has it. Where none has
// it, the candidate waits.
func ByDeployments(list []Deployment) Decider {
	return Decider{Choose: func(ctx context.Context, tip Tip) (Choice, error) {
		if tip.Rendered == nil {
			return Choice{}, fmt.Errorf("follow verdict: the candidate does not render")
		}
		if tip.Rendered.Waits() {
			return waits(tip.Rendered, WaitsInGit), nil
		}
		v := verdicts{tip: tip}
		for _, d := range list {
			if err := v.ask(ctx, d, len(list) > 1); err != nil {
				return Choice{}, err
			}
		}
		choice, err := v.choose()
		if paused := tip.Rendered.Plan.Spec.Promotion.Paused; paused && err == nil && choice.Held == "" {
			choice.Held, choice.Reason = decision.Hold, fmt.Sprintf("the verdict is %s, and the plan is paused (spec.promotion.paused): %s", choice.Outcome, choice.Reason)
		}
		if err == nil {
			choice, err = v.within(list, choice)
		}
		return choice, err
	}}
}

// verdicts are what the deployments of one environment say.
type verdicts struct {
	tip     Tip
	answers []answer  // of those that have the experiment
	away    []string  // why others do not count, for people
	began   time.Time // when the first of all began to test it; zero where none has
}

// answer is what one deployment says, and the time there.
type answer struct {
	Choice
	now time.Time
}

// ask reads the verdict of one deployment.
func (v *verdicts) ask(ctx context.Context, d Deployment, named bool) error {
	choice, err := v.read(ctx, d)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		choice = Choice{Held: decision.Hold, Decision: Decision{Reason: excerpt.Line(err.Error())}}
	}
	if named {
		choice.Reason = d.Name + ": " + choice.Reason
	}
	if choice.Held == decision.Superseded {
		choice.Held = decision.Hold // Argo CD has not synced yet
	}
	if at := choice.Started; !at.IsZero() && (v.began.IsZero() || at.Before(v.began)) {
		v.began = at
	}
	if choice.Held != "" && choice.Expires.IsZero() {
		v.away = append(v.away, choice.Reason)
		return nil
	}
	v.answers = append(v.answers, answer{choice, d.clock()})
	return nil
}

func (v *verdicts) read(ctx context.Context, d Deployment) (Choice, error) {
	res := v.tip.Rendered
	if v.tip.As != nil {
		var err error
		if res, err = v.tip.As(ctx, d.View); err != nil {
			return Choice{}, err
		}
	}
	if res.Digest != v.tip.Rendered.Digest {
		return Choice{}, fmt.Errorf("it renders another experiment than Git: %s", res.ID)
	}
	choice, err := Read(ctx, Tip{Rendered: res, Since: v.tip.Since, Now: d.Now}, d.Objects)
	if err != nil {
		return Choice{}, err
	}
	return drifted(ctx, choice, res, d.Drift)
}

// choose is one choice of all that was said.
func (v *verdicts) choose() (Choice, error) {
	res := v.tip.Rendered
	var held []string
	var expires time.Time
	for _, choice := range v.answers {
		switch {
		case choice.Held != "":
			held = append(held, choice.Reason)
			if expires.IsZero() || choice.Expires.Before(expires) {
				expires = choice.Expires
			}
		case choice.Outcome == decision.Reject:
			return choice.Choice, nil
		}
	}
	if len(v.answers) > 0 && len(v.away) > 0 {
		due, past, err := v.due()
		switch {
		case err != nil:
			return Choice{}, err
		case past:
			return v.overdue(due), nil
		case expires.IsZero() || !due.IsZero() && due.Before(expires):
			expires = due
		}
	}
	if reasons := append(held, v.away...); len(reasons) > 0 {
		choice := waits(res, strings.Join(reasons, "; "))
		choice.Started, choice.Expires = v.began, expires
		return choice, nil
	}
	if len(v.answers) == 0 {
		return waits(res, "it is deployed nowhere"), nil
	}
	return agreed(v.answers), nil
}

// due is when every deployment must have had the experiment: the deadline after it began in the
// first that has it, by the clock there. It is zero where that is never.
func (v *verdicts) due() (due time.Time, past bool, err error) {
	deadline, err := deadlineOf(v.tip.Rendered)
	if err != nil || deadline <= 0 {
		return due, false, err
	}
	for _, choice := range v.answers {
		if choice.Started.IsZero() {
			continue
		}
		at := choice.Started.Add(deadline)
		if due.IsZero() || at.Before(due) {
			due, past = at, choice.now.After(at)
		}
	}
	return due, past, nil
}

// overdue is the reject of an experiment that not every deployment has had by the deadline.
// What others measured does not speak for it.
func (v *verdicts) overdue(due time.Time) Choice {
	res := v.tip.Rendered
	return Choice{Decision: Decision{
		Outcome: decision.Reject, Digest: res.Digest, Engine: v.answers[0].Engine,
		Reason: fmt.Sprintf("no verdict within %s: %s", res.Plan.Spec.Experiment.Deadline, strings.Join(v.away, "; ")),
	}, Candidate: *res.Marker, Experiment: res.ID, Started: v.began, Concluded: due}
}

// agreed is the promotion that all have said.
func agreed(answers []answer) Choice {
	all := answers[0].Choice
	for _, choice := range answers[1:] {
		all.Reason += "; " + choice.Reason
		if choice.Concluded.After(all.Concluded) {
			all.Concluded = choice.Concluded
		}
		all.Metrics = append(all.Metrics, choice.Metrics...)
		if choice.Evidence != "" && choice.Evidence != all.Evidence {
			all.Evidence = strings.TrimPrefix(all.Evidence+"; "+choice.Evidence, "; ")
		}
	}
	return all
}
