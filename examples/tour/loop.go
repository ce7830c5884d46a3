package tour

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aymanbagabas/go-udiff"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/engine"
	"github.com/assaydev/assay/internal/marker"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/promote"
	"github.com/assaydev/assay/promote/worktree"
	"github.com/assaydev/assay/render"
)

// promoted promotes the example's candidate on its recorded verdict.
func (t *tour) promoted(ctx context.Context) error {
	data, err := t.files().ReadFile(t.example.Candidate)
	if err != nil {
		return err
	}
	before, during, err := t.put(ctx, data)
	if err != nil {
		return err
	}
	r, err := t.conclude(ctx, during, t.example.Won)
	if err != nil {
		return err
	}
	for _, f := range r.Edit.Files {
		if f.After != nil {
			t.say("%s", indented(udiff.Unified("a/"+f.Path, "b/"+f.Path, string(f.Before), string(f.After))))
		}
	}
	after, err := t.render(ctx, nil)
	if err != nil {
		return err
	}
	now, err := t.tree()
	if err != nil {
		return err
	}
	t.law(2, "what is promoted is what was tested", r.Outcome == decision.Promote && same(after.Output(), during.Candidate) && !same(after.Output(), during.Baseline))
	t.law(4, "the promotion edits the environment's own files, and no others", t.inside(before, now))
	again, err := t.conclude(ctx, during, t.example.Won)
	if err != nil {
		return err
	}
	t.law(7, "the same command again is a no-op", again.Outcome == decision.None)
	return nil
}

// rejected rejects a second candidate.
func (t *tour) rejected(ctx context.Context) error {
	data, err := t.newer("v1.6.0")
	if err != nil {
		return err
	}
	before, during, err := t.put(ctx, data)
	if err != nil {
		return err
	}
	r, err := t.conclude(ctx, during, t.example.Lost)
	if err != nil {
		return err
	}
	after, err := t.render(ctx, nil)
	if err != nil {
		return err
	}
	now, err := t.tree()
	if err != nil {
		return err
	}
	t.law(3, "a rejected candidate leaves no trace", r.Outcome == decision.Reject && maps.Equal(before, now) && same(after.Output(), during.Baseline))
	return nil
}

// preempted replaces a third candidate before its verdict is in.
func (t *tour) preempted(ctx context.Context) error {
	third, err := t.newer("v1.7.0")
	if err != nil {
		return err
	}
	_, during, err := t.put(ctx, third)
	if err != nil {
		return err
	}
	fourth, err := t.newer("v1.8.0")
	if err != nil {
		return err
	}
	if _, _, err := t.put(ctx, fourth); err != nil {
		return err
	}
	before, err := t.tree()
	if err != nil {
		return err
	}
	now, err := t.render(ctx, nil)
	if err != nil {
		return err
	}
	r, err := t.conclude(ctx, during, t.example.Won)
	if err != nil {
		return err
	}
	after, err := t.tree()
	if err != nil {
		return err
	}
	t.say("  verdict on %s, which %s has preempted: %s\n", promote.Label(*during.Marker), promote.Label(*now.Marker), r.Outcome)
	t.law(6, "a verdict counts only for what it was reached on", r.Choice.Held == decision.Superseded && during.ID != now.ID && maps.Equal(before, after))
	return nil
}

// newer is the example's candidate with another tag.
func (t *tour) newer(name string) ([]byte, error) {
	data, err := t.files().ReadFile(t.example.Candidate)
	if err != nil {
		return nil, err
	}
	candidates, err := spec.DecodeCandidates(t.example.Candidate, data)
	if err != nil {
		return nil, err
	}
	c := candidates[0]
	c.Metadata = spec.Metadata{Name: name}
	c.Spec.Images[0].NewTag = strings.TrimPrefix(name, "v")
	return marker.Encode([]spec.Candidate{c})
}

// put writes the marker, and renders the environment with it. It also returns
// the tree without.
func (t *tour) put(ctx context.Context, data []byte) (map[string]string, *render.Result, error) {
	before, err := t.tree()
	if err != nil {
		return nil, nil, err
	}
	delete(before, t.marker())
	if err := os.WriteFile(filepath.Join(t.Root, filepath.FromSlash(t.marker())), data, 0o600); err != nil {
		return nil, nil, fmt.Errorf("write candidate: %w", err)
	}
	t.fsys = nil
	res, err := t.render(ctx, nil)
	if err == nil && t.Commit != nil {
		err = t.Commit(ctx, "Test candidate "+promote.Label(*res.Marker)+" of "+res.Plan.Metadata.Name)
	}
	return before, res, err
}

// conclude follows the recorded verdict of an experiment on what is under test
// now.
func (t *tour) conclude(ctx context.Context, then *render.Result, recorded string) (*promote.Result, error) {
	objs, err := t.recorded(then, recorded)
	if err != nil {
		return nil, err
	}
	r, err := t.home().Decide(ctx, promote.ByVerdict(promote.Saved(objs), ""))
	t.fsys = nil
	if err == nil && r.Edit != nil {
		t.say("  verdict on %s: %s: %s (%s)\n", promote.Label(*then.Marker), r.Outcome, r.Reason, r.Evidence)
	}
	return r, err
}

// home is the environment in the throw-away repository.
func (t *tour) home() worktree.Dir {
	return worktree.Dir{
		Root: t.Root, State: filepath.Join(t.Root, ".state"), Process: t.Process, Commit: t.Commit != nil,
		View: promote.View{Request: render.Request{Environment: spec.Environment{Dir: t.example.Dir}}},
	}
}

// recorded lays a recorded status over the judging objects of an experiment.
func (t *tour) recorded(res *render.Result, name string) ([]*unstructured.Unstructured, error) {
	data, err := t.files().ReadFile(name)
	if err != nil {
		return nil, err
	}
	var status map[string]any
	if err := yaml.Unmarshal(data, &status); err != nil {
		return nil, fmt.Errorf("decode %s: %w", name, err)
	}
	engines := engine.With(res.Plan.Spec.Experiment.Engines)
	var objs []*unstructured.Unstructured
	for _, o := range res.Injected {
		if engines.Judges(o) {
			o = o.DeepCopy()
			o.Object["status"] = status
			objs = append(objs, o)
		}
	}
	return objs, nil
}

// tree is every file of the repository, less Git's own.
func (t *tour) tree() (map[string]string, error) {
	out := map[string]string{}
	fsys := os.DirFS(t.Root)
	err := fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.Name() == ".git":
			return fs.SkipDir
		case entry.IsDir():
			return nil
		}
		data, err := fs.ReadFile(fsys, name)
		out[name] = string(data)
		return err
	})
	return out, err
}

// inside holds two trees against each other: the same files, and what differs
// lies in the environment.
func (t *tour) inside(before, after map[string]string) bool {
	if !slices.Equal(slices.Sorted(maps.Keys(before)), slices.Sorted(maps.Keys(after))) {
		return false
	}
	changed := 0
	for name, text := range after {
		if text == before[name] {
			continue
		}
		if changed++; !strings.HasPrefix(name, t.example.Dir+"/") {
			return false
		}
	}
	return changed > 0
}

func indented(text string) string {
	var out bytes.Buffer
	for line := range strings.Lines(text) {
		out.WriteString("    " + line)
	}
	return out.String()
}
