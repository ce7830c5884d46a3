package candidate

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/aymanbagabas/go-udiff"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/kustomize/api/types"

	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/render"
)

// Bump is what a commit changes in an environment, as a bot proposes it.
type Bump struct {
	Ref    string // what it is called
	Commit string // its whole ID
	Tree   *envfs.FS
}

// Candidate is the candidate that makes the same change: images or Helm values
// where that is all of it, else a diff. It is proven to render as the commit
// does.
func (b Bump) Candidate(ctx context.Context, m *Marker) (spec.Candidate, error) {
	o, err := m.open(ctx, b)
	if err != nil {
		return spec.Candidate{}, err
	}
	c, err := o.candidate(ctx)
	if err != nil {
		return c, err
	}
	if c.Metadata.Name = nameAfter(c.Spec.Change); c.Metadata.Name == "" {
		c.Metadata.Name = b.Ref
	}
	c.Metadata.Annotations = map[string]string{"commit": b.Commit}
	return c, nil
}

// bumped is an environment here and at another revision, both without a marker.
type bumped struct {
	*Marker
	ref          string
	here, there  *render.Result
	files, other *envfs.FS
}

func (m *Marker) open(ctx context.Context, bump Bump) (*bumped, error) {
	without := map[string][]byte{m.Path: nil}
	b := &bumped{Marker: m, ref: bump.Ref, files: m.FS.With(without), other: bump.Tree.With(without)}
	var err error
	if b.here, err = b.render(ctx, b.files); err != nil {
		return nil, err
	}
	if b.there, err = b.render(ctx, b.other); err != nil {
		return nil, fmt.Errorf("%s: %w", b.ref, err)
	}
	return b, nil
}

func (b *bumped) render(ctx context.Context, fsys *envfs.FS) (*render.Result, error) {
	req := b.Request
	req.FS = fsys
	return render.Environment(ctx, req)
}

// candidate is the simplest change that is proven to render as the other
// revision does.
func (b *bumped) candidate(ctx context.Context) (spec.Candidate, error) {
	c := spec.Candidate{APIVersion: spec.APIVersion, Kind: spec.KindCandidate}
	if len(object.Diff(object.Applied(b.here.Baseline), object.Applied(b.there.Baseline))) == 0 {
		return c, fmt.Errorf("%s renders %s as it is here: there is no change to test", b.ref, b.Environment)
	}
	var last error
	for _, derive := range []func() (spec.Change, error){b.images, b.values, b.diff} {
		var err error
		if c.Spec.Change, err = derive(); err != nil {
			return c, err
		}
		if isZero(c.Spec.Change) {
			continue
		}
		if last = b.proves(ctx, c); last == nil || ctx.Err() != nil {
			return c, last
		}
	}
	if last == nil {
		last = errors.New("none of the environment's own files differs")
	}
	return c, fmt.Errorf("what %s changes cannot be a candidate of %s: %w; a candidate changes the environment's own files alone, so bring the rest, and newer commits, onto both sides first", b.ref, b.Environment, last)
}

func isZero(c spec.Change) bool {
	return len(c.Images)+len(c.Values)+len(c.Patches) == 0 && c.Diff == ""
}

// proves holds that Candidate(T) = Baseline(REF).
func (b *bumped) proves(ctx context.Context, c spec.Candidate) error {
	data, err := spec.EncodeCandidate(c)
	if err != nil {
		return err
	}
	res, err := b.render(ctx, b.files.With(map[string][]byte{b.Path: data}))
	if err != nil {
		return err
	}
	for _, d := range object.Diff(object.Applied(res.Candidate), object.Applied(b.there.Baseline)) {
		return fmt.Errorf("the candidate would differ from %s in %s", b.ref, d.Key)
	}
	return nil
}

// images are those that differ between the same places of the same objects.
func (b *bumped) images() (spec.Change, error) {
	there := map[object.Key]*unstructured.Unstructured{}
	for _, o := range b.there.Baseline {
		there[object.KeyOf(o)] = o
	}
	changed := map[string]types.Image{}
	for _, o := range b.here.Baseline {
		other := there[object.KeyOf(o)]
		if other == nil {
			continue
		}
		now := map[string]string{}
		for _, image := range object.Images(other) {
			now[fmt.Sprint(image.Path)] = image.Ref
		}
		for _, image := range object.Images(o) {
			ref, ok := now[fmt.Sprint(image.Path)]
			if !ok || ref == image.Ref {
				continue
			}
			changed[nameOf(image.Ref)] = imageFor(image.Ref, ref)
		}
	}
	var c spec.Change
	for _, name := range slices.Sorted(maps.Keys(changed)) {
		c.Images = append(c.Images, changed[name])
	}
	return c, nil
}

func nameOf(ref string) string {
	name, _, _ := object.SplitImage(ref)
	return name
}

func imageFor(from, to string) types.Image {
	name, tag, digest := object.SplitImage(to)
	image := types.Image{Name: nameOf(from), NewTag: tag, Digest: digest}
	if name != image.Name {
		image.NewName = name
	}
	return image
}

// values are those that differ in the environment's own value files.
func (b *bumped) values() (spec.Change, error) {
	if b.here.Layout != spec.Helm {
		return spec.Change{}, nil
	}
	c := spec.Change{Values: map[string]any{}}
	names := []string{"values.yaml"}
	if h := b.here.Plan.Spec.Helm; h != nil {
		names = append(names, h.ValueFiles...)
	}
	for _, name := range names {
		before, after, err := b.valueFile(name)
		if err != nil {
			return spec.Change{}, err
		}
		c.Values = mergeValues(c.Values, valueChange(before, after))
	}
	return c, nil
}

// diff is that of the environment's own files.
func (b *bumped) diff() (spec.Change, error) {
	var out strings.Builder
	err := fs.WalkDir(b.files, b.Dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return nil
		}
		if !entry.Type().IsRegular() || spec.KindByName(name) != "" {
			return nil
		}
		before, after, err := b.both(name)
		if err != nil || after == nil {
			return err
		}
		rel := strings.TrimPrefix(name, b.Dir+"/")
		out.WriteString(udiff.Unified("a/"+rel, "b/"+rel, string(before), string(after)))
		return nil
	})
	return spec.Change{Diff: out.String()}, err
}

// both are a file's contents here and there; nil where there is none.
func (b *bumped) both(name string) (here, there []byte, err error) {
	if here, err = readIfExists(b.files, name); err != nil {
		return nil, nil, err
	}
	there, err = readIfExists(b.other, name)
	return here, there, err
}

func readIfExists(fsys *envfs.FS, name string) ([]byte, error) {
	data, err := fsys.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return data, err
}

func (b *bumped) valueFile(name string) (before, after map[string]any, err error) {
	file, err := envfs.Resolve(b.Dir, name)
	if err != nil || b.Dir != "." && !strings.HasPrefix(file, path.Clean(b.Dir)+"/") {
		return nil, nil, nil // another's, or one that the render refuses
	}
	here, there, err := b.both(file)
	if err != nil {
		return nil, nil, err
	}
	if before, err = DecodeValues(file, here); err == nil {
		after, err = DecodeValues(file, there)
	}
	return before, after, err
}
