// Package worker does jobs in processes of their own, so that a template which takes all
// the memory, or never ends, takes down its own render and nothing else.
//
//  1. Pool.Run gives a job to an idle process, or starts one (process.go); the files of its
//     environment go with it, and others as they are asked for (message.go).
//  2. The worker (serve.go) ends itself once it takes more memory than the job may.
//  3. A job that is cancelled, or whose time is over, ends with its process.
//  4. A process that ended is replaced before the next job needs one.
//
// A worker is the same program: it reads messages on stdin and answers on stdout.
package worker

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os/exec"
	"slices"
	"sync"
	"time"

	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/plugin/cmp/job"
)

// Pool holds worker processes. It is safe for concurrent use.
type Pool struct {
	command func() *exec.Cmd
	warm    int
	keep    int64

	mu        sync.Mutex
	change    chan struct{} // closed once a process has come back, or has not
	idle      []*process
	returning int // processes that get ready for the next job
	starting  int
	all       map[*process]bool // those that run
	closed    bool
	started   int
}

// New is a pool of processes that command starts, of which so many are kept ready. Each may
// keep decoded objects of so many bytes for its next job.
func New(command func() *exec.Cmd, warm int, keep int64) *Pool {
	p := &Pool{command: command, warm: warm, keep: keep, all: map[*process]bool{}, change: make(chan struct{})}
	p.refill()
	return p
}

// MemoryError says that a job took more memory than it may.
type MemoryError struct{ Limit int64 }

func (e *MemoryError) Error() string {
	return fmt.Sprintf("it takes more than %d MiB of memory: make what is rendered smaller, or raise the limit", e.Limit>>20)
}

// FailedError is a job's own failure, as people are to read it.
type FailedError struct{ Message string }

func (e *FailedError) Error() string { return e.Message }

// Outcome is how a job went.
type Outcome struct {
	*job.Result
	Peak int64 // bytes that the process has taken at most
}

// Run does a job within so much memory, in bytes, until ctx ends. before are paths that a job
// like it has read. The error is a *MemoryError, a *FailedError, the cause of the context's
// end, or what is wrong with the worker.
func (p *Pool) Run(ctx context.Context, j job.Job, tree fs.FS, before []string, memory int64) (Outcome, error) {
	w, waited, err := p.take(ctx, memory)
	if err != nil {
		return Outcome{}, err
	}
	out, err := p.runIn(ctx, w, j, tree, before, memory)
	var ended *EndedError
	if !waited || !errors.As(err, &ended) {
		return out, err
	}
	// It may have ended while nobody used it: a new one says whether the job is to blame.
	if w, err = p.start(); err != nil {
		return Outcome{}, err
	}
	return p.runIn(ctx, w, j, tree, before, memory)
}

func (p *Pool) runIn(ctx context.Context, w *process, j job.Job, tree fs.FS, before []string, memory int64) (Outcome, error) {
	stop := context.AfterFunc(ctx, w.kill)
	out, err := w.run(ctx, j, tree, before, memory, p.keep)
	if !stop() { // it was killed, or is about to be
		p.lose(w)
		return Outcome{}, context.Cause(ctx)
	}
	var failed *FailedError
	if err != nil && !errors.As(err, &failed) {
		return Outcome{}, p.failure(w, err, memory)
	}
	p.mu.Lock()
	p.returning++
	p.mu.Unlock()
	go p.give(w)
	return out, err
}

// failure says why a worker ended.
func (p *Pool) failure(w *process, cause error, memory int64) error {
	p.lose(w)
	var exit *exec.ExitError
	if err := w.wait(); errors.As(err, &exit) && exit.ExitCode() == exitMemory {
		return &MemoryError{memory}
	}
	return &EndedError{excerpt.Of(w.stderr.text(), 500), cause}
}

// EndedError says that a worker ended by itself, which it never should.
type EndedError struct {
	Said  string // by it, for the log: it may hold what is in files
	cause error
}

func (e *EndedError) Error() string {
	if e.Said != "" {
		return "a library broke down on these files: undo what was changed last in them, and report it to us"
	}
	return "the process that renders was ended from outside, as the system does when memory is short"
}

func (e *EndedError) Unwrap() error { return e.cause }

