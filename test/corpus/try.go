package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"github.com/aymanbagabas/go-udiff"
	"sigs.k8s.io/kustomize/api/types"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/digest"
	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/promote"
	"github.com/assaydev/assay/promote/worktree"
	"github.com/assaydev/assay/render"
)

// result is what became of one candidate.
type result struct {
	refused error // why it is not a candidate
	wrong   error // a law or the effect that does not hold
	lines   int   // changed by the promotion
}

// try promotes the candidate in the first way that is accepted, and rejects
// it in the same way, each from the same tree.
func (e *environment) try(ctx context.Context, c candidate) result {
	var r result
	for _, way := range c.ways {
		r = e.tryWay(ctx, way)
		if err := e.restore(); err != nil {
			return result{wrong: err}
		}
		if r.refused == nil {
			return r
		}
	}
	return r
}

func (e *environment) tryWay(ctx context.Context, way way) result {
	text, err := spec.EncodeCandidate(spec.Candidate{Metadata: spec.Metadata{Name: "try"}, Spec: spec.CandidateSpec{Change: way.Change}})
	if err != nil {
		return result{wrong: err}
	}
	put := func() error { return os.WriteFile(filepath.Join(e.root, filepath.FromSlash(e.marker())), text, 0o600) }
	if err := put(); err != nil {
		return result{wrong: err}
	}
	before, err := render.Environment(ctx, e.request())
	if err != nil {
		return result{refused: err}
	}
	if _, err := promote.Prepare(ctx, e.request(), promote.Options{Outcome: decision.Promote, Rendered: before}); err != nil {
		return result{refused: err}
	}
	if err := e.decide(ctx, decision.Promote, before.ID); err != nil {
		return result{wrong: err}
	}
	lines, err := e.promoted(ctx, way, before)
	if err != nil {
		return result{wrong: fmt.Errorf("promoted: %w", err)}
	}
	if err := e.restore(); err != nil {
		return result{wrong: err}
	}
	if err := put(); err != nil {
		return result{wrong: err}
	}
	if err := e.decide(ctx, decision.Reject, before.ID); err != nil {
		return result{wrong: fmt.Errorf("reject: %w", err)}
	}
	if now, err := tree(e.root); err != nil || !maps.Equal(now, e.files) {
		return result{wrong: errors.New("rejected: law 3: the tree is another")}
	}
	return result{lines: lines}
}

// decide decides by hand, as people do.
func (e *environment) decide(ctx context.Context, outcome decision.Outcome, id string) error {
	req := e.request()
	req.FS = nil
	_, err := worktree.Dir{Root: e.root, State: filepath.Join(e.root, ".state"), View: promote.View{Request: req}}.Decide(ctx, promote.ByHand(outcome, "it was tried", digest.Selector(id)))
	return err
}

// promoted holds laws 2, 4 and 7 and the effect on what is on the disk now.
func (e *environment) promoted(ctx context.Context, way way, before *render.Result) (int, error) {
	after, err := render.Environment(ctx, e.request())
	if err != nil {
		return 0, err
	}
	for _, d := range object.Diff(applied(before.Candidate), applied(after.Output())) {
		return 0, fmt.Errorf("law 2: %s differs", d.Key)
	}
	if err := way.holds(e.base, after.Baseline); err != nil {
		return 0, err
	}
	now, err := tree(e.root)
	if err != nil {
		return 0, err
	}
	lines, least := 0, way.lines
	for name, text := range e.files {
		is, ok := now[name]
		switch {
		case !ok:
			return 0, fmt.Errorf("law 4: %s is gone", name)
		case is == text:
		case e.dir != "." && !strings.HasPrefix(name, e.dir+"/"):
			return 0, fmt.Errorf("law 4: %s lies outside", name)
		default:
			lines += changedLines(text, is)
			if strings.Count(is, "patch:") > strings.Count(text, "patch:") && e.isKustomization(name) {
				least = entryLines(way.Patches[0], text)
			}
		}
	}
	if len(now) != len(e.files) {
		return 0, errors.New("law 4: there are other files")
	}
	if _, err := promote.Prepare(ctx, e.request(), promote.Options{Outcome: decision.Promote}); !errors.Is(err, promote.ErrNoCandidate) {
		return 0, errors.New("law 7: it is not done")
	}
	if lines > least {
		return lines, fmt.Errorf("it changes %d lines, and %d would do", lines, least)
	}
	return lines, nil
}

// entryLines are those of a new entry in a kustomization: the patch as it was
// given, what it is for, and the list if there is none.
func entryLines(patch types.Patch, kustomization string) int {
	lines := 1 + strings.Count(patch.Patch, "\n")
	if patch.Target != nil {
		lines += 1 + strings.Count(text(patch.Target), "\n")
	}
	if !strings.Contains(kustomization, "\npatches:") {
		lines++
	}
	return lines
}

// changedLines counts a line that is replaced once.
func changedLines(a, b string) int {
	_, hunks, _ := strings.Cut(udiff.Unified("a", "b", a, b), "\n@@")
	added, removed := 0, 0
	for line := range strings.Lines(hunks) {
		switch line[0] {
		case '+':
			added++
		case '-':
			removed++
		}
	}
	return max(added, removed)
}

// restore brings every file back to what it was.
func (e *environment) restore() error {
	now, err := tree(e.root)
	if err != nil {
		return err
	}
	for name, text := range e.files {
		if now[name] != text {
			if err := os.WriteFile(filepath.Join(e.root, filepath.FromSlash(name)), []byte(text), 0o600); err != nil {
				return err
			}
		}
	}
	for name := range now {
		if _, kept := e.files[name]; !kept {
			if err := os.Remove(filepath.Join(e.root, filepath.FromSlash(name))); err != nil {
				return err
			}
		}
	}
	return nil
}
