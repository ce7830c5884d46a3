package main

import (
	"context"
	"fmt"
	"path"
	"path/filepath"

	"github.com/assaydev/assay/internal/application"
	"github.com/assaydev/assay/internal/cli"
	"github.com/assaydev/assay/plugin"
	"github.com/assaydev/assay/plugin/adopt"
)

// initApp moves an Application to Assay.
func (a *app) initApp(ctx context.Context, opt initOptions, args []string) error {
	data, err := a.input.Read(opt.app)
	if err != nil {
		return err
	}
	name := cli.InputName(opt.app)
	app, err := application.Read(name, data)
	if err != nil {
		return err
	}
	p, err := opt.openApp(app, args)
	if err != nil {
		return err
	}
	defer p.close()
	if done, err := a.resumeInit(ctx, p, "init --app"); done || err != nil {
		return err
	}
	moved, err := adopt.Move(ctx, p.adopt(), app, a.questions())
	if err != nil {
		return err
	}
	back := "the way back: apply " + name + " as it was"
	if moved.Plan != nil {
		if err := a.dir(p.located).Adopt(ctx, "init --app", p.Request, map[string][]byte{moved.PlanFile: moved.Plan}); err != nil {
			return err
		}
		a.notef("wrote %s", p.on(moved.PlanFile))
		back += ", and remove what was added to " + p.on(moved.PlanFile)
	}
	a.data(moved.Application)
	for _, note := range moved.Notes {
		a.notef("note: %s", note)
	}
	a.notef("the environment renders to the same objects with the plugin")
	a.nextf("next: commit the plan, then apply the Application that is printed")
	a.notef("%s", back)
	return nil
}

// openApp opens the environment that the Application's path names.
func (o initOptions) openApp(app *application.Application, args []string) (*opened, error) {
	dir := dirArg(args)
	env := o.environmentFlags
	if len(args) == 0 {
		root, _, _, err := env.find(".", "")
		if err != nil {
			return nil, err
		}
		dir = filepath.Join(root, filepath.FromSlash(app.Path))
		if env.root == "" {
			env.root = root
		}
	}
	p, err := env.open(dir, plugin.Call{})
	if err != nil {
		return nil, err
	}
	if p.Dir != path.Clean(app.Path) {
		p.close()
		return nil, fmt.Errorf("%s: the path of its source is %s, and %s is %s of this repository: name the directory of the same path, or the repository with --root", app.File, app.Path, dir, p.Dir)
	}
	if len(args) == 0 {
		p.arg = filepath.FromSlash(app.Path)
	}
	return p, nil
}
