package spec

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
	set(&s.Promotion.Title, "Promote the candidate of "+p.Metadata.Name)
	set(&s.Queue, "preempt")
}

func set(field *string, to string) {
	if *field == "" {
		*field = to
	}
}
