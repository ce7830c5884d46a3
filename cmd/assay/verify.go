package main

import (
	"context"
	"fmt"
	"os"
	"slices"

	"github.com/assaydev/assay/internal/digest"
	"github.com/assaydev/assay/internal/git/local"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/promote/audit"

	"github.com/spf13/cobra"

	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/plugin"
	"github.com/assaydev/assay/promote"
	"github.com/assaydev/assay/render"
	"github.com/assaydev/assay/render/experiment"
)

type verifyOptions struct {
	environment
	format, against string
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
	bindChoice(cmd, &opt.format, "output", "o", "format", formatText, formatJSON)
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
	effect
	Untested []string `json:"untested,omitempty"`
	Warnings []string `json:"warnings,omitempty"`
}

func (a *app) verify(ctx context.Context, opt verifyOptions, dirs []string) error {
	var findings []finding
	for _, dir := range dirs {
		for _, name := range opt.namesIn(dir) {
			env := opt.environment
			env.name = name
			f := verifyOne(ctx, env, opt.against, dir)
			if err := ctx.Err(); err != nil {
				return err
			}
			findings = append(findings, f)
		}
	}
	if opt.format == formatJSON {
		data, err := encodeJSON(findings)
		if err != nil {
			return err
		}
		a.out.Write(data)
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

func verifyOne(ctx context.Context, env environment, against, dir string) finding {
	f := finding{Environment: spec.Environment{Dir: dir, Name: env.name}}
	p, err := env.open(dir, plugin.Call{})
	if err != nil {
		f.Error = oneLine(err.Error())
		return f
	}
	defer p.close()
	res, err := render.Environment(ctx, p.Request)
	switch {
	case err != nil:
	case res.Marker == nil:
		err = p.rehearseResources(ctx, res)
	default:
		f.Proven = true
		if err = p.prove(ctx, p.Request, res); err == nil {
			f.effect, err = p.effectOf(ctx, res)
		}
	}
	var byHand []string
	if err == nil && against != "" {
		f.Changed, byHand, err = p.against(ctx, against, res)
		if err == nil && len(f.Changed) > 0 {
			err = fmt.Errorf("changed since %s without a verdict: %s; test changes of a target as a candidate", against, listed(f.Changed))
		}
	}
	if err == nil {
		err = p.checkEngines(res.Plan.Spec.Experiment.Engines)
	}
	if err != nil {
		f.Error, f.Proven = oneLine(err.Error()), false
		return f
	}
	f.OK, f.Layout, f.ID, f.Digest, f.Objects = true, string(res.Layout), res.ID, res.Digest, len(res.Output())
	if res.Marker != nil {
		f.Candidate = res.Marker.Metadata.Name
	}
	f.Untested = res.Untested
	f.Warnings = append(append([]string{}, res.Warnings...), concerns(res)...)
	for _, commit := range byHand {
		f.Warnings = append(f.Warnings, "commit "+commit+" promotes by hand, not on a verdict")
	}
	return f
}

// against holds the commits since a revision against what promotions allow.
func (p *place) against(ctx context.Context, ref string, now *render.Result) (changed, byHand []string, err error) {
	repo, err := local.Open(ctx, p.root)
	if err != nil {
		return nil, nil, err
	}
	r, err := audit.Against(ctx, repo, p.Request, p.files, ref, now)
	return r.Changed, r.ByHand, err
}

// prove holds that the candidate, which is rendered at hand, can be decided
// either way.
func (p *place) prove(ctx context.Context, req render.Request, res *render.Result) error {
	for _, outcome := range []promote.Outcome{promote.Promote, promote.Reject} {
		if _, err := promote.Prepare(ctx, req, promote.Options{Outcome: outcome, Branch: p.branch, Rendered: res}); err != nil {
			return fmt.Errorf("the candidate could not be %s: %w", done(outcome), err)
		}
	}
	return nil
}

// rehearseResources renders the experiment's resources without a candidate,
// with the baseline in its place: a mistake in them shows before one is set.
func (p *place) rehearseResources(ctx context.Context, res *render.Result) error {
	exp := res.Plan.Spec.Experiment
	sources, err := experiment.Load(p.FS, p.Dir, exp)
	if err != nil {
		return err
	}
	in := experiment.Input{Sources: sources, Experiment: exp, Name: res.Plan.Metadata.Name, Namespace: res.Namespace, Destination: res.Namespace, Taken: res.Baseline}
	for _, o := range render.UnderTest(res.Plan, res.Baseline) {
		v := experiment.VersionOf(o)
		in.Targets = append(in.Targets, experiment.Target{Baseline: v, Candidate: v})
	}
	if len(in.Targets) == 0 {
		return nil // a change of other objects is nothing that templates could speak of
	}
	_, warnings, err := experiment.Render(ctx, in, "e000000000", experiment.Options{AllowKinds: p.Allow.InjectKinds})
	res.Warnings = append(res.Warnings, warnings...)
	return err
}

// concerns are what renders well today and would surprise under Argo CD once
// there is a candidate. With one, the render warns itself.
func concerns(res *render.Result) []string {
	if res.Marker != nil {
		return nil
	}
	var list []string
	if len(res.Baseline) == 0 {
		list = append(list, "renders no objects: is this the environment's directory?")
	}
	for _, o := range res.Baseline {
		if object.IsPostSync(o) {
			list = append(list, fmt.Sprintf("%s is a PostSync hook: while a candidate is tested, Argo CD waits for it and for the experiment, and syncs nothing newer", object.KeyOf(o)))
		}
	}
	return list
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
	for _, name := range f.Files {
		text += "        changes: " + oneLine(name) + "\n"
	}
	for _, env := range f.Also {
		text += "        also changes: " + oneLine(env) + "\n"
	}
	for _, u := range f.Untested {
		text += "        ships untested: " + oneLine(u) + "\n"
	}
	for _, w := range f.Warnings {
		text += "        warning: " + oneLine(w) + "\n"
	}
	return text
}
