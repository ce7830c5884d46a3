// Package flags holds the flags of `assay render` that decide what a render sees and how
// much it may take. Whatever renders as that command does has the same ones: the command
// itself, and the server that reads the command from plugin.yaml.
package flags

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/assaydev/assay/internal/change"
	"github.com/assaydev/assay/internal/cli"
	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/plugin"
	"github.com/assaydev/assay/render"
	"github.com/assaydev/assay/render/helm"
)

// Flags that messages name.
const (
	MemoryLimit = "--memory-limit" // what a command may take
	Timeout     = "--timeout"      // how long it may
)

// View is what a render sees of its Application, and its limits.
type View struct {
	AppName     string
	Namespace   string
	KubeVersion string
	HelmVersion string
	APIVersions []string
	InjectKinds []string
	Files       envfs.Limits
	Limits      render.Limits
}

// Bind adds the flags, but for the namespace and the version of Helm.
func (v *View) Bind(f *pflag.FlagSet) {
	f.StringVar(&v.AppName, "app-name", "", "Application's `name`: the default release name of a chart")
	f.StringVar(&v.KubeVersion, "kube-version", "", "Kubernetes `version` that charts see (default: "+render.DefaultKubeVersion+")")
	f.StringSliceVar(&v.APIVersions, "api-versions", nil, "API `versions` that charts see, as [group/]version/kind")
	cli.BindLimits(f, &v.Files, &v.Limits.Documents, &v.Limits.Depth, &v.Limits.OutputBytes)
	f.StringSliceVar(&v.InjectKinds, "inject-kind", nil, "`kinds` that an experiment may hold beyond the default ones, as KIND or KIND.GROUP")
}

// BindNamespace adds the flag of the destination's namespace.
func (v *View) BindNamespace(f *pflag.FlagSet) {
	f.StringVarP(&v.Namespace, "namespace", "n", "", "destination `namespace` of the Application")
}

// BindHelm adds the flag of the version of Helm.
func (v *View) BindHelm(cmd *cobra.Command) {
	cli.BindChoice(cmd, &v.HelmVersion, "helm", "", "version of Helm that charts are rendered with: Argo CD has v3 up to 3.4, v4 from 3.5 on (default: the plan's, else v3)", helm.Version3, helm.Version4)
}

// Request is the request of an environment, without its files. A call of the plugin fills
// in what flags leave out; name is the environment's own, or empty.
func (v View) Request(dir, name string, call plugin.Call) render.Request {
	req := render.Request{Environment: spec.Environment{Dir: dir}, HelmVersion: v.HelmVersion, Limits: v.Limits, Allow: render.Allow{InjectKinds: v.InjectKinds}}
	call.Fill(&req)
	given := plugin.Call{AppName: v.AppName, Namespace: v.Namespace, KubeVersion: v.KubeVersion, APIVersions: v.APIVersions, Environment: name}
	given.Fill(&req)
	return req
}

// Message is what an error of a render says. The libraries say which limit was passed; here
// it is said which flag raises it.
func Message(err error) string {
	text := err.Error()
	add := func(said error, flag string) {
		text = strings.Replace(text, said.Error(), said.Error()+" with "+flag, 1)
	}
	var limit *envfs.LimitError
	var large *object.TooLargeError
	if errors.As(err, &limit) {
		add(limit, flagOf(limit.Kind))
	}
	if errors.As(err, &large) {
		add(large, "--max-output-bytes")
	}
	return text
}

// OneLine puts a message on one line, but for what its error holds to be pasted.
func OneLine(text string, err error) string {
	var paste *change.Paste
	if !errors.As(err, &paste) {
		return excerpt.Joined(text)
	}
	before, after, _ := strings.Cut(text, paste.Error())
	return excerpt.Joined(before+after) + paste.Error()
}

func flagOf(kind envfs.Limit) string {
	switch kind {
	case envfs.FileBytes:
		return "--max-file-bytes"
	case envfs.TotalBytes:
		return "--max-total-bytes"
	default:
		return "--max-files"
	}
}
