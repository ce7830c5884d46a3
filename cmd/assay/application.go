package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/assaydev/assay/internal/application"
	"github.com/assaydev/assay/internal/cli"
	"github.com/assaydev/assay/internal/cluster"
)

// appUsage explains the flag --app of a command that works on a server.
const appUsage = "`APP` that uses the plugin: take repository, branch, path and parameters from it. " +
	"NAME or NAMESPACE/NAME is an Application in the cluster; what ends in .yaml, .yml or .json, or begins with ./, ../ or /, is a file with one, and - is stdin"

// findApp reads what --app names. The title is for messages.
func (a *app) findApp(ctx context.Context, opt serverFlags) (title string, at application.Place, err error) {
	name, ok := application.ParseName(opt.app)
	if ok {
		return a.liveApp(ctx, opt, name)
	}
	title = cli.InputName(opt.app)
	data, err := a.input.Read(opt.app)
	if err != nil {
		return title, at, fmt.Errorf("--app: %w; an Application in the cluster is NAME or NAMESPACE/NAME", err)
	}
	at, err = application.Locate(title, data)
	return title, at, err
}

// liveApp reads an Application from the cluster.
func (a *app) liveApp(ctx context.Context, opt serverFlags, n application.Name) (title string, at application.Place, err error) {
	c, err := a.openCluster(opt)
	if err != nil {
		return "", at, noApp(opt.app, err)
	}
	n = n.Or(c.Namespace)
	title = n.String()
	if a.tellsSteps() {
		a.notef("read %s from %s ...", title, c.Place)
	}
	o, err := c.Get(ctx, application.Resource(), n.Namespace, n.Name)
	if err != nil {
		return title, at, noApp(opt.app, err)
	}
	at, err = application.LocateObject(o)
	return title, at, err
}

// noApp explains an Application that the cluster does not give: it may be
// elsewhere, or a file may be meant.
func noApp(text string, err error) error {
	file := "to read a file, give --app ./" + text
	if info, statErr := os.Stat(text); statErr == nil && info.Mode().IsRegular() {
		file = "a file of that name is here: if it is meant, give --app ./" + text
	}
	switch {
	case errors.Is(err, cluster.ErrNoKind):
		return fmt.Errorf("--app %s: %w: Argo CD is not installed there", text, err)
	case errors.Is(err, cluster.ErrNotFound):
		return fmt.Errorf("--app %s: %w; for another namespace give --app NAMESPACE/NAME; %s", text, err, file)
	case errors.Is(err, cluster.ErrNoCluster):
		return fmt.Errorf("--app %s: %w; %s", text, err, file)
	}
	return fmt.Errorf("--app %s: %w", text, err)
}
