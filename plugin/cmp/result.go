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
	"github.com/assaydev/assay/internal/memory"
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
	// plainFactor is how much more memory manifests take than their files.
	plainFactor = 40
	// plainMost is the most that is rendered in this process.
	plainMost = 128 << 20
	// leastLimit is what a worker may always take.
	leastLimit = 128 << 20
	// mostDepends is how many lists of paths are remembered of one job: it may read
	// others in another version of the repository.
	mostDepends = 4
)

// made is a result that is kept. Nobody changes it.
type made struct {
	*job.Result
	where found
}

// maker makes results, or finds them.
type maker struct {
	trees   *cache.Cache[key, *tgz.Tree]
	results *cache.Cache[key, *made]
	known   *manifest.Known // what renders in this process decoded
	past    *cache.Cache[key, history]
	gate    *gate.Gate
	pool    *worker.Pool // nil: everything is rendered in this process
	memory  int64        // that all renders may take together
	places  int
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
func (m *maker) before(j job.Job, prefix, checksum string) (*made, bool) {
	return m.results.Get(archiveKey(j, prefix, checksum))
}

func archiveKey(j job.Job, prefix, checksum string) key {
	return hashed("archive", j.Key(), prefix, strings.ToLower(checksum))
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
func (m *maker) make(ctx context.Context, j job.Job, tree *tgz.View, prefix, checksum, app string) (*made, found, error) {
	past, _ := m.past.Get(jobKey(j))
	for _, depends := range past.depends {
		if res, ok := m.results.Get(filesKey(j, tree, depends)); ok {
			m.results.Put(archiveKey(j, prefix, checksum), res, res.Bytes())
			return res, byFiles, nil
		}
	}
	for {
		res, how, err := m.results.Do(ctx, archiveKey(j, prefix, checksum), m.create(ctx, j, tree, past, app))
		switch {
		case err != nil && how == cache.Joined && errors.Is(err, errDeadline) && ctx.Err() == nil:
			continue // the deadline was another's
		case err != nil:
			return nil, failed, err
		case how == cache.Kept:
			return res, byArchive, nil
		case how == cache.Joined:
			return res, joined, nil
		}
		return res, res.where, nil
	}
}

// create makes a result for all who wait for it, within the deadline of the first.
func (m *maker) create(caller context.Context, j job.Job, tree *tgz.View, past history, app string) func(context.Context) (*made, int64, error) {
	return func(ctx context.Context) (*made, int64, error) {
		if deadline, timed := caller.Deadline(); timed {
			var cancel context.CancelFunc
			ctx, cancel = context.WithDeadlineCause(ctx, deadline, errDeadline)
			defer cancel()
		}
		res, err := m.run(ctx, j, tree, past, app)
		switch {
		case err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded):
			return nil, 0, errDeadline
		case err != nil || res.Draws:
			return res, 0, err
		}
		m.results.Put(filesKey(j, tree, res.Depends), res, res.Bytes())
		return res, res.Bytes(), nil
	}
}

// errDeadline is the cause of a context whose deadline has passed.
var errDeadline = errors.New("deadline passed")

func jobKey(j job.Job) key { return hashed("job", j.Key()) }

// run renders, where there is room for it.
func (m *maker) run(ctx context.Context, j job.Job, tree *tgz.View, past history, app string) (*made, error) {
	limit := m.limit(j, past)
	plain := m.pool == nil
	if !plain && j.Plain(tree) {
		size := tree.Size(j.Dir) * plainFactor
		if plain = size <= plainMost; plain {
			limit = size
		}
	}
	leave, err := m.gate.Enter(ctx, app, limit)
	if err != nil {
		return nil, err
	}
	defer leave()
	if plain {
		res, err := j.Run(m.known.In(ctx), tree)
		if err == nil {
			m.remember(j, res.Depends, 0)
		}
		return &made{res, inProcess}, err
	}
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

func (m *maker) inWorker(ctx context.Context, j job.Job, tree *tgz.View, past history, limit int64) (worker.Outcome, error) {
	defer memory.Enter(ctx, j.Dir)()
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
