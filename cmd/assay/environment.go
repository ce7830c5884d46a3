package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/assaydev/assay/internal/cli"
	"github.com/assaydev/assay/internal/digest"
	"github.com/assaydev/assay/plugin"
	"github.com/assaydev/assay/plugin/flags"
	"github.com/assaydev/assay/promote"
	"github.com/assaydev/assay/render"
)

// environmentFlags say which environment, for whom, and within
// which limits.
type environmentFlags struct {
	name, root string
	flags.View
}

// bind adds the flags that choose an environment.
func (e *environmentFlags) bind(cmd *cobra.Command) {
	cli.Under(cmd, environmentGroup, func() { e.bindPlace(cmd.Flags()) })
	cli.MustComplete(cmd, "env", completeNames)
	cli.MustComplete(cmd, "root", cli.CompleteDirs)
	cmd.ValidArgsFunction = cli.CompleteDirs
}

func (e *environmentFlags) bindPlace(f *pflag.FlagSet) {
	f.StringVar(&e.name, "env", "", "`name` of the environment where a directory serves several (assay.NAME.yaml)")
	f.StringVar(&e.root, "root", "", "repository's `directory`, which nothing is read from beyond (default: the nearest one with .git)")
}

// bindRender adds the flags that decide what a render sees, and its limits.
func (e *environmentFlags) bindRender(cmd *cobra.Command) {
	e.bind(cmd)
	cli.Under(cmd, environmentGroup, func() { e.BindNamespace(cmd.Flags()) })
	cli.Under(cmd, renderGroup, func() { e.Bind(cmd.Flags()) })
}

// located is an environment's directory on this machine.
type located struct {
	promote.View
	root string // the repository's directory
	arg  string // the environment's as the user wrote it
}

// locate finds the environment in dir. A call of the plugin fills in what flags
// leave out.
func (e *environmentFlags) locate(dir string, call plugin.Call) (located, error) {
	root, rel, _, err := e.find(dir, call.SourcePath)
	return located{e.view(rel, call), root, dir}, err
}

// view is how the environment of a directory in a repository is read.
func (e *environmentFlags) view(dir string, call plugin.Call) promote.View {
	return promote.View{Request: e.Request(dir, e.name, call), Files: e.Files}
}

// opened is a located environment, open to be read.
type opened struct {
	located
	render.Request
}

// open opens the environment in dir, for a call of the plugin. The caller closes
// it.
func (e *environmentFlags) open(dir string, call plugin.Call) (*opened, error) {
	at, err := e.locate(dir, call)
	if err != nil {
		return nil, err
	}
	req, err := at.At(at.root)
	return &opened{at, req}, err
}

// close ends the reading. Nothing was written, so that nothing can be lost.
func (o *opened) close() { _ = o.FS.Close() }

// render renders the environment in dir.
func (e *environmentFlags) render(ctx context.Context, dir string, call plugin.Call) (*render.Result, error) {
	o, err := e.open(dir, call)
	if err != nil {
		return nil, err
	}
	defer o.close()
	return render.Environment(ctx, o.Request)
}

// on names a path in the repository as the user reaches it from here.
func (l located) on(name string) string { return onto(l.arg, l.Request.Dir, name) }

// argument is how the user names an environment to another command.
func argument(dir, name string) string {
	if name == "" {
		return filepath.Clean(dir)
	}
	return filepath.Clean(dir) + " --env " + name
}

// find finds the repository of dir and the path there. Where there is none, known is
// false, and dir stands for it.
func (e *environmentFlags) find(dir, sourcePath string) (root, rel string, known bool, err error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", "", false, fmt.Errorf("find directory %s: %w", dir, err)
	}
	switch info, err := os.Stat(abs); {
	case os.IsNotExist(err):
		return "", "", false, fmt.Errorf("%s does not exist: name the environment's directory", dir)
	case err != nil:
		return "", "", false, fmt.Errorf("%s cannot be read", dir)
	case !info.IsDir():
		return "", "", false, fmt.Errorf("%s is not a directory: name the one that holds the environment's files", dir)
	}
	if e.root == "" {
		root, rel, known = plugin.Root(abs, sourcePath)
		return root, rel, known, nil
	}
	if root, err = filepath.Abs(e.root); err != nil {
		return "", "", false, fmt.Errorf("find directory %s: %w", e.root, err)
	}
	rel, err = filepath.Rel(root, abs)
	if err != nil || !filepath.IsLocal(rel) {
		return "", "", false, cli.Usagef("%s is not inside --root %s", dir, e.root)
	}
	return root, filepath.ToSlash(rel), true, nil
}

// dirArg is the one optional argument.
func dirArg(args []string) string {
	if len(args) == 0 {
		return "."
	}
	return args[0]
}

// selector is a flag that names an experiment.
type selector digest.Selector

func (s *selector) Set(text string) error {
	meant, err := digest.Select(text)
	if id, ok := strings.CutPrefix(text, "e"); err == nil && meant.IsID() && (!ok || strings.Trim(id, "0123456789abcdef") != "") {
		return cli.Usagef("give an ID such as e012345678, or a digest; assay candidate show and assay history list them")
	}
	*s = selector(meant)
	return err
}

func (s *selector) String() string { return "" }

func (s *selector) Type() string { return "ID" }
