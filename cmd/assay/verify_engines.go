package main

import (
	"path"

	"github.com/assaydev/assay/internal/engine/verdict"
	"github.com/assaydev/assay/internal/spec"
)

// checkEngines compiles the expressions of the plan's own engines: a mistake
// in them shows before an experiment waits for them.
func (p *place) checkEngines(engines []spec.Engine) error {
	if len(engines) == 0 {
		return nil
	}
	name, err := spec.PlanFile(p.Name)
	if err != nil {
		return err
	}
	file := path.Join(p.Dir, name)
	data, err := p.FS.ReadFile(file)
	if err != nil {
		return err
	}
	return verdict.Check(file, data, engines)
}
