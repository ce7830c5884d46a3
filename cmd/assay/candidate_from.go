package main

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
	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/kustomize/api/types"

	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/internal/git/local"
	"github.com/assaydev/assay/internal/marker"
	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/render"
)

func (a *app) candidateFromCommand() *cobra.Command {
	var opt candidateOptions
	cmd := &cobra.Command{
		Use:   "from REF [DIR]",
		Short: "Put what a branch changes under test",
		Long: `From compares the environment as a branch, tag or commit has it with the files
here, and writes the marker that makes the same change: images or Helm values
where that is all of it, else a diff. It turns what a bot proposes into a
candidate.

It is proven: the candidate renders to exactly what REF renders to. What lies
outside of the environment's own files, such as a base, cannot be a candidate,
and is refused. Bring REF up to date first if it lacks newer commits. What was
rejected before is refused as by assay candidate set. On a server a commit is
named by its full ID, and other refs in full.`,
		Example: `  # A bot's branch
  git fetch origin bump-web
  assay candidate from FETCH_HEAD shop/prod

  # What that would write
  assay candidate from origin/bump-web shop/prod --dry-run

  # On a server: a branch there, or a pull request
  assay candidate from bump-web --repo https://git.example.com/env.git --path shop/prod
  assay candidate from refs/pull/7/head --repo https://git.example.com/env.git --path shop/prod`,
		Args: cobra.RangeArgs(1, 2),
		RunE: a.do(func(ctx context.Context, args []string) error {
			return a.candidateFrom(ctx, opt, args[0], args[1:])
		}),
	}
	opt.bindRender(cmd)
	f := cmd.Flags()
	f.StringVar(&opt.title, "name", "", "`name` of the candidate, for people (default: the new tag, or REF)")
	opt.bindPut(cmd)
	cmd.ValidArgsFunction = cobra.NoFileCompletions
	return cmd
}

func (a *app) candidateFrom(ctx context.Context, opt candidateOptions, ref string, args []string) error {
	if err := opt.checkPut(args); err != nil {
		return err
	}
	if opt.chosen() {
		return a.putThere(ctx, opt, func(ctx context.Context, m *markerPlace) (spec.Candidate, error) {
			commit, err := m.session.Repo.Resolve(ctx, ref)
			if err != nil {
				return spec.Candidate{}, err
			}
			tree, err := m.session.Repo.Tree(ctx, commit)
			if err != nil {
				return spec.Candidate{}, err
			}
			return m.from(ctx, opt, tree, ref, commit)
		})
	}
	m, err := opt.openMarker(dirArg(args))
	if m != nil {
		defer m.close()
	}
	if err != nil && (m == nil || m.Data == nil || errors.Is(err, marker.ErrForeign)) {
		return err
	}
	repo, err := local.Open(ctx, m.root)
	if err != nil {
		return err
	}
	commit, err := repo.Resolve(ctx, ref)
	if err != nil {
		return err
	}
	tree, err := repo.Tree(ctx, commit)
	if err != nil {
		return err
	}
	c, err := m.from(ctx, opt, tree, ref, commit)
	if err != nil {
		return err
	}
	return a.putCandidate(ctx, opt, m, c)
}

// from makes the candidate of what a commit's tree has. It closes the tree.
func (m *markerPlace) from(ctx context.Context, opt candidateOptions, tree *git.Tree, ref, commit string) (spec.Candidate, error) {
	defer func() { _ = tree.Close() }()
	b, err := m.openBump(ctx, opt.environment, tree, ref)
	if err != nil {
		return spec.Candidate{}, err
	}
	c, err := b.candidate(ctx)
	if err != nil {
		return c, err
	}
	c.Metadata.Name = opt.title
	if c.Metadata.Name == "" {
		if c.Metadata.Name = defaultName(c.Spec.Change); c.Metadata.Name == "" {
			c.Metadata.Name = ref
		}
	}
	c.Metadata.Annotations = map[string]string{"commit": commit}
	m.recall(&c, opt.title == "")
	if opt.retry {
		c.Spec.Attempt++
	}
	return c, nil
}

// bump is an environment here and at another revision, both without a marker.
type bump struct {
	*markerPlace
	ref          string
	here, there  *render.Result
	files, other *envfs.FS
}

func (m *markerPlace) openBump(ctx context.Context, env environment, tree *git.Tree, ref string) (*bump, error) {
	b := &bump{
		markerPlace: m, ref: ref,
		files: m.FS.With(map[string][]byte{m.Path: nil}),
		other: envfs.New(tree, env.files).With(map[string][]byte{m.Path: nil}),
	}
	var err error
	if b.here, err = b.render(ctx, b.files); err != nil {
		return nil, err
	}
	if b.there, err = b.render(ctx, b.other); err != nil {
		return nil, fmt.Errorf("%s: %w", ref, err)
	}
	return b, nil
}

func (b *bump) render(ctx context.Context, fsys *envfs.FS) (*render.Result, error) {
	req := b.Request
	req.FS = fsys
	return render.Environment(ctx, req)
}

// candidate is the simplest change that is proven to render as the other
// revision does.
func (b *bump) candidate(ctx context.Context) (spec.Candidate, error) {
	c := spec.Candidate{APIVersion: spec.APIVersion, Kind: spec.KindCandidate}
	if len(object.Diff(object.Applied(b.here.Baseline), object.Applied(b.there.Baseline))) == 0 {
		return c, fmt.Errorf("%s renders %s as it is here: there is no change to test", b.ref, b.arg)
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
	return c, fmt.Errorf("what %s changes cannot be a candidate of %s: %w; a candidate changes the environment's own files alone, so bring the rest, and newer commits, onto both sides first", b.ref, b.arg, last)
}

func isZero(c spec.Change) bool {
	return len(c.Images)+len(c.Values)+len(c.Patches) == 0 && c.Diff == ""
}

// proves holds that Candidate(T) = Baseline(REF).
func (b *bump) proves(ctx context.Context, c spec.Candidate) error {
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
func (b *bump) images() (spec.Change, error) {
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
func (b *bump) values() (spec.Change, error) {
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
func (b *bump) diff() (spec.Change, error) {
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
func (b *bump) both(name string) (here, there []byte, err error) {
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

func (b *bump) valueFile(name string) (before, after map[string]any, err error) {
	file, err := envfs.Resolve(b.Dir, name)
	if err != nil || b.Dir != "." && !strings.HasPrefix(file, path.Clean(b.Dir)+"/") {
		return nil, nil, nil // another's, or one that the render refuses
	}
	here, there, err := b.both(file)
	if err != nil {
		return nil, nil, err
	}
	if before, err = decodeValueFile(file, here); err == nil {
		after, err = decodeValueFile(file, there)
	}
	return before, after, err
}
