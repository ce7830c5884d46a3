package cmp

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"

	"github.com/assaydev/assay/internal/cache"
	"github.com/assaydev/assay/internal/gate"
	"github.com/assaydev/assay/internal/memory"
	"github.com/assaydev/assay/internal/tgz"
)

const (
	// unpackFactor is how much larger an archive of manifests is, unpacked, as a rule.
	unpackFactor = 16
	// leastUnpacked is what even a small archive may unpack to.
	leastUnpacked = 1 << 20
	// expectedShare is the part of the share that a large archive is expected to take: most of
	// it may be Git's own directory, of which nothing is kept.
	expectedShare = 4
)

// trees unpacks archives, each once for all calls that bring it at the same time. What calls
// use of them, and is not kept anyway, takes no more than the share of memory: one archive at
// once may take more, and then has it from the memory of renders.
type trees struct {
	limits  tgz.Limits
	share   int64
	kept    *cache.Cache[key, *tgz.Tree]
	room    *gate.Gate // whose weight is the share
	large   *gate.Gate // has one place
	renders *gate.Gate

	mu   sync.Mutex
	held map[key]*heldTree
}

func newTrees(limits tgz.Limits, share, kept int64, renders *gate.Gate) *trees {
	return &trees{
		limits: limits.WithDefaults(), share: share, kept: cache.New[key, *tgz.Tree](kept),
		room: gate.New(4*runtime.GOMAXPROCS(0), share), large: gate.New(1, 1), renders: renders, held: map[key]*heldTree{},
	}
}

// heldTree is a tree that calls use, or that one of them unpacks for all.
type heldTree struct {
	done chan struct{} // closed once tree is set, or could not be unpacked

	// Under the lock of trees, or of who unpacks it alone.
	users int
	tree  *tgz.Tree
	place *gate.Place // in room; nil until there is one
	leave []func()    // give back what else it takes
}

func (h *heldTree) free() {
	if h.place != nil {
		h.place.Leave()
	}
	for _, leave := range h.leave {
		leave()
	}
}

// lease is a tree while a call uses it.
type lease struct {
	tree    *tgz.Tree
	share   func() *lease // for who goes on when the call has ended
	release func()        // may be called again
}

// get returns the tree of a call's archive: one that is kept, another call's, or its own,
// unpacked. The stream is read to its end.
func (t *trees) get(ctx context.Context, c *call, in *archive, r *record) (*lease, error) {
	id := hashed("tree", strings.ToLower(c.checksum))
	for {
		held, first := t.join(id)
		switch {
		case first && held.tree == nil:
			return t.unpacked(ctx, c, in, r, id, held)
		case !first:
			goOn := in.pause() // it is not the caller who keeps us waiting
			select {
			case <-held.done:
			case <-ctx.Done():
			}
			goOn()
		}
		switch {
		case ctx.Err() != nil:
			t.leave(id, held)
			return nil, fmt.Errorf("wait for the archive: %w", context.Cause(ctx))
		case held.tree == nil: // that call's own stream may be to blame
			t.leave(id, held)
			continue
		}
		r.note(func(e *entry) { e.cache = byTree })
		if err := in.finish(ctx, c); err != nil {
			t.leave(id, held)
			return nil, err
		}
		return t.lease(id, held), nil
	}
}

// join makes a call one of a tree's users, and says whether it is the first: then the tree is
// one that is kept, or still to be unpacked.
func (t *trees) join(id key) (held *heldTree, first bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if held = t.held[id]; held == nil {
		first, held = true, &heldTree{done: make(chan struct{})}
		t.held[id] = held
		if tree, ok := t.kept.Get(id); ok {
			held.tree, held.place = tree, t.room.Hold(0)
			close(held.done)
		}
	}
	held.users++
	return held, first
}

func (t *trees) leave(id key, held *heldTree) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if held.users--; held.users == 0 {
		held.free()
		if t.held[id] == held {
			delete(t.held, id)
		}
	}
}

func (t *trees) lease(id key, held *heldTree) *lease {
	return &lease{
		tree: held.tree, release: sync.OnceFunc(func() { t.leave(id, held) }),
		share: func() *lease {
			t.mu.Lock()
			defer t.mu.Unlock()
			held.users++
			return t.lease(id, held)
		},
	}
}

// unpacked unpacks the tree for all who wait for it.
func (t *trees) unpacked(ctx context.Context, c *call, in *archive, r *record, id key, held *heldTree) (*lease, error) {
	defer func() {
		t.mu.Lock()
		if held.tree == nil {
			delete(t.held, id) // who comes now unpacks its own
		}
		t.mu.Unlock()
		close(held.done)
		if held.tree == nil {
			t.leave(id, held)
		}
	}()
	tree, err := t.unpack(ctx, c, in, id, held)
	if err != nil {
		return nil, err
	}
	r.note(func(e *entry) { e.files = tree.Files() })
	return t.lease(id, held), nil
}

func (t *trees) unpack(ctx context.Context, c *call, in *archive, id key, held *heldTree) (*tgz.Tree, error) {
	limits := t.limits
	limits.Room = min(min(max(c.size, 0), t.share)*unpackFactor+leastUnpacked, t.share/expectedShare, limits.Bytes)
	goOn := in.pause()
	place, err := t.room.Take(ctx, c.app(), limits.Room)
	goOn()
	if err != nil {
		return nil, fmt.Errorf("wait to unpack the archive: %w", err)
	}
	held.place = place
	defer memory.Enter(ctx, c.dir)()
	large, charged := func() {}, func() {}
	limits.More = func() error {
		defer in.pause()()
		if large, err = t.large.Enter(ctx, c.app(), 1); err != nil {
			return fmt.Errorf("wait to unpack a large archive: %w", err)
		}
		charged = t.renders.Charge(limits.Bytes - limits.Room)
		held.leave = append(held.leave, large, charged)
		return nil
	}
	tree, err := in.unpack(ctx, c.checksum, limits)
	if err != nil {
		return nil, err
	}
	if over := t.keep(id, held, tree); over > 0 {
		held.leave = append(held.leave, t.renders.Charge(over))
	} else {
		large()
	}
	charged()
	return tree, nil
}

// keep keeps a tree, and has all that are in use and not kept any more weigh what they take.
// It says how much that is beyond the share.
func (t *trees) keep(id key, held *heldTree, tree *tgz.Tree) (over int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept.Put(id, tree, tree.Bytes())
	held.tree = tree
	for id, h := range t.held {
		if h.tree == nil {
			continue
		}
		var weight int64
		if _, kept := t.kept.Get(id); !kept {
			weight = h.tree.Bytes()
		}
		over = h.place.Keep(weight)
	}
	return over
}
