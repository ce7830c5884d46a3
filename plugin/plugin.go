// Package plugin speaks Argo CD's config management plugin contract: the
// environment and the parameters that Argo CD passes in, and the announcement
// that it asks for.
//
//  1. Root finds the repository that the application's directory is in.
//  2. FromEnv reads the call: who asks, for which cluster, and with which
//     parameters. Whoever writes the repository controls the parameters, so
//     they are decoded strictly against one table (parameters.go).
//  3. Call.Fill writes the call into a render.Request, and Call.Check holds
//     it against the plan that the render found.
//  4. Announce lists the parameters with the values that hold now.
//
// The package does not read the process environment itself, and does not link
// argo-cd.
package plugin

import (
	"fmt"
	"strings"

	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/render"
)

// Call is one call of the plugin, as Argo CD makes it.
type Call struct {
	AppName     string // without the namespace that Argo CD may put before it
	Namespace   string // the destination's
	KubeVersion string
	APIVersions []string
	SourcePath  string // the application's path in its repository, or empty
	Environment string // the environment's name, or empty

	// Source options from parameters; nil where none was given.
	Helm      *spec.HelmSource
	Kustomize *spec.KustomizeSource
	Directory *spec.DirectorySource

	env map[string]string // what $NAME means in source options
	off []parameter       // booleans that were given as false
}

// Argo CD's variables that a call is read from.
const (
	envAppName     = "ARGOCD_APP_NAME"
	envNamespace   = "ARGOCD_APP_NAMESPACE"
	envSourcePath  = "ARGOCD_APP_SOURCE_PATH"
	envKubeVersion = "KUBE_VERSION"
	envAPIVersions = "KUBE_API_VERSIONS"
	envParameters  = "ARGOCD_APP_PARAMETERS"
)

// FromEnv reads a call from the variables that Argo CD sets. Outside Argo CD
// none is set, and the call is empty.
func FromEnv(lookup func(string) (string, bool)) (Call, error) {
	get := func(name string) string {
		value, _ := lookup(name)
		return value
	}
	call := Call{
		AppName:   appName(get(envAppName)),
		Namespace: get(envNamespace),
		// Argo CD's own Helm source drops the plus sign of a provider's version.
		KubeVersion: strings.ReplaceAll(get(envKubeVersion), "+", ""),
		APIVersions: splitList(get(envAPIVersions)),
		SourcePath:  get(envSourcePath),
		env:         buildEnv(lookup),
	}
	if err := call.decode(get(envParameters)); err != nil {
		return Call{}, err
	}
	return call, nil
}

// appName drops the namespace that Argo CD puts before the name of an
// application outside its own namespace: a release is named after the rest.
func appName(qualified string) string {
	if _, name, found := strings.Cut(qualified, "_"); found {
		return name
	}
	return qualified
}

func splitList(text string) []string {
	var items []string
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	return items
}

// Fill writes the call into a request. What the call leaves out stays as it is.
func (c Call) Fill(req *render.Request) {
	set := func(to *string, value string) {
		if value != "" {
			*to = value
		}
	}
	set(&req.AppName, c.AppName)
	set(&req.Namespace, c.Namespace)
	set(&req.KubeVersion, c.KubeVersion)
	set(&req.Name, c.Environment)
	if c.env != nil {
		req.Env = c.env
	}
	if len(c.APIVersions) > 0 {
		req.APIVersions = c.APIVersions
	}
	if c.Helm != nil {
		req.Helm = c.Helm
	}
	if c.Kustomize != nil {
		req.Kustomize = c.Kustomize
	}
	if c.Directory != nil {
		req.Directory = c.Directory
	}
}

// Check refuses a parameter that turns off what the plan turns on: parameters
// are merged into the plan's options, and there a false one is as good as none.
func (c Call) Check(plan *spec.Plan) error {
	for _, p := range c.off {
		if v := p.get(sourcesOf(plan)); v.text == "true" {
			return fmt.Errorf("parameter %s is false, but the plan sets it to true: change the plan", p.name)
		}
	}
	return nil
}
