package change

import (
	"bytes"
	"regexp"

	"github.com/assaydev/assay/internal/object"
)

// written sets an image that the chart's templates have in plain text: no value
// holds it. It reports whether it did: the chart is rendered to prove that every
// use of the image changes, and no other image.
func (t imageTask) written(name string) (bool, error) {
	refs := map[string]string{}
	for _, o := range t.Baseline {
		for _, image := range object.Images(o) {
			if n, _, _ := object.SplitImage(image.Ref); n == name {
				refs[image.Ref] = updated(image.Ref, t.image)
			}
		}
	}
	fork := t.tree.fork()
	changed, there := false, false
	for _, file := range t.Files {
		data, err := fork.read(file)
		if err != nil {
			return false, err
		}
		after := data
		for was, is := range refs {
			literal := regexp.MustCompile(`(?m)(\bimage["']?:\s*["']?)` + regexp.QuoteMeta(was) + `(["'\s,}]|$)`)
			if was == is && literal.Match(data) {
				there = true
				t.note("%s is there in %s", is, file)
			}
			after = literal.ReplaceAll(after, []byte("${1}"+is+"${2}"))
		}
		if bytes.Equal(data, after) {
			continue
		}
		if err := fork.write(file, after); err != nil {
			return false, err
		}
		changed = true
	}
	if !changed {
		return there, nil
	}
	objs, err := t.Render(t.FS.With(fork.edited))
	if err != nil {
		return false, err
	}
	now := map[object.Key][]object.Image{}
	for _, o := range objs {
		now[object.KeyOf(o)] = object.Images(o)
	}
	for _, o := range t.Baseline {
		is := now[object.KeyOf(o)]
		for i, image := range object.Images(o) {
			want := image.Ref
			if to, ok := refs[want]; ok {
				want = to
			}
			if i >= len(is) || is[i].Ref != want {
				return false, nil
			}
		}
	}
	t.tree.take(fork)
	return true, nil
}
