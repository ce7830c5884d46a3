package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/assaydev/assay/internal/application"
	"github.com/assaydev/assay/internal/cli"
	"github.com/assaydev/assay/internal/cluster"
)

// appUsage explains the flag --app of a command that works on a server.
const appUsage = "`APP` that uses the plugin: take repository, branch, path and parameters from it. " +
	"NAME or NAMESPACE/NAME is an Application in the cluster; what ends in .yaml, .yml or .json, or begins with ./, ../ or /, is a file with one, and - is stdin"

// argoCD is the namespace of Argo CD where nothing names another.
const argoCD = "argocd"

// applications is the resource that an Application is.
func applications() schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: "argoproj.io", Version: "v1alpha1", Resource: "applications"}
}

// appName is an Application in the cluster.
type appName struct{ namespace, name string } // the namespace may be empty

// parseAppName tells a name from a file. Its text alone decides: what files lie
// around may be somebody else's, and an Application says where our credentials
// go. A file that could be a name is given as ./FILE.
func parseAppName(text string) (n appName, ok bool) {
	if slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(text)) {
		return n, false
	}
	namespace, name, qualified := strings.Cut(text, "/")
	if !qualified {
		return appName{name: text}, len(validation.IsDNS1123Subdomain(text)) == 0
	}
	ok = len(validation.IsDNS1123Label(namespace)) == 0 && len(validation.IsDNS1123Subdomain(name)) == 0
	return appName{namespace, name}, ok
}

// findApp reads what --app names. The title is for messages.
func (a *app) findApp(ctx context.Context, opt serverFlags) (title string, at application.Place, err error) {
	name, ok := parseAppName(opt.app)
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
func (a *app) liveApp(ctx context.Context, opt serverFlags, n appName) (title string, at application.Place, err error) {
	c, err := a.openCluster(opt)
	if err != nil {
		return "", at, noApp(opt.app, err)
	}
	for _, otherwise := range []string{c.Namespace, argoCD} {
		if n.namespace == "" {
			n.namespace = otherwise
		}
	}
	title = "Application " + n.namespace + "/" + n.name
	if a.tellsSteps() {
		a.notef("read %s from %s ...", title, c.Place)
	}
	o, err := c.Get(ctx, applications(), n.namespace, n.name)
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
