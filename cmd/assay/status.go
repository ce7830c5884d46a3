package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/git/local"
	"github.com/assaydev/assay/internal/history"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/plugin"
	"github.com/assaydev/assay/render"
)

// statusOptions are the flags of status.
type statusOptions struct {
	environment
	server
	format string
}

func (a *app) statusCommand() *cobra.Command {
	opt := statusOptions{format: formatText}
	cmd := &cobra.Command{
		Use:   "status [DIR...]",
		Short: "List environments: what runs, what is tested, what was decided last",
		Long: `Status finds the environments at and below the directories, or in all of the
repository, and lists for each the images of its baseline, the candidate under
test with its ID, how many wait, and the last decision.

An environment is a directory with a plan or a marker (assay.yaml,
candidate.yaml, or one of a name), or one that a commit tells a decision of. One
that does not render shows why; the others are listed, and the exit code is 1.

On a server, --path is where it begins, and open pull requests are listed too.

The last decisions are looked for in the newest 500 commits.`,
		Example: `  assay status
  assay status shop

  # On a server, without a clone
  assay status --repo https://git.example.com/env.git

  # All that is known, as JSON
  assay status -o json | jq '.[] | select(.candidates | length > 0) | .directory'`,
		Args: cobra.ArbitraryArgs,
		RunE: a.do(func(ctx context.Context, args []string) error { return a.status(ctx, opt, args) }),
	}
	opt.bindRender(cmd)
	cmd.Flags().Lookup("env").Usage = "list environments of this `name` alone"
	opt.server.bind(cmd)
	bindChoice(cmd, &opt.format, "output", "o", "format", formatText, formatJSON)
	return cmd
}

func (a *app) status(ctx context.Context, opt statusOptions, args []string) error {
	if err := opt.check(args, opt.environment); err != nil {
		return err
	}
	if opt.chosen() {
		return a.statusThere(ctx, opt)
	}
	root, dirs, err := opt.locateAll(args)
	if err != nil {
		return err
	}
	c, err := readChronicle(ctx, root, opt.commits)
	if err != nil && !errors.Is(err, local.ErrNoRepo) && !errors.Is(err, exec.ErrNotFound) {
		return err
	}
	s := survey{
		name: opt.name,
		past: history.All(c.entries, c.refs),
		open: func() (render.Request, error) {
			fsys, err := envfs.OpenDir(root, opt.files)
			req := render.Request{FS: fsys}
			opt.fill(&req, plugin.Call{})
			return req, err
		},
	}
	list, err := s.list(ctx, dirs)
	if err != nil {
		return err
	}
	return a.reportStatus(list, opt.format, dirs)
}

func (a *app) reportStatus(list []standing, format string, dirs []string) error {
	if len(list) == 0 {
		a.notef("no environment is at or below %s: one has an assay.yaml or a candidate.yaml", strings.Join(dirs, ", "))
	}
	return a.printStatus(list, format)
}

// locateAll finds the one repository that the directories are in, and their
// paths there; its own directory where none is given.
func (e *environment) locateAll(args []string) (root string, dirs []string, err error) {
	if len(args) == 0 {
		root, _, err = e.locate(".", "")
		return root, []string{"."}, err
	}
	for i, arg := range args {
		at, dir, err := e.locate(arg, "")
		if err != nil {
			return "", nil, err
		}
		if i > 0 && at != root {
			return "", nil, usagef("%s and %s are in different repositories: ask for each by itself", args[0], arg)
		}
		root, dirs = at, append(dirs, dir)
	}
	return root, dirs, nil
}

// survey looks at the environments of a repository.
type survey struct {
	open func() (render.Request, error) // a view of the repository, with limits of its own
	past map[spec.Environment][]history.Decision
	name string // environments of this name alone; empty: all
}

// list looks at all environments at and below directories.
func (s survey) list(ctx context.Context, dirs []string) ([]standing, error) {
	places, err := s.find(dirs)
	if err != nil {
		return nil, err
	}
	return s.take(ctx, places)
}

// find lists the environments at and below directories: those that have files of
// their own, and those that are directories that commits tell of.
func (s survey) find(dirs []string) ([]spec.Environment, error) {
	req, err := s.open()
	if err != nil {
		return nil, err
	}
	defer func() { _ = req.FS.Close() }()
	var list []spec.Environment
	for _, dir := range dirs {
		found, err := render.Find(req.FS, dir)
		if err != nil {
			return nil, fmt.Errorf("find environments: %w", err)
		}
		list = append(list, found...)
		for env := range s.past {
			if env.Name == "" && envfs.Within(env.Dir, dir) && !slices.ContainsFunc(found, func(p spec.Environment) bool { return p.Dir == env.Dir }) && isDir(req.FS, env.Dir) {
				list = append(list, spec.Environment{Dir: env.Dir})
			}
		}
	}
	list = slices.DeleteFunc(list, func(p spec.Environment) bool { return s.name != "" && p.Name != s.name })
	slices.SortFunc(list, spec.Environment.Compare)
	return slices.Compact(list), nil
}

// isDir holds for a directory itself, not for a link to one. The name comes from
// a commit.
func isDir(fsys *envfs.FS, name string) bool {
	if !fs.ValidPath(name) {
		return false
	}
	info, err := fsys.Lstat(name)
	return err == nil && info.IsDir()
}
