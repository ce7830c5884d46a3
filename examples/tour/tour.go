// Package tour walks the whole loop on an example, and checks the laws of the
// design as it goes.
//
//  1. It renders the example without and with its candidate (tour.go).
//  2. One candidate is promoted on a recorded verdict, one is rejected, and one
//     is preempted by a newer one (loop.go).
//  3. Walk says what it sees, and counts the checks that hold and those that fail.
package tour

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/examples"
	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/promote"
	"github.com/assaydev/assay/render"
)

// labelExperiment marks every object that is there for a test alone.
const labelExperiment = "assay.dev/experiment"

// tour shows one example and checks the laws on it.
type tour struct {
	Place
	example examples.Environment
	out     io.Writer

	fsys   *envfs.FS // as of the last write; nil: to be opened
	checks Checks
}

// files is the repository as it is now.
func (t *tour) files() *envfs.FS {
	if t.fsys == nil {
		t.fsys = envfs.New(os.DirFS(t.Root), envfs.Limits{})
	}
	return t.fsys
}

func (t *tour) marker() string { return path.Join(t.example.Dir, "candidate.yaml") }

func (t *tour) request(edits map[string][]byte) render.Request {
	return render.Request{FS: t.files().With(edits), Environment: spec.Environment{Dir: t.example.Dir}}
}

// render renders the example with edits laid over its files.
func (t *tour) render(ctx context.Context, edits map[string][]byte) (*render.Result, error) {
	return render.Environment(ctx, t.request(edits))
}

// Checks counts the laws that were looked at.
type Checks struct{ Held, Failed int }

// Place is a directory that holds a copy of all examples, and is written to.
type Place struct {
	Root string

	// Commit makes a commit of every file of a repository in Root, and the decisions are
	// commits too; nil where there is none.
	Commit  func(ctx context.Context, message string) error
	Process git.Process // for git
}

// Walk takes an example through the whole loop. What happens is told on out.
func Walk(ctx context.Context, at Place, example examples.Environment, out io.Writer) (Checks, error) {
	t := &tour{example: example, Place: at, out: out}
	err := t.walk(ctx)
	return t.checks, err
}

// walk takes the example through the whole loop: a candidate that wins, one
// that loses, and one that is preempted.
func (t *tour) walk(ctx context.Context) error {
	if err := t.look(ctx); err != nil {
		return err
	}
	for _, act := range []func(context.Context) error{t.promoted, t.rejected, t.preempted} {
		if err := act(ctx); err != nil {
			return err
		}
	}
	t.say("\n")
	return nil
}

// look renders without and with the candidate, and writes nothing.
func (t *tour) look(ctx context.Context) error {
	before, err := t.render(ctx, nil)
	if err != nil {
		return err
	}
	data, err := t.files().ReadFile(t.example.Candidate)
	if err != nil {
		return err
	}
	during, err := t.render(ctx, map[string][]byte{t.marker(): data})
	if err != nil {
		return err
	}
	again, err := t.render(ctx, map[string][]byte{t.marker(): data})
	if err != nil {
		return err
	}
	t.describe(before, during)
	t.law(1, "without a candidate, nothing of Assay's is in the output", same(before.Output(), before.Baseline) && unlabelled(before.Output()))
	t.law(1, "with a candidate, the baseline is in the output as it was", same(without(during), before.Baseline))
	t.law(5, "a change that nothing tests is refused", t.refusesUntested(ctx, before))
	t.law(7, "the same tree gives the same bytes", same(during.Output(), again.Output()) && during.ID == again.ID)
	return nil
}

func (t *tour) say(format string, args ...any) { _, _ = fmt.Fprintf(t.out, format, args...) }

func (t *tour) law(number int, promise string, holds bool) {
	if holds {
		t.checks.Held++
		t.say("  law %d holds: %s\n", number, promise)
		return
	}
	t.checks.Failed++
	t.say("  law %d FAILS: %s\n", number, promise)
}

func (t *tour) describe(before, during *render.Result) {
	t.say("%s, judged by %s\n", t.example.Layout, t.example.Engine)
	t.say("  without a candidate: %d objects\n", len(before.Output()))
	t.say("  with candidate %s: %d more, experiment %s\n", promote.Label(*during.Marker), len(during.Variant)+len(during.Injected), during.ID)
	for _, o := range slices.Concat(during.Variant, during.Injected) {
		t.say("    + %s\n", object.KeyOf(o))
	}
}

// same compares objects by the bytes that they print as.
func same(a, b []*unstructured.Unstructured) bool {
	x, errX := object.MarshalYAML(a)
	y, errY := object.MarshalYAML(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}

func unlabelled(objs []*unstructured.Unstructured) bool {
	return !slices.ContainsFunc(objs, func(o *unstructured.Unstructured) bool {
		_, labelled := o.GetLabels()[labelExperiment]
		return labelled
	})
}

// without is the output less what the experiment adds: its objects, and its
// label on objects under routing.
func without(res *render.Result) []*unstructured.Unstructured {
	added := map[object.Key]bool{}
	for _, o := range slices.Concat(res.Variant, res.Injected) {
		added[object.KeyOf(o)] = true
	}
	var rest []*unstructured.Unstructured
	for _, o := range res.Output() {
		if added[object.KeyOf(o)] {
			continue
		}
		if _, labelled := o.GetLabels()[labelExperiment]; labelled {
			o = o.DeepCopy()
			labels := o.GetLabels()
			delete(labels, labelExperiment)
			if len(labels) == 0 {
				labels = nil // no labels, rather than an empty mapping
			}
			o.SetLabels(labels)
		}
		rest = append(rest, o)
	}
	return rest
}

// refusesUntested tests one workload alone and changes another.
func (t *tour) refusesUntested(ctx context.Context, before *render.Result) bool {
	workloads := slices.DeleteFunc(slices.Clone(before.Baseline), func(o *unstructured.Unstructured) bool { return !object.IsWorkload(o) })
	planName := path.Join(t.example.Dir, "assay.yaml")
	plan, err := t.files().ReadFile(planName)
	if err != nil || len(workloads) < 2 {
		return false
	}
	tested, altered := workloads[0], workloads[1]
	images := object.Images(altered)
	if len(images) == 0 {
		return false
	}
	image, _, _ := object.SplitImage(images[0].Ref)
	targets := fmt.Sprintf("  targets: [{kind: %s, name: %s}]\n", tested.GetKind(), tested.GetName())
	marker := fmt.Sprintf("apiVersion: %s\nkind: Candidate\nspec: {images: [{name: %s, newTag: untested}]}\n", spec.APIVersion, image)
	_, err = t.render(ctx, map[string][]byte{
		planName:   append(plan, targets...),
		t.marker(): []byte(marker),
	})
	return err != nil && strings.Contains(err.Error(), altered.GetName())
}
