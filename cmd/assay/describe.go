package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"path/filepath"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/assaydev/assay/internal/application"
	"github.com/assaydev/assay/internal/cli"
	"github.com/assaydev/assay/internal/cluster"
	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/visible"
	"github.com/assaydev/assay/promote"
	"github.com/assaydev/assay/promote/describe"
)

// describeOptions are the flags of describe.
type describeOptions struct {
	siteFlags
	format string
	watch  bool
}

func (a *app) describeCommand() *cobra.Command {
	opt := describeOptions{format: formatText}
	cmd := &cobra.Command{
		Use:   "describe [DIR]",
		Short: "Show how the candidate under test does",
		Long: `Describe reads what is under test from Git, and its experiment from the cluster:
what judges it with its stage and progress, the metrics with their limits beside
those of the baseline, the pods of the variant and why they are not ready, the
verdict that all of it gives, and why nothing is promoted. What is not in the
cluster as Git renders it keeps a promotion back, and is named.

The cluster is that of the kubeconfig's context, as for kubectl, else that of
the pod. It takes the verb list on the kinds that judge, those of the variant,
and pods. With --app of an Application in the cluster it also says whether a
sync window of its AppProject is closed, which takes the verb get on
appprojects.

With --watch, a cluster or a server that does not answer once it has answered is
told of, and asked again.`,
		Example: `  # An Application's, in the cluster that it is in
  assay describe --app shop

  # A directory, again every two seconds
  assay describe shop/prod --namespace shop --watch`,
		Args: cli.Takes(0, 1, "one directory"),
		RunE: a.do(func(ctx context.Context, args []string) error { return a.describe(ctx, opt, args) }),
	}
	opt.bind(cmd)
	hideWriting(cmd)
	cmd.Flags().BoolVar(&opt.watch, "watch", false, "show it again every two seconds, until it is interrupted or --timeout has passed")
	cli.BindChoice(cmd, &opt.format, "output", "o", "format", formatText, formatYAML, formatJSON)
	return cmd
}

// redrawn is how often --watch looks.
const redrawn = 2 * time.Second

func (a *app) describe(ctx context.Context, opt describeOptions, args []string) error {
	if opt.watch && opt.format != formatText {
		return cli.Usagef("--watch is for people: leave it out with -o %s", opt.format)
	}
	s, err := a.site(ctx, opt.siteFlags, args, editFlags{dryRun: true})
	if err != nil {
		return err
	}
	defer s.close()
	if opt.watch {
		a.patient.Store(true) // that its time is over is how it ends
	}
	var told sync.Once // --watch would say it every time
	note := func(format string, args ...any) { told.Do(func() { a.notef(format, args...) }) }
	r, err := a.described(ctx, opt, s, note)
	if err != nil || !opt.watch {
		return a.printDescription(r, opt.format, err)
	}
	for {
		if err := a.redraw(s, r, err); err != nil {
			return fmt.Errorf("write result: %w", err)
		}
		select {
		case <-time.After(redrawn):
		case <-ctx.Done():
			return nil
		}
		var now *describe.Report
		if now, err = a.described(ctx, opt, s, note); err == nil {
			r = now
		} else if ctx.Err() != nil {
			return nil
		}
	}
}

// redraw shows a report, and why it is not as of now.
func (a *app) redraw(s *site, r *describe.Report, problem error) error {
	text := s.on(s.Request.Dir) + " has no candidate\n"
	if r != nil {
		text = r.Text()
	}
	switch {
	case problem != nil && !a.tty:
		a.notef("not read this time, and asked again: %v", problem)
		return nil
	case problem != nil:
		text += fmt.Sprintf("\nThis is the report before: not read this time, and asked again: %v\n", problem)
	}
	if a.tty {
		text = "\x1b[H\x1b[2J" + visible.Text(text)
	}
	_, err := io.WriteString(a.screen, text)
	return err
}

// described is the report of what is under test; nil where nothing is.
func (a *app) described(ctx context.Context, opt describeOptions, s *site, note func(format string, args ...any)) (*describe.Report, error) {
	namespace, err := s.namespace()
	if err != nil {
		return nil, err
	}
	c, err := a.openCluster(opt.serverFlags)
	if err != nil {
		return nil, err
	}
	var report *describe.Report
	_, err = s.Decide(ctx, promote.Decider{Choose: func(ctx context.Context, tip promote.Tip) (promote.Choice, error) {
		if tip.Rendered == nil {
			return promote.Choice{}, &promote.MissingError{Input: promote.InputReason, Message: "describe candidate: it does not render"}
		}
		env := s.Request.Environment
		if env.Dir == "." {
			env.Dir = filepath.ToSlash(s.arg)
		}
		tip.Now = c.Now
		report, err = describe.Of(ctx, env, tip, c.List, namespace, a.drift(opt.serverFlags, s, c, namespace, note))
		return promote.Choice{Held: decision.Hold}, err
	}})
	if err == nil && report != nil {
		report.Sync = a.syncs(ctx, opt.serverFlags, s.app, c)
	}
	return report, err
}

// syncs says for people whether Argo CD's windows keep it from syncing an Application of
// the cluster now; empty where they do not.
func (a *app) syncs(ctx context.Context, opt serverFlags, app deployed, c *cluster.Client) string {
	name, live := application.ParseName(opt.app)
	if !live {
		return ""
	}
	o, err := c.Get(ctx, application.ProjectResource(), name.Or(c.Namespace).Namespace, cmp.Or(app.place.Project, "default"))
	if err != nil {
		return "whether a sync window is closed is not known: " + excerpt.Of(err.Error(), 200)
	}
	closed, _ := promote.WindowsOf(application.ReadProject(o), app.place).Closed(c.Now())
	if closed == "" {
		return ""
	}
	return "Argo CD waits: " + closed
}

func (a *app) printDescription(r *describe.Report, format string, err error) error {
	switch {
	case err != nil:
		return err
	case format != formatText:
		return a.structured(format, r)
	case r == nil:
		a.notef("nothing is under test: put a candidate there with assay candidate set")
		return nil
	}
	a.out.WriteString(r.Text())
	return nil
}
