package adopt

import (
	"cmp"
	"slices"
	"strings"

	"github.com/assaydev/assay/internal/scaffold"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/render/helm"
)

// defaultNamespace is a guess: what it is made of leaves it out.
const defaultNamespace = "default"

// Question is what the options leave open.
type Question struct {
	Prompt  string
	Default string   // the answer to an empty line
	Choices []string // the answer is one of them; any text where there are none
	Listed  bool     // the choices are many or long, and may be answered by number
}

// Ask asks people, and returns an answer that the question allows.
type Ask func(Question) (string, error)

// of asks, or takes the default where nobody is there to answer.
func (a Ask) of(q Question) (string, error) {
	if a == nil {
		return q.Default, nil
	}
	return a(q)
}

// fill asks for a value, unless the options gave it.
func (a Ask) fill(value *string, q Question) (err error) {
	if *value == "" {
		*value, err = a.of(q)
	}
	return err
}

// choose decides what to write: the options, then answers, then defaults.
func choose(opt Options, s *surveyed, ask Ask) (chosen scaffold.Options, err error) {
	chosen = scaffold.Options{Engine: opt.Engine, Load: opt.Load, URL: opt.URL, Prometheus: opt.Prometheus, Traffic: opt.Traffic}
	if chosen.Target, err = chooseTarget(cmp.Or(opt.Target, s.kept.target(s.targets)), s.targets, ask); err != nil {
		return chosen, err
	}
	chosen.Traffic = cmp.Or(chosen.Traffic, s.kept.traffic())
	if err := ask.fill(&chosen.Engine, Question{Prompt: "Engine that judges candidates", Default: scaffold.Job, Choices: scaffold.Engines()}); err != nil {
		return chosen, err
	}
	if err := ask.fill(&chosen.Load, Question{Prompt: "Load that it needs", Default: scaffold.DefaultLoad(chosen.Engine), Choices: scaffold.Loads()}); err != nil {
		return chosen, err
	}
	if chosen.Prometheus != "" && chosen.Engine != scaffold.Analysis {
		return chosen, ErrPrometheus
	}
	suffix := s.kept.suffix()
	if chosen.Traffic == "shared" {
		suffix = ""
	}
	if err := ask.fill(&chosen.URL, Question{Prompt: "URL of the candidate", Default: chosen.Target.URL(suffix)}); err != nil {
		return chosen, err
	}
	if chosen.URL == "" {
		return chosen, &AddressError{chosen.Target}
	}
	return chosen, nil
}

// chooseTarget finds the workload to test.
func chooseTarget(given string, targets []scaffold.Target, ask Ask) (scaffold.Target, error) {
	var names []string
	for _, t := range targets {
		names = append(names, t.String())
	}
	answer := given
	switch {
	case given != "":
	case len(targets) == 1:
		return targets[0], nil
	case ask == nil:
		return scaffold.Target{}, &TargetError{Workloads: names}
	default:
		var err error
		if answer, err = ask(Question{Prompt: "Workload to test", Default: names[0], Choices: names, Listed: true}); err != nil {
			return scaffold.Target{}, err
		}
	}
	i := slices.IndexFunc(names, func(name string) bool { return strings.EqualFold(name, answer) })
	if i < 0 {
		return scaffold.Target{}, &TargetError{Given: answer, Workloads: names}
	}
	return targets[i], nil
}

// chart decides how a chart is rendered: by the options, the plan that is kept, answers
// and defaults.
func (e Environment) chart(opt Options, kept *kept, ask Ask) (*spec.HelmSource, error) {
	c := kept.chart()
	c.Version = cmp.Or(e.HelmVersion, c.Version)
	c.ReleaseName, c.Namespace = cmp.Or(opt.Release, c.ReleaseName), cmp.Or(e.Namespace, c.Namespace)
	if len(opt.ValueFiles) > 0 {
		c.ValueFiles = opt.ValueFiles
	}
	if err := ask.fill(&c.ReleaseName, Question{Prompt: "Release name (the Application's name)", Default: e.Title}); err != nil {
		return nil, err
	}
	if err := ask.fill(&c.Namespace, Question{Prompt: "Namespace (the Application's destination)", Default: defaultNamespace}); err != nil {
		return nil, err
	}
	return c, ask.fill(&c.Version, helmQuestion())
}

// helmQuestion asks what only the operator knows: a repository does not say which
// Argo CD renders it.
func helmQuestion() Question {
	return Question{
		Prompt: "Helm that Argo CD renders with (v3 up to Argo CD 3.4, v4 from 3.5 on)", Default: helm.Version3,
		Choices: []string{helm.Version3, helm.Version4},
	}
}
