package promote

import (
	"context"
	"errors"
	"fmt"

	"github.com/assaydev/assay/render"
)

// ErrUntested is returned for a promotion before which the repository had no
// candidate.
var ErrUntested = errors.New("no candidate was under test before it")

// Tested proves what trees can tell of a promotion: a candidate was under test in
// the environment before its commit, and after it the environment renders to what
// was tested. It returns the render of before. Trees do not tell that the candidate
// passed.
func Tested(ctx context.Context, before, after render.Request) (*render.Result, error) {
	res, err := render.Environment(ctx, before)
	if err != nil {
		return nil, fmt.Errorf("render what was before it: %w", err)
	}
	if res.Marker == nil {
		return nil, ErrUntested
	}
	m, err := ownMarker(after)
	if err != nil && m.Data == nil {
		return nil, err
	}
	if m.Data != nil {
		after.FS = after.FS.With(map[string][]byte{m.Path: nil})
	}
	differences, err := compare(ctx, after, res.Candidate)
	if err != nil {
		return nil, err
	}
	if len(differences) > 0 {
		return nil, fmt.Errorf("it promotes something other than what was under test: %s", keys(differences))
	}
	return res, nil
}

// Unfinished is a promotion that a commit claims, and whose next environments may
// not have the candidate: nothing at hand proves that it passed.
type Unfinished struct {
	Commit    string `json:"commit"`
	Candidate string `json:"candidate,omitempty"`
	ID        string `json:"id,omitempty"`
	Digest    string `json:"digest,omitempty"`
	ByHand    bool   `json:"byHand,omitempty"` // it says that people decided
	Why       string `json:"why"`              // it is not proven
}
