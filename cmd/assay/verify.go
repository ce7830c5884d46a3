package main

import (
	"context"
	"fmt"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/assaydev/assay/internal/digest"
	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/plugin"
	"github.com/assaydev/assay/promote"
	"github.com/assaydev/assay/promote/verify"
	"github.com/assaydev/assay/promote/worktree"
)

type verifyOptions struct {
	environmentFlags
	format, against, signers string
}

func (a *app) verifyCommand() *cobra.Command {
	opt := verifyOptions{format: formatText}
	cmd := &cobra.Command{
		Use:   "verify [DIR...]",
		Short: "Check environments, and prove that their candidates can be decided",
		Long: `Verify renders each environment, with its candidate where there is one, and
reports every failure and what deserves a look. For a candidate it proves, as
promote and reject do, that both would hold now, and lists the files that
promotion would change and other environments that render from them. In each
directory it checks every named environment that it finds, or the one that
--env names.

The report is the result: it goes to stdout also when something failed, with
exit code 1.`,
		Example: `  assay verify shop/staging shop/prod

  # On a pull request: targets change through promotions alone
  assay verify --against origin/main shop/prod

  # In CI, as JSON
  assay verify -o json environments/*`,
		RunE: a.do(func(ctx context.Context, args []string) error {
			if len(args) == 0 {
				args = []string{"."}
			}
			return a.verify(ctx, opt, args)
		}),
	}
	opt.bindRender(cmd)
	cmd.Flags().StringVar(&opt.against, "against", "", "`revision` since which no target may have changed without a promotion that its commit tells of")
	bindSigners(cmd.Flags(), &opt.signers)
	bindChoice(cmd, &opt.format, "output", "o", "format", formatText, formatYAML, formatJSON)
	return cmd
}

// finding is what verify says of one environment.
type finding struct {
	spec.Environment               // its directory as the user wrote it
	OK               bool          `json:"ok"`
	Error            string        `json:"error,omitempty"`
	Layout           string        `json:"layout,omitempty"`
	Objects          int           `json:"objects"`
	Candidate        string        `json:"candidate,omitempty"`
	ID               string        `json:"id,omitempty"`
	Digest           digest.Digest `json:"digest,omitempty"`
	Proven           bool          `json:"proven,omitempty"`  // with a candidate: promotion and rejection would hold now
	Changed          []string      `json:"changed,omitempty"` // with --against: without a verdict
	Claims           []string      `json:"claims,omitempty"`  // with --against: commits that promote as tested, and claim the verdict
	promote.Effect
	Untested []string `json:"untested,omitempty"`
	Warnings []string `json:"warnings,omitempty"`
}

func (a *app) verify(ctx context.Context, opt verifyOptions, dirs []string) error {
	var findings []finding
	for _, dir := range dirs {
		for _, name := range opt.namesIn(dir) {
			env := opt.environmentFlags
			env.name = name
			f := a.verifyOne(ctx, env, opt.against, opt.signers, dir)
			if err := ctx.Err(); err != nil {
				return err
			}
			findings = append(findings, f)
		}
	}
	if opt.format != formatText {
		if err := a.structured(opt.format, findings); err != nil {
			return err
		}
	} else {
		for _, f := range findings {
			a.out.WriteString(f.text())
		}
	}
	if slices.ContainsFunc(findings, func(f finding) bool { return !f.OK }) {
		return errReported
	}
	return nil
}

// namesIn lists the environments of a directory: the named ones, and the one
// without a name where it has files of its own or is the only one.
func (o verifyOptions) namesIn(dir string) []string {
	if o.name != "" {
		return []string{o.name}
	}
	names, err := environmentNames(dir)
	if err != nil || len(names) == 0 {
		return []string{""} // a directory that cannot be read fails when it is rendered
	}
	for _, file := range []string{"assay.yaml", "candidate.yaml"} {
		if _, err := os.Lstat(dir + string(os.PathSeparator) + file); err == nil {
			return append([]string{""}, names...)
		}
	}
	return names
}

func (a *app) verifyOne(ctx context.Context, env environmentFlags, against, signers, dir string) finding {
	f := finding{Environment: spec.Environment{Dir: dir, Name: env.name}}
	p, err := env.open(dir, plugin.Call{})
	if err != nil {
		f.Error = message(err)
		return f
	}
	defer p.close()
	r, err := verify.Environment(ctx, p.Request, verify.Options{
		Against: against, Signers: signers, Root: p.root, Process: a.process, Limits: p.Files, Branch: worktree.Dir{Root: p.root, Process: a.process}.Branch,
	})
	f.Changed, f.Claims, f.Effect = r.Changed, r.Claims, r.Effect
	if err != nil {
		f.Error = message(err)
		return f
	}
	f.OK, f.Proven, f.Layout, f.ID, f.Digest, f.Objects = true, r.Proven, string(r.Layout), r.ID, r.Digest, len(r.Output())
	if r.Marker != nil {
		f.Candidate = r.Marker.Metadata.Name
	}
	f.Untested, f.Warnings = r.Untested, r.Warnings
	return f
}

func (f finding) text() string {
	where := f.Dir
	if f.Name != "" {
		where += " (" + f.Name + ")"
	}
	if !f.OK {
		return "failed  " + where + ": " + f.Error + "\n"
	}
	candidate := "no candidate"
	if f.ID != "" {
		candidate = join("candidate "+called(f.Candidate), f.ID, "promoting and rejecting it would hold")
	}
	text := fmt.Sprintf("ok      %s: %s\n", where, join(f.Layout, fmt.Sprintf("%d objects", f.Objects), candidate))
	for _, commit := range f.Claims {
		text += "        promoted as tested; the verdict is claimed by " + commit + "\n"
	}
	for _, name := range f.Files {
		text += "        changes: " + excerpt.Joined(name) + "\n"
	}
	for _, env := range f.Also {
		text += "        also changes: " + excerpt.Joined(env) + "\n"
	}
	for _, u := range f.Untested {
		text += "        ships untested: " + excerpt.Joined(u) + "\n"
	}
	for _, w := range f.Warnings {
		text += "        warning: " + excerpt.Joined(w) + "\n"
	}
	return text
}
