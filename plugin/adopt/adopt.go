// Package adopt brings an environment to Assay: it makes the first plan, and writes
// nothing.
//
//  1. Init renders the environment as it is, and finds the workloads that a
//     candidate could replace (survey.go).
//  2. What the options leave out is asked for, or takes its default (choose.go,
//     people.go).
//  3. The plan and the experiment's resources come from internal/scaffold. A made-up
//     candidate is rendered with them: what does not work yet is a note
//     (rehearse.go).
//
// Move is for an environment that an Application renders already: the options of its
// source go to the plan (plan.go), the plugin takes their place, and both are proven to
// render the same (move.go).
package adopt

import (
	"errors"
	"io/fs"
	"path"
	"regexp"
	"strings"

	"github.com/assaydev/assay/render"
)

// Environment is what is brought to Assay.
type Environment struct {
	render.Request
	Title string // for people: the name that a new plan gets
}

// stages are names of directories that tell an app's environments apart, and not apps.
var stages = regexp.MustCompile(`^(dev|develop|development|test|testing|qa|uat|int|integration|stage|staging|pre-?prod|prod|production|live|canary|sandbox|eu|us|overlays?|envs?|environments?)$`)

// Title is the name of a new plan, after the environment's directory: with that above it
// where it is called as every app's environment is.
func Title(dir string) string {
	name := path.Base(dir)
	for above := path.Dir(dir); stages.MatchString(strings.SplitN(name, "-", 2)[0]) && above != "." && above != "/"; above = path.Dir(above) {
		if stages.MatchString(path.Base(above)) {
			continue
		}
		return path.Base(above) + "-" + name
	}
	return name
}

// at is the path in the repository of a file of the environment.
func (e Environment) at(name string) string { return path.Join(e.Dir, name) }

// with is the environment with other contents of its files; nil removes one.
func (e Environment) with(files map[string][]byte) Environment {
	e.FS = e.FS.With(files)
	return e
}

// read is the content of a file, by its path in the repository; nil if there is none.
func (e Environment) read(name string) ([]byte, error) {
	data, err := e.FS.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return data, err
}
