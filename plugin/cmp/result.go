package cmp

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/assaydev/assay/internal/cache"
	"github.com/assaydev/assay/internal/gate"
	"github.com/assaydev/assay/internal/object/manifest"
	"github.com/assaydev/assay/internal/tgz"
	"github.com/assaydev/assay/plugin/cmp/job"
	"github.com/assaydev/assay/plugin/cmp/worker"
	"github.com/assaydev/assay/plugin/flags"
)

// key is a hash of all that a result depends on, or of what is the same for many.
type key [sha256.Size]byte

// hashed is the key of texts in this order.
func hashed(kind string, parts ...string) key {
	sum := sha256.New()
	for _, part := range append([]string{kind}, parts...) {
		_, _ = fmt.Fprintf(sum, "%d:", len(part))
		_, _ = io.WriteString(sum, part)
	}
	return key(sum.Sum(nil))
}

const (
	// leastLimit is what a worker may always take.
	leastLimit = 128 << 20
	// mostDepends is how many lists of paths are remembered of one job: it may read
	// others in another version of the repository.
	mostDepends = 4
	// aliasBytes is what a name of a result takes.
	aliasBytes = 256
)

// made is a result that is kept. Nobody changes it.
type made struct {
	*job.Result
	where found
}

// maker makes results, or finds them.
type maker struct {
	archives *cache.Cache[key, key] // the results of archives, by the key of what they read
	results  *cache.Cache[key, *made]
	known    *manifest.Known // what renders in this process decoded
	past     *cache.Cache[key, history]

	looks     *gate.Gate   // at jobs, for where to render them
	plain     *gate.Gate   // renders in this process of what takes what its files say
	gate      *gate.Gate   // renders of all else
	pool      *worker.Pool // nil: everything is rendered in this process
	plainMost int64        // bytes of memory that one plain render may take
	memory    int64        // that the renders of gate may take together
	places    int
}

// history is what is known of a job from its last runs.
type history struct {
	depends [][]string // the last one's first
	weight  int64      // bytes of memory; 0 where it is not known
}

func (h history) bytes() int64 {
	bytes := int64(256)
	for _, list := range h.depends {
		for _, name := range list {
			bytes += int64(len(name)) + 16
		}
	}
	return bytes
}

// found says where a result came from.
type found string

const (
	byArchive found = "archive" // the same archive was rendered before
	byTree    found = "tree"    // the archive is unpacked already
	byFiles   found = "files"   // the files that were read are the same
	joined    found = "joined"  // it was being made for another call
	inWorker  found = "worker"
	inProcess found = "process"
	failed    found = "failed"
)

// before returns the result of a job on an archive that came before.
func (m *maker) before(j job.Job, c *call) (*made, bool) {
	if name, ok := m.archives.Get(archiveKey(j, c)); ok {
		return m.results.Get(name)
	}
	return nil, false
}

func archiveKey(j job.Job, c *call) key {
	return hashed("archive", j.Key(), c.prefix, strings.ToLower(c.checksum))
}

// filesKey is that of a job on what the paths hold.
func filesKey(j job.Job, tree *tgz.View, depends []string) key {
	states := sha256.New()
	for _, name := range depends {
		state := tree.State(name)
		_, _ = fmt.Fprintf(states, "%d:%s", len(name), name)
		_, _ = states.Write(state[:])
	}
	return hashed("files", j.Key(), string(states.Sum(nil)))
}

// make returns the result of a job on a tree, and how it came by it.
func (m *maker) make(ctx context.Context, j job.Job, held *lease, c *call) (*made, found, error) {
	past, _ := m.past.Get(jobKey(j))
	for _, depends := range past.depends {
		name := filesKey(j, held.tree.At(c.prefix), depends)
		if res, ok := m.results.Get(name); ok {
			m.archives.Put(archiveKey(j, c), name, aliasBytes)
			return res, byFiles, nil
		}
	}
	for {
		own := held.share() // a render for many outlives the call that began it
		res, how, err := m.results.Do(ctx, archiveKey(j, c), m.create(ctx, j, own, past, c))
		if how != cache.Made {
			own.release()
		}
		var broken *cache.PanicError
		switch {
		case err != nil && how == cache.Joined && ofAnother(err) && ctx.Err() == nil:
			continue
		case errors.As(err, &broken):
			return nil, failed, &panicError{broken.Value, broken.Stack}
		case err != nil:
			return nil, failed, err
		case how == cache.Joined:
			return res, joined, nil
		}
		return res, res.where, nil
	}
}

// ofAnother reports whether an error is of the call that a render was begun for: its deadline
// was another.
func ofAnother(err error) bool {
	var late *gate.LateError
	return errors.Is(err, errDeadline) || errors.As(err, &late)
}