const (
	// mostReturn is how long a process may take to get ready for the next job, and mostWait
	// how long a job waits for one before it has another started.
	mostReturn = 10 * time.Second
	mostWait   = time.Second
	// mostIdle is what a process may take that waits for a job.
	mostIdle = 96 << 20
)

// take returns a process for a job of so much memory: an idle one that leaves it most of it,
// one that is about to be idle, or a new one. It says whether the process has waited.
func (p *Pool) take(ctx context.Context, memory int64) (w *process, waited bool, err error) {
	patience := time.NewTimer(mostWait)
	defer patience.Stop()
	for wait := true; wait; {
		if ctx.Err() != nil {
			return nil, false, context.Cause(ctx)
		}
		p.mu.Lock()
		for i, w := range slices.Backward(p.idle) {
			if w.total <= memory/2 {
				p.idle = slices.Delete(p.idle, i, i+1)
				p.mu.Unlock()
				return w, true, nil
			}
		}
		change := p.change
		wait = p.returning > 0
		p.mu.Unlock()
		if wait {
			select {
			case <-change:
			case <-patience.C:
				wait = false
			case <-ctx.Done():
			}
		}
	}
	w, err = p.start()
	return w, false, err
}

// changed wakes those who wait for a process. The lock is held.
func (p *Pool) changed() {
	close(p.change)
	p.change = make(chan struct{})
}

// start starts a process that is the caller's.
func (p *Pool) start() (*process, error) {
	p.mu.Lock()
	p.starting++
	p.mu.Unlock()
	return p.starts()
}

// starts starts a process that is counted as starting.
func (p *Pool) starts() (*process, error) {
	w, err := start(p.command())
	p.mu.Lock()
	defer p.mu.Unlock()
	p.starting--
	if err != nil {
		return nil, fmt.Errorf("start a process to render in: %w", err)
	}
	p.started++
	p.all[w] = true
	go p.await(w)
	if p.closed {
		w.kill()
		return nil, errors.New("start a process to render in: the server stops")
	}
	return w, nil
}

// await forgets a process once it has ended, whoever has it.
func (p *Pool) await(w *process) {
	w.err = w.cmd.Wait()
	p.mu.Lock()
	delete(p.all, w)
	if i := slices.Index(p.idle, w); i >= 0 {
		p.idle = slices.Delete(p.idle, i, i+1)
		_ = w.answers.Close()
	}
	p.mu.Unlock()
	close(w.ended)
}

// give takes a process back once it is ready.
func (p *Pool) give(w *process) {
	late := time.AfterFunc(mostReturn, w.kill)
	var m toParent
	err := w.decoder.Decode(&m)
	late.Stop()
	p.mu.Lock()
	p.returning--
	fit := err == nil && m.Ready && m.Total <= mostIdle && !p.closed && p.all[w] && len(p.idle) < p.warm
	if fit {
		w.total = m.Total
		p.idle = append(p.idle, w)
	}
	p.changed()
	p.mu.Unlock()
	if !fit {
		p.lose(w)
	}
}

// lose ends a process that nobody is to use any more, and makes another one ready.
func (p *Pool) lose(w *process) {
	w.kill()
	_ = w.answers.Close()
	go func() {
		_ = w.wait()
		p.refill()
	}()
}

// refill starts processes until enough are there.
func (p *Pool) refill() {
	for {
		p.mu.Lock()
		enough := p.closed || len(p.all)+p.starting >= p.warm
		if !enough {
			p.starting++
		}
		p.mu.Unlock()
		if enough {
			return
		}
		w, err := p.starts()
		if err != nil {
			return // who needs one is told
		}
		p.mu.Lock()
		if p.all[w] && !p.closed {
			p.idle = append(p.idle, w)
			p.changed()
		}
		p.mu.Unlock()
	}
}

// Count is how many processes there are, and how many were started.
func (p *Pool) Count() (running, started int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.all), p.started
}

// Close ends all processes.
func (p *Pool) Close() {
	p.mu.Lock()
	p.closed = true
	all := slices.Collect(maps.Keys(p.all))
	p.idle = nil
	p.changed()
	p.mu.Unlock()
	for _, w := range all {
		w.kill()
		_ = w.wait()
	}
}
