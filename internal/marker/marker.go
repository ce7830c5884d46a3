// Package marker works on the documents of a candidate.yaml: the first is under
// test, the others wait.
//
//  1. Read finds and decodes the file of an environment.
//  2. Put says where a new candidate goes, by the plan's queue.
//  3. Shift takes the first document away, once it has been decided, and leaves
//     every byte of the others.
//  4. Encode writes documents in their canonical form.
package marker

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"reflect"
	"slices"

	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/spec"
)

// File is the marker of an environment, whether it exists or not.
type File struct {
	Path       string // its path in the repository
	Data       []byte // nil: there is no file
	Candidates []spec.Candidate
}

// ErrForeign is returned for a file of that name which is an ordinary manifest.
var ErrForeign = errors.New("an ordinary manifest")

// Read finds the marker of the environment env in dir. A file that cannot be
// decoded is returned with the error.
func Read(fsys *envfs.FS, dir, env string) (File, error) {
	name, err := spec.CandidateFile(env)
	if err != nil {
		return File{}, err
	}
	f := File{Path: path.Join(dir, name)}
	f.Data, err = fsys.ReadFile(f.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return f, nil
	}
	if err != nil {
		return f, err
	}
	if f.Candidates, err = spec.DecodeCandidates(f.Path, f.Data); err != nil {
		return f, err
	}
	if f.Candidates == nil {
		return f, fmt.Errorf("%s is %w, of an apiVersion other than %s: rename it, or give the environment a name", f.Path, ErrForeign, spec.APIVersion)
	}
	return f, nil
}

// Put returns the documents with the new candidate in its place. The one under
// test stays first, unless the queue lets a new one preempt it: those that wait
// then wait for the new one. What takes the place of one that the promoter has wait, waits in
// its place.
func Put(now []spec.Candidate, c spec.Candidate, queue string) []spec.Candidate {
	for i, other := range now {
		if Same(other.Spec.Change, c.Spec.Change) && (queue == "every" || queue == "latest" && i == 0) {
			out := append([]spec.Candidate{}, now...)
			out[i] = c
			return out
		}
	}
	switch {
	case len(now) == 0:
		return []spec.Candidate{c}
	case queue == "preempt" || queue == "":
		c.Spec.Waiting = c.Spec.Waiting || now[0].Spec.Waiting
		waiting := slices.DeleteFunc(slices.Clone(now[1:]), func(other spec.Candidate) bool { return Same(other.Spec.Change, c.Spec.Change) })
		return append([]spec.Candidate{c}, waiting...)
	case queue == "latest":
		return []spec.Candidate{now[0], c}
	default:
		return append(append([]spec.Candidate{}, now...), c)
	}
}

// Same reports whether two changes are one, whatever they are called.
func Same(x, y spec.Change) bool {
	a, errA := spec.EncodeCandidate(spec.Candidate{Spec: spec.CandidateSpec{Change: x}})
	b, errB := spec.EncodeCandidate(spec.Candidate{Spec: spec.CandidateSpec{Change: y}})
	if errA != nil || errB != nil {
		return reflect.DeepEqual(x, y)
	}
	return bytes.Equal(a, b)
}

// Encode writes the documents of a marker; the same ones give the same bytes.
func Encode(candidates []spec.Candidate) ([]byte, error) {
	var out []byte
	for i, c := range candidates {
		data, err := spec.EncodeCandidate(c)
		if err != nil {
			return nil, err
		}
		if i > 0 { // the first line of the file is for all of it
			out = append(out, "---\n"...)
			data = bytes.TrimPrefix(data, []byte(spec.SkipLine+"\n"))
		}
		out = append(out, data...)
	}
	return out, nil
}