// create makes a result for all who wait for it, within the deadline of the first. It is kept
// by what was read for it alone.
func (m *maker) create(caller context.Context, j job.Job, held *lease, past history, c *call) func(context.Context) (*made, int64, error) {
	return func(ctx context.Context) (*made, int64, error) {
		defer held.release()
		if res, ok := m.before(j, c); ok { // just then
			return &made{res.Result, byArchive}, 0, nil
		}
		if deadline, timed := caller.Deadline(); timed {
			var cancel context.CancelFunc
			ctx, cancel = context.WithDeadlineCause(ctx, deadline, errDeadline)
			defer cancel()
		}
		tree := held.tree.At(c.prefix)
		res, err := m.run(ctx, j, tree, past, c.app())
		switch {
		case err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded):
			return nil, 0, errDeadline
		case err != nil || res.Draws:
			return res, 0, err
		}
		name := filesKey(j, tree, res.Depends)
		m.results.Put(name, res, res.Bytes())
		m.archives.Put(archiveKey(j, c), name, aliasBytes)
		return res, 0, nil
	}
}

var (
	// errDeadline is the cause of a context whose deadline has passed.
	errDeadline = errors.New("deadline passed")
	// errTimeout is that of a call that has plugin.yaml's own.
	errTimeout = fmt.Errorf("%w: that of plugin.yaml", errDeadline)
)

func jobKey(j job.Job) key { return hashed("job", j.Key()) }

// run renders, where there is room for it.
func (m *maker) run(ctx context.Context, j job.Job, tree *tgz.View, past history, app string) (*made, error) {
	limit := m.limit(j, past)
	if m.pool == nil {
		return m.inProcess(ctx, m.gate, j, tree, app, limit)
	}
	weight, plain, err := m.weigh(ctx, j, tree, app)
	switch {
	case err != nil:
		return nil, err
	case plain:
		return m.inProcess(ctx, m.plain, j, tree, app, weight)
	}
	leave, err := m.gate.Enter(ctx, app, limit)
	if err != nil {
		return nil, err
	}
	defer leave()
	out, err := m.inWorker(ctx, j, tree, past, limit)
	var large *worker.MemoryError
	if most := m.most(j); errors.As(err, &large) && limit < most {
		// It may be large for a good reason: once more, with all that one may have.
		leave()
		m.remember(j, nil, most)
		if leave, err = m.gate.Enter(ctx, app, most); err != nil {
			return nil, err
		}
		defer leave()
		out, err = m.inWorker(ctx, j, tree, past, most)
	}
	if errors.As(err, &large) {
		return nil, fmt.Errorf("rendering %s: %w with %s", j.Dir, err, flags.MemoryLimit)
	}
	if err != nil {
		return nil, err
	}
	m.remember(j, out.Depends, out.Peak)
	return &made{out.Result, inWorker}, nil
}

// weigh says whether a job is plain: it takes no more than what its files say, and that is
// little.
func (m *maker) weigh(ctx context.Context, j job.Job, tree *tgz.View, app string) (weight int64, plain bool, err error) {
	leave, err := m.looks.Enter(ctx, app, 0)
	if err != nil {
		return 0, false, err
	}
	defer leave()
	seen := func([]byte) bool { return true }
	if !tree.EachFile(j.Dir, seen) || !j.Plain(tree) { // a plan may be a link, too
		return 0, false, nil
	}
	plain = tree.EachFile(j.Dir, func(data []byte) bool {
		bytes, known := manifest.Weight(data)
		weight += bytes
		return known && weight <= m.plainMost
	})
	return weight, plain, nil
}

func (m *maker) inProcess(ctx context.Context, room *gate.Gate, j job.Job, tree *tgz.View, app string, weight int64) (*made, error) {
	leave, err := room.Enter(ctx, app, weight)
	if err != nil {
		return nil, err
	}
	defer leave()
	res, err := j.Run(m.known.In(ctx), tree)
	if err != nil {
		return nil, err
	}
	m.remember(j, res.Depends, 0)
	return &made{res, inProcess}, nil
}

func (m *maker) inWorker(ctx context.Context, j job.Job, tree *tgz.View, past history, limit int64) (worker.Outcome, error) {
	var before []string
	if len(past.depends) > 0 {
		before = past.depends[0]
	}
	return m.pool.Run(ctx, j, tree, before, limit)
}

// limit is what a job may take at first: a share where nothing is known of it, else what it
// took, and half of that.
func (m *maker) limit(j job.Job, past history) int64 {
	limit := m.memory / int64(m.places)
	if past.weight > 0 {
		limit = max(past.weight/2*3, leastLimit)
	}
	return min(limit, m.most(j))
}

// most is what one render may take. It leaves room for others to go on that take little.
func (m *maker) most(j job.Job) int64 {
	most := m.memory
	if m.places > 1 {
		most = m.memory / 4 * 3
	}
	if j.Command.Memory > 0 {
		most = min(most, j.Command.Memory)
	}
	return most
}

// remember notes what a job read, and what it took.
func (m *maker) remember(j job.Job, depends []string, weight int64) {
	h, _ := m.past.Get(jobKey(j))
	next := history{weight: weight, depends: h.depends}
	if depends != nil {
		others := slices.DeleteFunc(slices.Clone(h.depends), func(known []string) bool { return slices.Equal(known, depends) })
		next.depends = slices.Insert(others, 0, depends)
		next.depends = next.depends[:min(len(next.depends), mostDepends)]
	}
	m.past.Put(jobKey(j), next, next.bytes())
}
