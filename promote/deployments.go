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
		c := council{tip: tip}
		for _, d := range list {
			if err := c.ask(ctx, d, len(list) > 1); err != nil {
				return Choice{}, err
			}
		}
		choice, err := c.choose()
		if paused := tip.Rendered.Plan.Spec.Promotion.Paused; paused && err == nil && choice.Held == "" {
			choice.Held, choice.Reason = decision.Hold, fmt.Sprintf("the verdict is %s, and the plan is paused (spec.promotion.paused): %s", choice.Outcome, choice.Reason)
		}
		if err == nil {
			choice, err = c.within(list, choice)
		}
		return choice, err
	}}
}

// council is what the deployments of one environment say.
type council struct {
	tip   Tip
	said  []heard   // of those that have the experiment
	away  []string  // why others do not count, for people
	began time.Time // when the first of all began to test it; zero where none has
}

// heard is what one deployment says, and the time there.
type heard struct {
	Choice
	now time.Time
}

// ask reads the verdict of one deployment.
func (c *council) ask(ctx context.Context, d Deployment, named bool) error {
	choice, err := c.read(ctx, d)
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
	if at := choice.Started; !at.IsZero() && (c.began.IsZero() || at.Before(c.began)) {
		c.began = at
	}
	if choice.Held != "" && choice.Expires.IsZero() {
		c.away = append(c.away, choice.Reason)
		return nil
	}
	c.said = append(c.said, heard{choice, d.clock()})
	return nil
}

func (c *council) read(ctx context.Context, d Deployment) (Choice, error) {
	res := c.tip.Rendered
	if c.tip.As != nil {
		var err error
		if res, err = c.tip.As(ctx, d.View); err != nil {
			return Choice{}, err
		}
	}
	if res.Digest != c.tip.Rendered.Digest {
		return Choice{}, fmt.Errorf("it renders another experiment than Git: %s", res.ID)
	}
	choice, err := Read(ctx, Tip{Rendered: res, Since: c.tip.Since, Now: d.Now}, d.Objects)
	if err != nil {
		return Choice{}, err
	}
	return drifted(ctx, choice, res, d.Drift)
}

// choose is one choice of all that was said.
func (c *council) choose() (Choice, error) {
	res := c.tip.Rendered
	var held []string
	var expires time.Time
	for _, choice := range c.said {
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
	if len(c.said) > 0 && len(c.away) > 0 {
		due, past, err := c.due()
		switch {
		case err != nil:
			return Choice{}, err
		case past:
			return c.overdue(due), nil
		case expires.IsZero() || !due.IsZero() && due.Before(expires):
			expires = due
		}
	}
	if reasons := append(held, c.away...); len(reasons) > 0 {
		choice := waits(res, strings.Join(reasons, "; "))
		choice.Started, choice.Expires = c.began, expires
		return choice, nil
	}
	if len(c.said) == 0 {
		return waits(res, "it is deployed nowhere"), nil
	}
	return agreed(c.said), nil
}

// due is when every deployment must have had the experiment: the deadline after it began in the
// first that has it, by the clock there. It is zero where that is never.
func (c *council) due() (due time.Time, past bool, err error) {
	deadline, err := deadlineOf(c.tip.Rendered)
	if err != nil || deadline <= 0 {
		return due, false, err
	}
	for _, choice := range c.said {
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
func (c *council) overdue(due time.Time) Choice {
	res := c.tip.Rendered
	return Choice{Decision: Decision{
		Outcome: decision.Reject, Digest: res.Digest, Engine: c.said[0].Engine,
		Reason: fmt.Sprintf("no verdict within %s: %s", res.Plan.Spec.Experiment.Deadline, strings.Join(c.away, "; ")),
	}, Candidate: *res.Marker, Experiment: res.ID, Started: c.began, Concluded: due}
}

// agreed is the promotion that all have said.
func agreed(said []heard) Choice {
	all := said[0].Choice
	for _, choice := range said[1:] {
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
