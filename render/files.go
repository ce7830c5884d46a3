package render

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/spec"
)

// files are Assay's own files in an environment, decoded.
type files struct {
	planFile   string // relative to the repo, whether it exists or not
	markerFile string
	plan       *spec.Plan      // defaulted; never nil
	planned    bool            // the plan is a file, not the defaults alone
	marker     *spec.Candidate // the one under test, or nil
	waiting    int             // further documents in the marker
}

// readFiles finds and decodes the plan and the marker of the environment.
func readFiles(fsys *envfs.FS, dir, name string) (*files, error) {
	planName, err := spec.PlanFile(name)
	if err != nil {
		return nil, err
	}
	markerName, err := spec.CandidateFile(name)
	if err != nil {
		return nil, err
	}
	f := &files{planFile: path.Join(dir, planName), markerFile: path.Join(dir, markerName)}
	if data, ok, err := readOptional(fsys, f.planFile); err != nil {
		return nil, err
	} else if ok {
		if f.plan, err = spec.DecodePlan(f.planFile, data); err != nil {
			return nil, err
		}
	}
	if f.planned = f.plan != nil; !f.planned {
		f.plan = spec.NewPlan(path.Base(dir))
	}
	data, ok, err := readOptional(fsys, f.markerFile)
	if err != nil {
		return nil, err
	}
	if !ok {
		return f, nil
	}
	candidates, err := spec.DecodeCandidates(f.markerFile, data)
	if err != nil {
		return nil, err
	}
	if len(candidates) > 0 {
		f.marker, f.waiting = &candidates[0], len(candidates)-1
	}
	return f, nil
}

// unnamed warns of an environment by a name that no file has: a misspelt name
// renders without its plan. A marker of that name may come yet, so it is not an error.
func (f *files) unnamed(fsys *envfs.FS, dir, name string) []string {
	if name == "" || f.planned || f.marker != nil {
		return nil
	}
	entries, err := fsys.ReadDir(dir)
	if err != nil {
		return nil
	}
	var known []string
	for _, e := range entries {
		if parts := strings.Split(e.Name(), "."); spec.KindByName(e.Name()) != "" && len(parts) == 3 && !slices.Contains(known, parts[1]) {
			known = append(known, parts[1])
		}
	}
	if len(known) == 0 {
		return nil
	}
	return []string{fmt.Sprintf("%s: there is no %s: environment %s renders without a plan; those with files are %s",
		dir, path.Base(f.planFile), name, strings.Join(known, ", "))}
}

func readOptional(fsys *envfs.FS, name string) ([]byte, bool, error) {
	data, err := fsys.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) && !envfs.IsDangling(err) {
		return nil, false, nil
	}
	return data, err == nil, err
}

// isOwn tells plans and markers, of every environment, from manifests.
func isOwn(fsys *envfs.FS, name string) bool {
	if spec.KindByName(name) == "" {
		return false
	}
	data, err := fsys.ReadFile(name)
	return err == nil && spec.IsOwn(name, data)
}

func isMarker(fsys *envfs.FS, name string) bool {
	return spec.KindByName(name) == spec.KindCandidate && isOwn(fsys, name)
}
