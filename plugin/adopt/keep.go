package adopt

import (
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/assaydev/assay/internal/scaffold"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/internal/yamledit"
)

// kept is a plan that is there already: what it says stays, unless an option says
// something else. A nil one says nothing.
type kept struct {
	file string // path in the repository
	data []byte
	plan *spec.Plan
	body map[string]any // of spec, without defaults
}

// keep reads the plan that is there; nil where there is none. One with an experiment is
// added to only if files may be written over.
func (e Environment) keep(opt Options, name string) (*kept, error) {
	k := &kept{file: e.at(name)}
	var err error
	if k.data, err = e.read(k.file); k.data == nil || err != nil {
		return nil, err
	}
	if !spec.IsOwn(k.file, k.data) {
		return nil, &ExistsError{k.file}
	}
	if k.plan, err = spec.DecodePlan(k.file, k.data); err != nil {
		return nil, err
	}
	file, err := yamledit.Parse(k.file, k.data)
	if err != nil {
		return nil, err
	}
	root, _ := file.Value(0).(map[string]any)
	k.body, _ = root["spec"].(map[string]any)
	if k.body["experiment"] != nil && !opt.Overwrite {
		return nil, &ExistsError{k.file}
	}
	return k, nil
}

// target is the plan's first target that renders, as an option names it.
func (k *kept) target(targets []scaffold.Target) string {
	for _, t := range targets {
		if k != nil && k.tests(t.String()) {
			return t.String()
		}
	}
	return ""
}

// tests reports whether the plan has the target.
func (k *kept) tests(target string) bool {
	return slices.ContainsFunc(k.plan.Spec.Targets, func(r spec.Ref) bool { return strings.EqualFold(r.Kind+"/"+r.Name, target) })
}

func (k *kept) traffic() string {
	if k == nil {
		return "isolated"
	}
	return k.plan.Spec.Candidate.Traffic
}

// suffix is what the names of the variant's Services end with.
func (k *kept) suffix() string {
	if k == nil || k.plan.Spec.Candidate.NameSuffix == "" {
		return scaffold.Suffix
	}
	return k.plan.Spec.Candidate.NameSuffix
}

// chart is how the plan has a chart rendered.
func (k *kept) chart() *spec.HelmSource {
	if k == nil || k.plan.Spec.Helm == nil {
		return &spec.HelmSource{}
	}
	c := *k.plan.Spec.Helm
	return &c
}

// directory is where the experiment's resources belong, in the environment. Those of a
// named environment are its own.
func (k *kept) directory(env string) (string, error) {
	own := "experiment"
	if env != "" {
		own += "-" + env
	}
	if k == nil {
		return own, nil
	}
	experiment, _ := k.body["experiment"].(map[string]any)
	if experiment["resources"] == nil {
		return own, nil
	}
	for _, glob := range k.plan.Spec.Experiment.Resources {
		if dir, found := strings.CutSuffix(glob, "/*"); found && fs.ValidPath(dir) && !strings.ContainsAny(dir, `*?[\`) {
			return dir, nil
		}
	}
	return "", fmt.Errorf("%s: spec.experiment.resources names no directory of the environment, as %s/*: add one, or edit the resources that it names", k.file, own)
}

// with is the plan with what another one says, where it does not say it already or an
// option does.
func (k *kept) with(fresh []byte, opt Options, target scaffold.Target, env Environment) ([]byte, error) {
	var plan struct {
		Spec map[string]any `json:"spec"`
	}
	if err := yaml.Unmarshal(fresh, &plan); err != nil {
		return nil, fmt.Errorf("decode plan: %w", err)
	}
	given := map[string]bool{
		"targets":                          !k.tests(target.String()),
		"candidate.traffic":                opt.Traffic != "",
		"experiment.parameters.url":        opt.URL != "" || opt.Target != "" || opt.Traffic != "" || env.Namespace != "" || !k.tests(target.String()),
		"experiment.parameters.prometheus": opt.Prometheus != "",
		"helm.releaseName":                 opt.Release != "",
		"helm.namespace":                   env.Namespace != "",
		"helm.version":                     env.HelmVersion != "",
		"helm.valueFiles":                  len(opt.ValueFiles) > 0,
	}
	if k.body["candidate"] != nil { // a replica count is not a default of a variant that is described already
		plan.Spec["candidate"] = map[string]any{}
		if opt.Traffic != "" {
			plan.Spec["candidate"] = map[string]any{"traffic": opt.Traffic}
		}
	}
	p := &planEdit{k.file, k.data, given}
	for _, section := range []string{"targets", "candidate", "experiment", "helm"} {
		if value, ok := plan.Spec[section]; ok {
			if err := p.add(value, "spec", section); err != nil {
				return nil, err
			}
		}
	}
	_, err := spec.DecodePlan(k.file, p.data)
	return p.data, err
}

// planEdit is a plan that values are added to.
type planEdit struct {
	file  string
	data  []byte
	given map[string]bool // paths below spec whose values replace what is there
}

// add adds a value. Where the plan has one already, it adds the keys of a section.
func (p *planEdit) add(value any, at ...string) error {
	file, err := yamledit.Parse(p.file, p.data)
	if err != nil {
		return err
	}
	root, _ := file.Value(0).(map[string]any)
	where := yamledit.Path{}
	for i, key := range at {
		where = append(where, yamledit.Key(key))
		was, has := root[key]
		inner, isMap := was.(map[string]any)
		last := i == len(at)-1
		switch {
		case !has || was == nil || isMap && len(inner) == 0:
			for j := len(at) - 1; j > i; j-- {
				value = map[string]any{at[j]: value}
			}
			p.data, err = file.Apply(insert(root, where, value))
			return err
		case !last:
			root = inner
		case p.given[strings.Join(at[1:], ".")]:
			p.data, err = file.Apply(yamledit.Edit{Op: yamledit.Set, Path: where, Value: value})
			return err
		}
	}
	more, _ := value.(map[string]any)
	if !slices.Contains([]string{"candidate", "experiment", "experiment/parameters", "helm", "helm/imageValues"}, path.Join(at[1:]...)) {
		return nil
	}
	for _, key := range slices.Sorted(maps.Keys(more)) {
		if err := p.add(more[key], append(slices.Clone(at), key)...); err != nil {
			return err
		}
	}
	return nil
}
