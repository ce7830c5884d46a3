package main

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/assaydev/assay/internal/cli"
	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/internal/history"
	"github.com/assaydev/assay/internal/visible"
	"github.com/assaydev/assay/plugin"
	"github.com/assaydev/assay/promote"
	"github.com/assaydev/assay/promote/branch"
	"github.com/assaydev/assay/promote/candidate"
	"github.com/assaydev/assay/promote/worktree"
)

// home is where an environment lives: a directory of this machine, or a branch
// of a server.
type home interface {
	Decide(ctx context.Context, decide promote.Decider) (*promote.Result, error)
	Revert(ctx context.Context, target promote.Target, reason string) (*promote.Result, error)
	Set(ctx context.Context, put candidate.Put) (*candidate.Placement, error)
	Clear(ctx context.Context, which candidate.Which) (*candidate.Withdrawal, error)
	Show(ctx context.Context, look func(context.Context, *candidate.Marker) error) error
	Bump(ctx context.Context, ref string) (b candidate.Bump, done func(), err error)
	Past(ctx context.Context) (history.Past, error)
}

var (
	_ home = worktree.Dir{}
	_ home = branch.Server{}
)

// site is an environment that a command works on.
type site struct {
	home
	promote.View
	arg     string          // the environment's directory as the user knows it
	session *branch.Session // on a server
	app     deployed        // the Application that names it; empty without one

	branch func(context.Context) (string, error) // that the environment is on

	// namespace is where the environment is deployed to, in the cluster that is
	// asked for its experiment.
	namespace func() (string, error)
	close     func()
}

// siteFlags are the flags that say which environment, and where it lives.
type siteFlags struct {
	environmentFlags
	serverFlags
	bare bool // tables have no head
}

// bindHeaders adds the flag of commands that print a table.
func (f *siteFlags) bindHeaders(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&f.bare, "no-headers", false, "print the table without its head")
}

// bind adds them all, with those that decide what a render sees.
func (f *siteFlags) bind(cmd *cobra.Command) {
	f.bindRender(cmd)
	f.bindServer(cmd)
}

// editFlags say what becomes of an edit.
type editFlags struct{ dryRun, commit, detached bool }

// site opens the environment that the flags and the one optional argument name.
// The caller closes it.
func (a *app) site(ctx context.Context, f siteFlags, args []string, edit editFlags) (*site, error) {
	if edit.detached && !edit.commit {
		return nil, cli.Usagef("--allow-detached is for --commit: give both")
	}
	commit := ""
	if edit.commit {
		commit = "--commit"
	}
	if err := f.check(args, f.environmentFlags, commit); err != nil {
		return nil, err
	}
	if f.chosen() {
		return a.connect(ctx, f, edit)
	}
	at, err := f.locate(dirArg(args), plugin.Call{})
	if err != nil {
		return nil, err
	}
	dir := a.dir(at)
	dir.Commits, dir.Commit, dir.DryRun, dir.AllowDetached = f.commits, edit.commit, edit.dryRun, edit.detached
	return &site{
		home: dir,
		View: at.View, arg: at.arg, close: func() {}, branch: dir.Branch,
		namespace: func() (string, error) { return at.Request.Namespace, nil },
	}, nil
}

// dir is an environment's directory to work on.
func (a *app) dir(at located) worktree.Dir {
	state := a.variable("XDG_STATE_HOME")
	if home := a.variable("HOME"); state == "" && home != "" {
		state = filepath.Join(home, ".local", "state")
	}
	return worktree.Dir{Root: at.root, View: at.View, Process: a.process, State: state, Hold: a.write, Note: func(text string) { a.notef("%s", text) }}
}

// on names a path in the repository as the user reaches it from here.
func (s *site) on(name string) string { return visible.Name(onto(s.arg, s.Request.Dir, name)) }

func onto(arg, dir, name string) string {
	rel, err := filepath.Rel(filepath.FromSlash(dir), filepath.FromSlash(name))
	if err != nil {
		return name
	}
	return filepath.Join(arg, rel)
}

// landed says where an edit is on a server.
func (s *site) landed(at promote.Landing) string {
	if at.Pull == nil {
		return fmt.Sprintf("commit %s is on %s", git.Short(at.Commit), s.session.Branch)
	}
	return at.Pull.String()
}
