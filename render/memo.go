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

// memorized is what one tree renders to.
type memorized struct {
	content envfs.Content
	env     spec.Environment
	source  source
	made
}

func (m *Memo) find(content envfs.Content, env spec.Environment, s source) (made, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, known := range m.made {
		if known.content == content && known.env == env && known.source.equal(s) {
			return known.made, true
		}
	}
	return made{}, false
}

func (m *Memo) add(known memorized) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.made = append(m.made, known)
}

// make is what a tree renders to, which has no marker: as it was made before, where
// it was.
func (r *run) make(ctx context.Context, s source, tree *envfs.FS) (made, error) {
	m, err := r.makeOnce(ctx, s, tree)
	if m.draws {
		r.draws.Store(true)
	}
	return m, err
}

func (r *run) makeOnce(ctx context.Context, s source, tree *envfs.FS) (made, error) {
	if r.req.Memo == nil {
		return s.make(ctx, tree, r.hide, r.common)
	}
	content := tree.Content()
	if known, ok := r.req.Memo.find(content, r.req.Environment, s); ok {
		return known, nil
	}
	m, err := s.make(ctx, tree, r.hide, r.common)
	if err == nil {
		r.req.Memo.add(memorized{content, r.req.Environment, s, m})
	}
	return m, err
}

// render is Baseline of the tree.
func (r *run) render(ctx context.Context, s source, tree *envfs.FS) ([]*unstructured.Unstructured, error) {
	m, err := r.make(ctx, s, tree)
	return m.objs, err
}
