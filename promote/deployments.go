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
		c := council{tip: tip}
		for _, d := range list {
			if err := c.ask(ctx, d, len(list) > 1); err != nil {
				return Choice{}, err
			}
		}
		choice, err := c.choose(ctx)
		if paused := tip.Rendered.Plan.Spec.Promotion.Paused; paused && err == nil && choice.Held == "" {
			choice.Held, choice.Reason = decision.Hold, fmt.Sprintf("the verdict is %s, and the plan is paused (spec.promotion.paused): %s", choice.Outcome, choice.Reason)
		}
		return choice, err
	}}
}

// council is what the deployments of one environment say.
type council struct {
	tip  Tip
	said []Choice // of those that have the experiment
	away []string // why others do not count, for people
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
	if choice.Held != "" && choice.Expires.IsZero() {
		c.away = append(c.away, choice.Reason)
		return nil
	}
	c.said = append(c.said, choice)
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
	return Read(ctx, Tip{Rendered: res, Since: c.tip.Since, Now: d.Now}, d.Objects)
}

// choose is one choice of all that was said.
func (c *council) choose(ctx context.Context) (Choice, error) {
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
			return choice, nil
		}
	}
	if len(c.said) > 0 && len(c.away) > 0 {
		past, err := c.overdue(ctx)
		if err != nil {
			return Choice{}, err
		}
		if past != nil {
			return *past, nil
		}
	}
	if reasons := append(held, c.away...); len(reasons) > 0 {
		choice := waits(res, strings.Join(reasons, "; "))
		choice.Expires = expires
		return choice, nil
	}
	if len(c.said) == 0 {
		return waits(res, "it is deployed nowhere"), nil
	}
	return agreed(c.said), nil
}

// overdue is the reject of an experiment that not every deployment has had by the
// deadline; nil before.
func (c *council) overdue(ctx context.Context) (*Choice, error) {
	deadline, err := deadlineOf(c.tip.Rendered)
	if err != nil || deadline <= 0 || c.tip.Since == nil {
		return nil, err
	}
	since, err := c.tip.Since(ctx)
	if err != nil || since.IsZero() || time.Since(since) <= deadline {
		return nil, err
	}
	choice := c.said[0]
	choice.Held, choice.Outcome, choice.Digest = "", decision.Reject, c.tip.Rendered.Digest
	choice.Reason = fmt.Sprintf("no verdict within %s: %s", c.tip.Rendered.Plan.Spec.Experiment.Deadline, strings.Join(c.away, "; "))
	return &choice, nil
}

// agreed is the promotion that all have said.
func agreed(said []Choice) Choice {
	all := said[0]
	for _, choice := range said[1:] {
		all.Reason += "; " + choice.Reason
		all.Metrics = append(all.Metrics, choice.Metrics...)
		if choice.Evidence != "" && choice.Evidence != all.Evidence {
			all.Evidence = strings.TrimPrefix(all.Evidence+"; "+choice.Evidence, "; ")
		}
	}
	return all
}
