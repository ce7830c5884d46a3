package spec

import (
	"reflect"

	"github.com/assaydev/assay/internal/window"
)

// NewPlan is the plan of an environment that has none. The name is the
// directory's base name.
func NewPlan(name string) *Plan {
	p := &Plan{APIVersion: APIVersion, Kind: KindPlan}
	p.setDefaults(directoryName(name))
	return p
}

// setDefaults fills in every field that was left out and has a default.
func (p *Plan) setDefaults(name string) {
	set(&p.Metadata.Name, name)
	s := &p.Spec
	set(&s.Candidate.Mode, "clone")
	set(&s.Candidate.Traffic, "isolated")
	if s.Candidate.Name == "" {
		set(&s.Candidate.NameSuffix, "-candidate")
	}
	if s.Experiment.Resources == nil {
		s.Experiment.Resources = []string{"experiment/*"}
	}
	set(&s.Experiment.Deadline, "1h")
	set(&s.Promotion.Method, "pull-request")
	set(&s.Promotion.Reject, "push")
	set(&s.Promotion.Merge, "manual")
	for i := range s.Promotion.Windows {
		set(&s.Promotion.Windows[i].Kind, window.Allow)
	}
	set(&s.Queue, "preempt")
	s.dropEmptySources()
}

// dropEmptySources leaves at most one source: empty ones beside it, or beside
// each other, say nothing. One that stands alone names the layout.
func (s *PlanSpec) dropEmptySources() {
	sources := s.sources()
	if len(sources) == 1 {
		return
	}
	for _, source := range sources {
		if source.empty {
			source.drop()
		}
	}
}

// source is one of the plan's sections for a layout.
type source struct {
	name  string
	empty bool
	drop  func()
}

// sources lists those that the plan has.
func (s *PlanSpec) sources() []source {
	var out []source
	if s.Helm != nil {
		out = append(out, source{"helm", isEmpty(reflect.ValueOf(*s.Helm)), func() { s.Helm = nil }})
	}
	if s.Kustomize != nil {
		out = append(out, source{"kustomize", isEmpty(reflect.ValueOf(*s.Kustomize)), func() { s.Kustomize = nil }})
	}
	if s.Directory != nil {
		out = append(out, source{"directory", isEmpty(reflect.ValueOf(*s.Directory)), func() { s.Directory = nil }})
	}
	return out
}

func set[T ~string](field *T, to T) {
	if *field == "" {
		*field = to
	}
}
