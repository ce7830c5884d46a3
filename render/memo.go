package render

import (
	"context"
	"sync"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/spec"
)

// Memo remembers the renders of one operation, so that it makes none twice: a
// candidate is derived, rendered and proven on the same few trees. It is for an
// operation that writes nothing.
type Memo struct {
	mu   sync.Mutex
	made []memorized
}

// memorized is what one tree renders to. Nobody changes the objects.
type memorized struct {
	content  envfs.Content
	env      spec.Environment
	source   source
	objs     []*unstructured.Unstructured
	warnings []string
}

func (m *Memo) find(content envfs.Content, env spec.Environment, s source) (memorized, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, made := range m.made {
		if made.content == content && made.env == env && made.source.equal(s) {
			return made, true
		}
	}
	return memorized{}, false
}

func (m *Memo) add(made memorized) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.made = append(m.made, made)
}

// render is Baseline of a tree, which has no marker: as it was made before, where it
// was.
func (r *run) render(ctx context.Context, s source, tree *envfs.FS) ([]*unstructured.Unstructured, []string, error) {
	if r.req.Memo == nil {
		return s.render(ctx, tree, r.hide)
	}
	content := tree.Content()
	if made, ok := r.req.Memo.find(content, r.req.Environment, s); ok {
		return made.objs, made.warnings, nil
	}
	objs, warnings, err := s.render(ctx, tree, r.hide)
	if err == nil {
		r.req.Memo.add(memorized{content, r.req.Environment, s, objs, warnings})
	}
	return objs, warnings, err
}
