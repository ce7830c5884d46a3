package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/assaydev/assay/internal/cli"
	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/digest"
	"github.com/assaydev/assay/internal/engine/verdict"
	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/promote"
)

// decideOptions are the flags of promote, reject, conclude and revert.
type decideOptions struct {
	siteFlags
	editFlags
	reason, experiment, format string
	exitCode                   bool
	id                         digest.Selector
	outside                    bool // of the plan's windows
}

// bindDecide adds the flags of what follows a verdict.
func (o *decideOptions) bindDecide(cmd *cobra.Command) {
	o.bindEdit(cmd)
	cmd.Flags().StringVar(&o.experiment, "experiment", "", "`file` with the experiment's objects as kubectl get -o yaml prints them, - for stdin: follow their verdict")
}

// bindEdit adds the flags that say how an edit is made and reported.
func (o *decideOptions) bindEdit(cmd *cobra.Command) {
	o.bind(cmd)
	o.format = formatText
	f := cmd.Flags()
	f.BoolVar(&o.dryRun, "dry-run", false, "print the change of the files and write nothing")
	bindCommit(f, &o.editFlags)
	f.BoolVar(&o.exitCode, "exit-code", false, "exit with 0 where it is promoted or reverted, 10 rejected, 11 held, 12 superseded, 13 nothing to do")
	cli.BindChoice(cmd, &o.format, "output", "o", "format", formatText, formatYAML, formatJSON)
}

// bindCommit adds the flags of a commit in a directory.
func bindCommit(f *pflag.FlagSet, edit *editFlags) {
	f.BoolVar(&edit.commit, "commit", false, "make one Git commit of these files alone, with trailers; hooks do not run")
	f.BoolVar(&edit.detached, "allow-detached", false, "with --commit, make it even where HEAD is detached, so that no branch has it")
}

// bindByHand adds the flags of a decision that people make.
func (o *decideOptions) bindByHand(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.reason, "reason", "", "decide by hand, and say `why`")
	f.Var((*selector)(&o.id), "id", "`ID` of the experiment that is meant, or its digest: another one under test is an error")
	cli.MustComplete(cmd, "id", completeCandidates(&o.environmentFlags, true))
}

// decideOne promotes or rejects: for the reason that people give, or if that is
// the verdict.
func (a *app) decideOne(ctx context.Context, opt decideOptions, args []string, outcome decision.Outcome) error {
	byHand := excerpt.Joined(opt.reason) != ""
	switch {
	case byHand && opt.experiment != "":
		return cli.Usagef("--reason decides by hand, --experiment follows a verdict: give one of the two")
	case !byHand && opt.outside:
		return cli.Usagef("--outside-windows is a person's own word: give it with --reason")
	case !byHand && opt.experiment == "":
		return cli.Usagef("say why with --reason, or follow a verdict with --experiment FILE")
	}
	s, err := a.site(ctx, opt.siteFlags, args, opt.editFlags)
	if err != nil {
		return err
	}
	defer s.close()
	decider := promote.ByHand(outcome, opt.reason, opt.id)
	if opt.outside {
		decider = promote.OutsideWindows(decider)
	}
	if !byHand {
		if decider, err = a.verdict(opt, outcome, s); err != nil {
			return err
		}
	}
	r, err := s.Decide(ctx, decider)
	if byHand && err == nil && r.Choice.Shut {
		defer a.notef("to promote it all the same: --outside-windows")
	}
	return a.reportDecision(s, opt, r, err)
}

// verdict decides by what the experiment's objects say: those of a file, else
// those in the cluster. There, those that name no namespace are in the one that
// the Application deploys to, which is asked for once there is a candidate; and what
// was tested there has to be what Git renders.
func (a *app) verdict(opt decideOptions, wanted decision.Outcome, s *site) (promote.Decider, error) {
	at := a.live(opt.serverFlags, s)
	if opt.experiment != "" {
		data, err := a.input.Read(opt.experiment)
		if err != nil {
			return promote.Decider{}, err
		}
		objs, err := verdict.Read(cli.InputName(opt.experiment), data)
		if err != nil {
			return promote.Decider{}, err
		}
		at.objects, at.drift = promote.Saved(objs), nil
	}
	decider := promote.Meaning(opt.id, promote.Compared(promote.ByVerdict(at.objects, wanted), at.drift))
	choose := decider.Choose
	decider.Choose = func(ctx context.Context, tip promote.Tip) (promote.Choice, error) {
		tip.Now = at.now
		c, err := choose(ctx, tip)
		if errors.Is(err, verdict.ErrNamespace) {
			err = fmt.Errorf("%w: name it with --namespace", err)
		}
		return c, err
	}
	return decider, nil
}
