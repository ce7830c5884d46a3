package main

import (
	"context"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/assaydev/assay/internal/application"
	"github.com/assaydev/assay/internal/cli"
	"github.com/assaydev/assay/internal/history"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/plugin"
	"github.com/assaydev/assay/promote"
	"github.com/assaydev/assay/promote/describe"
	"github.com/assaydev/assay/promote/status"
	"github.com/assaydev/assay/promote/worktree"
)

// statusOptions are the flags of status.
type statusOptions struct {
	siteFlags
	format string
}

func (a *app) statusCommand() *cobra.Command {
	opt := statusOptions{format: formatText}
	cmd := &cobra.Command{
		Use:   "status [DIR...]",
		Short: "List environments: what runs, what is tested, what was decided last",
		Long: `Status finds the environments at and below the directories, and lists for each
the images of its baseline, the candidate under test with its ID, how many wait,
and the last decision. Without a directory it lists all of the repository, from
wherever it is called; "assay status ." is for the current directory.

An environment is a directory with a plan or a marker (assay.yaml,
candidate.yaml, or one of a name), or one that a commit tells a decision of. One
that does not render shows why; the others are listed, and the exit code is 1.

On a server, --path is where it begins, and open pull requests are listed too.

With --context, --kubeconfig or --app NAME, which choose a cluster, each
candidate shows how its experiment stands there: not synced yet, no verdict yet
with the stage in its engine's words, or concluded with the verdict. One that
cannot be read shows why, and the exit code is 1. Objects that name no namespace
are in that of --namespace.

The last decisions are looked for in the newest 500 commits.`,
		Example: `  assay status
  assay status shop

  # On a server, without a clone
  assay status --repo https://git.example.com/env.git

  # With the experiments of a cluster
  assay status --context prod --namespace shop

  # All that is known, as JSON
  assay status -o json | jq '.[] | select(.candidates | length > 0) | .directory'`,
		Args: cobra.ArbitraryArgs,
		RunE: a.do(func(ctx context.Context, args []string) error { return a.status(ctx, opt, args) }),
	}
	opt.bind(cmd)
	cmd.Flags().Lookup("env").Usage = "list environments of this `name` alone"
	cli.BindChoice(cmd, &opt.format, "output", "o", "format", formatText, formatYAML, formatJSON)
	opt.bindHeaders(cmd)
	hideWriting(cmd)
	return cmd
}

func (a *app) status(ctx context.Context, opt statusOptions, args []string) error {
	if err := opt.check(args, opt.environmentFlags); err != nil {
		return err
	}
	name := opt.name
	opt.name = "" // which of them are listed, not which one a render is of
	if opt.chosen() {
		s, err := a.connect(ctx, opt.siteFlags, editFlags{})
		if err != nil {
			return err
		}
		defer s.close()
		live, err := a.experiments(opt.serverFlags, s.namespace)
		if err != nil {
			return err
		}
		list, err := s.session.Status(ctx, name, live)
		if err != nil {
			return err
		}
		return a.reportStatus(list, history.Past{}, opt, name, []string{s.arg})
	}
	trees, err := opt.locateAll(args)
	if err != nil {
		return err
	}
	live, err := a.experiments(opt.serverFlags, func() (string, error) { return opt.Namespace, nil })
	if err != nil {
		return err
	}
	var list []status.Environment
	var past history.Past
	for _, t := range trees {
		d := worktree.Dir{Root: t.root, Apart: t.arg != "", View: opt.view(".", plugin.Call{}), Process: a.process, Commits: opt.commits}
		found, read, err := d.Status(ctx, t.dirs, name, live)
		if err != nil {
			return err
		}
		past = read
		for _, s := range found {
			s.Dir = path.Join(filepath.ToSlash(t.arg), s.Dir)
			list = append(list, s)
		}
	}
	if len(args) == 0 {
		args = []string{"."}
	}
	return a.reportStatus(list, past, opt, name, args)
}

// experiments reads how experiments stand in the cluster that the flags choose; nil where
// they choose none.
func (a *app) experiments(opt serverFlags, namespace func() (string, error)) (status.Live, error) {
	if _, live := application.ParseName(opt.app); !live && opt.kubeContext == "" && opt.kubeconfig == "" {
		return nil, nil
	}
	c, err := a.openCluster(opt)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, env spec.Environment, tip promote.Tip) (*describe.Report, error) {
		in, err := namespace()
		if err != nil {
			return nil, err
		}
		tip.Now = c.Now
		return describe.Judged(ctx, env, tip, c.List, in)
	}, nil
}

func (a *app) reportStatus(list []status.Environment, past history.Past, opt statusOptions, name string, dirs []string) error {
	if len(list) == 0 {
		named := ""
		if name != "" {
			named = " named " + name
		}
		a.notef("no environment%s is at or below %s: one has an assay.yaml, as assay init writes it, or a candidate.yaml", named, strings.Join(dirs, ", "))
	}
	if past.Shallow && slices.ContainsFunc(list, func(s status.Environment) bool { return s.Last == nil }) {
		a.notef("%s", reach(past))
	}
	return a.printStatus(list, opt.format, opt.bare)
}

// printStatus prints the list. Like verify's report it is the result also where
// an environment does not render, or a cluster does not tell.
func (a *app) printStatus(list []status.Environment, format string, bare bool) error {
	if format != formatText {
		if err := a.structured(format, append([]status.Environment{}, list...)); err != nil {
			return err
		}
	} else {
		a.out.WriteString(status.Table(list, time.Now(), bare))
	}
	if slices.ContainsFunc(list, func(s status.Environment) bool {
		return s.Error != "" || s.Experiment != nil && s.Experiment.Error != ""
	}) {
		return errReported
	}
	return nil
}

// survey is a repository, and directories there. Outside of one it is a directory, which
// arg names as the user did.
type survey struct {
	root string
	dirs []string
	arg  string
}

// locateAll finds the one repository that the directories are in; all of it where no
// directory is given. Outside of a repository each directory is one of its own.
func (e *environmentFlags) locateAll(args []string) ([]survey, error) {
	if len(args) == 0 {
		root, _, known, err := e.find(".", "")
		if known {
			return []survey{{root, []string{"."}, ""}}, err
		}
		return []survey{{root, []string{"."}, "."}}, err
	}
	var trees []survey
	for i, arg := range args {
		root, dir, known, err := e.find(arg, "")
		switch {
		case err != nil:
			return nil, err
		case !known && (i == 0 || trees[0].arg != ""):
			trees = append(trees, survey{root, []string{dir}, filepath.Clean(arg)})
		case known && i == 0:
			trees = []survey{{root, []string{dir}, ""}}
		case known && trees[0].arg == "" && trees[0].root == root:
			trees[0].dirs = append(trees[0].dirs, dir)
		default:
			return nil, cli.Usagef("%s and %s are in different repositories: ask for each by itself", args[0], arg)
		}
	}
	return trees, nil
}
