package main

import (
	"context"
	"slices"

	"github.com/spf13/cobra"

	"github.com/assaydev/assay/internal/cli"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/plugin"
	"github.com/assaydev/assay/promote/verify"
	"github.com/assaydev/assay/promote/worktree"
	"github.com/assaydev/assay/render"
)

type verifyOptions struct {
	siteFlags
	format, against string
}

func (a *app) verifyCommand() *cobra.Command {
	opt := verifyOptions{format: formatText}
	cmd := &cobra.Command{
		Use:   "verify [DIR...]",
		Short: "Check environments, and prove that their candidates can be decided",
		Long: `Verify renders each environment, with its candidate where there is one, and
reports every failure and what deserves a look. For a candidate it proves, as
promote and reject do, that both can be done now, and lists the files that
promotion would change and other environments that render from them.

It finds the environments at and below each directory by their plans and
markers, or those of the name that --env gives. A directory without any is an
environment itself, if it renders objects.

The report is the result: it goes to stdout also when something failed, with
exit code 1.`,
		Example: `  assay verify shop/staging shop/prod

  # On a pull request: targets change through promotions alone
  assay verify --against origin/main shop/prod

  # On a server, without a clone
  assay verify --repo https://git.example.com/env.git

  # In CI, as JSON
  assay verify -o json`,
		RunE: a.do(func(ctx context.Context, args []string) error {
			return a.verify(ctx, opt, args)
		}),
	}
	opt.bind(cmd)
	hideWriting(cmd)
	cmd.Flags().Lookup("allowed-signers").Hidden = false // they prove the promotions since --against
	cmd.Flags().StringVar(&opt.against, "against", "", "`revision` since which no target may have changed without a promotion that its commit tells of")
	cli.BindChoice(cmd, &opt.format, "output", "o", "format", formatText, formatYAML, formatJSON)
	return cmd
}

func (a *app) verify(ctx context.Context, opt verifyOptions, args []string) error {
	against := ""
	if opt.against != "" {
		against = "--against"
	}
	if err := opt.check(args, opt.environmentFlags, against); err != nil {
		return err
	}
	if !opt.chosen() && len(args) == 0 {
		args = []string{"."}
	}
	var findings []verify.Finding
	var err error
	if opt.chosen() {
		findings, err = a.verifyServer(ctx, opt)
	}
	for _, dir := range args {
		for _, env := range opt.environmentsIn(dir) {
			flags := opt.environmentFlags
			flags.name = env.Name
			f := a.verifyOne(ctx, flags, opt.against, opt.signers, env.Dir)
			if err := ctx.Err(); err != nil {
				return err
			}
			findings = append(findings, f)
		}
	}
	if err != nil {
		return err
	}
	if opt.format != formatText {
		if err := a.structured(opt.format, findings); err != nil {
			return err
		}
	} else {
		for _, f := range findings {
			a.out.WriteString(f.Text())
		}
	}
	if slices.ContainsFunc(findings, func(f verify.Finding) bool { return !f.OK }) {
		return errReported
	}
	return nil
}

// environmentsIn lists the environments at and below a directory, as the user reaches
// them; the directory itself where there are none.
func (e *environmentFlags) environmentsIn(dir string) []spec.Environment {
	itself := []spec.Environment{{Dir: dir, Name: e.name}}
	at, err := e.open(dir, plugin.Call{})
	if err != nil {
		return itself // it fails when it is rendered
	}
	defer at.close()
	found, err := render.Find(at.FS, at.Dir)
	if err != nil {
		return itself
	}
	var list []spec.Environment
	for _, env := range found {
		if e.name == "" || env.Name == e.name {
			list = append(list, spec.Environment{Dir: at.on(env.Dir), Name: env.Name})
		}
	}
	if len(list) == 0 {
		return itself
	}
	return list
}

// verifyServer checks the environments of a branch.
func (a *app) verifyServer(ctx context.Context, opt verifyOptions) (findings []verify.Finding, err error) {
	name := opt.name
	opt.name = "" // which of them are checked
	s, err := a.connect(ctx, opt.siteFlags, editFlags{})
	if err != nil {
		return nil, err
	}
	defer s.close()
	err = s.session.Environments(ctx, name, func(ctx context.Context, list []render.Request) error {
		findings = nil
		for _, req := range list {
			f := findingOf(ctx, req, req.Dir, verify.Options{Signers: opt.signers, Branch: s.branch, Top: s.Request.Dir})
			if err := ctx.Err(); err != nil {
				return err
			}
			findings = append(findings, f)
		}
		return nil
	})
	return findings, err
}

func (a *app) verifyOne(ctx context.Context, env environmentFlags, against, signers, dir string) verify.Finding {
	p, err := env.open(dir, plugin.Call{})
	if err != nil {
		return verify.Finding{Environment: spec.Environment{Dir: dir, Name: env.name}, Error: message(err)}
	}
	defer p.close()
	return findingOf(ctx, p.Request, dir, verify.Options{
		Against: against, Signers: signers, Root: p.root, Top: ".", Process: a.process, Limits: p.Files, Branch: worktree.Dir{Root: p.root, Process: a.process}.Branch,
	})
}

// findingOf checks one environment, whose directory the user knows as dir.
func findingOf(ctx context.Context, req render.Request, dir string, opt verify.Options) verify.Finding {
	f, err := verify.Find(ctx, req, opt)
	f.Environment = spec.Environment{Dir: dir, Name: req.Name}
	if err != nil {
		f.Error = message(err)
	}
	return f
}
