package adopt

import (
	"context"
	"io/fs"
	"maps"
	"slices"

	"github.com/assaydev/assay/internal/scaffold"
	"github.com/assaydev/assay/internal/spec"
)

// Options say what Init writes. What is empty is asked for.
type Options struct {
	Engine, Load string
	Target       string // KIND/NAME
	URL          string // where the candidate answers
	Prometheus   string

	// How an Application renders a chart, beside the request's namespace.
	Release    string
	ValueFiles []string

	Overwrite bool // files that exist
}

// Scaffold is a plan with its experiment, to be written.
type Scaffold struct {
	Files  map[string][]byte // by path in the repository
	Images []string          // that the target runs
	Notes  []string          // what people should know of the files
}

// Init makes a plan and an experiment for an environment that has none. A nil ask
// takes the defaults.
func Init(ctx context.Context, env Environment, opt Options, ask Ask) (*Scaffold, error) {
	plan, err := spec.PlanFile(env.Name)
	if err != nil {
		return nil, err
	}
	if err := env.free(opt, plan); err != nil {
		return nil, err
	}
	seen, err := env.survey(ctx, plan, func() (*spec.HelmSource, error) { return env.chart(opt, ask) })
	if err != nil {
		return nil, err
	}
	chosen, err := choose(opt, seen, ask)
	if err != nil {
		return nil, err
	}
	chosen.Environment, chosen.Plan, chosen.Helm = env.Title, plan, seen.chart
	files, err := scaffold.Files(chosen)
	if err != nil {
		return nil, err
	}
	if err := env.free(opt, slices.Sorted(maps.Keys(files))...); err != nil {
		return nil, err
	}
	s := &Scaffold{Files: map[string][]byte{}, Images: scaffold.Images(seen.objects(chosen.Target))}
	for name, data := range files {
		s.Files[env.at(name)] = data
	}
	if err := env.rehearse(ctx, s); err != nil {
		s.Notes = append(s.Notes, "a made-up candidate does not render yet: "+err.Error())
	}
	if seen.layout == spec.Helm {
		s.Notes = append(s.Notes, "helm.releaseName and helm.namespace in the plan must be what the Application renders with")
	}
	return s, nil
}

// free refuses to write over files that exist, unless told to.
func (e Environment) free(opt Options, names ...string) error {
	for _, name := range names {
		if _, err := fs.Stat(e.FS, e.at(name)); err == nil && !opt.Overwrite {
			return &ExistsError{e.at(name)}
		}
	}
	return nil
}
