package adopt

import (
	"context"

	"github.com/assaydev/assay/internal/scaffold"
	"github.com/assaydev/assay/internal/spec"
)

// Options say what Init writes. What is empty is asked for.
type Options struct {
	Engine, Load string
	Target       string // KIND/NAME
	URL          string // where the candidate answers
	Prometheus   string
	Traffic      string // isolated or shared

	// How an Application renders a chart, beside the request's namespace.
	Release    string
	ValueFiles []string

	Overwrite bool // files that exist
}

// Scaffold is a plan with its experiment, to be written.
type Scaffold struct {
	Files  map[string][]byte // by path in the repository; nil is to be removed
	Images []string          // that the target runs
	Notes  []string          // what people should know of the files
}

// Init makes a plan and an experiment for an environment that has none. What a plan that
// is there says stays. A nil ask takes the defaults.
func Init(ctx context.Context, env Environment, opt Options, ask Ask) (*Scaffold, error) {
	plan, err := spec.PlanFile(env.Name)
	if err != nil {
		return nil, err
	}
	kept, err := env.keep(opt, plan)
	if err != nil {
		return nil, err
	}
	seen, err := env.survey(ctx, kept, func() (*spec.HelmSource, error) { return env.chart(opt, kept, ask) })
	if err != nil {
		return nil, err
	}
	chosen, err := choose(opt, seen, ask)
	if err != nil {
		return nil, err
	}
	chosen.Environment, chosen.Plan, chosen.Helm = env.Title, plan, seen.chart
	if chosen.Directory, err = kept.directory(env.Name); err != nil {
		return nil, err
	}
	files, err := scaffold.Files(chosen)
	if err != nil {
		return nil, err
	}
	s := &Scaffold{Files: map[string][]byte{}, Images: scaffold.Images(seen.objects(chosen.Target))}
	for name, data := range files {
		s.Files[env.at(name)] = data
	}
	if kept != nil {
		if s.Files[kept.file], err = kept.with(files[plan], opt, chosen.Target, env); err != nil {
			return nil, err
		}
	}
	others, err := env.others(opt, chosen.Directory, s)
	if err != nil {
		return nil, err
	}
	rehearsed, err := env.rehearse(ctx, s)
	if err != nil {
		s.Notes = append(s.Notes, "a made-up candidate does not render yet: "+err.Error())
	} else if err := env.alone(ctx, s, others, rehearsed); err != nil {
		return nil, err
	}
	if seen.layout == spec.Helm && kept.chart().ReleaseName == "" {
		s.Notes = append(s.Notes, "helm.releaseName, helm.namespace and helm.version in the plan must be what the Application renders with")
	}
	return s, nil
}
