// Package worker does jobs in processes of their own, so that a template which takes all
// the memory, or never ends, takes down its own render and nothing else.
//
//  1. Pool.Run gives a job to an idle process, or starts one; the files of its environment
//     go with it, and others as they are asked for (message.go).
//  2. The worker (serve.go) ends itself once it takes more memory than the job may.
//  3. A job that is cancelled, or whose time is over, ends with its process.
//  4. A process that ended is replaced before the next job needs one.
//
// A worker is the same program: it reads messages on stdin and answers on stdout.
package worker

import (
	"bufio"
	"bytes"
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
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
	back      *sync.Cond // a process has come back, or has not
	idle      []*process
	returning int // processes that get ready for the next job
	all       map[*process]bool
	closed    bool
	started   int
}

// New is a pool of processes that command starts, of which so many are kept ready. Each may
// keep decoded objects of so many bytes for its next job.
func New(command func() *exec.Cmd, warm int, keep int64) *Pool {
	p := &Pool{command: command, warm: warm, keep: keep, all: map[*process]bool{}}
	p.back = sync.NewCond(&p.mu)
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
	for {
		w, err := p.take()
		if err != nil {
			return Outcome{}, err
		}
		used := w.used
		out, err := p.runIn(ctx, w, j, tree, before, memory)
		var ended *EndedError
		if !used || !errors.As(err, &ended) {
			return out, err
		}
		// It may have ended while nobody used it: a new one says whether the job is to blame.
	}
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
	go p.give(w, memory)
	return out, err
}

// failure says why a worker ended.
func (p *Pool) failure(w *process, cause error, memory int64) error {
	p.lose(w)
	w.kill()
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

// take returns an idle process, one that is about to be, or a new one.
func (p *Pool) take() (*process, error) {
	p.mu.Lock()
	for len(p.idle) == 0 && p.returning > 0 {
		p.back.Wait()
	}
	if n := len(p.idle); n > 0 {
		w := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		return w, nil
	}
	p.mu.Unlock()
	return p.start()
}

func (p *Pool) start() (*process, error) {
	w, err := start(p.command())
	if err != nil {
		return nil, fmt.Errorf("start a process to render in: %w", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.started++
	if p.closed {
		w.kill()
		return nil, errors.New("start a process to render in: the server stops")
	}
	p.all[w] = true
	return w, nil
}

// give takes a process back once it is ready, unless it has become too large.
func (p *Pool) give(w *process, memory int64) {
	var m toParent
	err := w.decoder.Decode(&m)
	fit := err == nil && m.Ready && m.Total <= memory/2
	p.mu.Lock()
	p.returning--
	if fit = fit && !p.closed && len(p.idle) < p.warm; fit {
		w.used = true
		p.idle = append(p.idle, w)
	}
	p.back.Broadcast()
	p.mu.Unlock()
	if !fit {
		p.lose(w)
		w.kill()
	}
}

// lose forgets a process that ended, and makes another one ready.
func (p *Pool) lose(w *process) {
	p.mu.Lock()
	delete(p.all, w)
	p.mu.Unlock()
	go p.refill()
}

// refill starts processes until enough are there.
func (p *Pool) refill() {
	for {
		p.mu.Lock()
		enough := p.closed || len(p.all) >= p.warm
		p.mu.Unlock()
		if enough {
			return
		}
		w, err := p.start()
		if err != nil {
			return // who needs one is told
		}
		p.mu.Lock()
		p.idle = append(p.idle, w)
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
	all := p.all
	p.all, p.idle = map[*process]bool{}, nil
	p.mu.Unlock()
	for w := range all {
		w.kill()
		_ = w.wait()
	}
}

// process is one worker.
type process struct {
	cmd     *exec.Cmd
	encoder *gob.Encoder
	decoder *gob.Decoder
	stderr  *tail
	used    bool // it has done a job

	waited sync.Once
	err    error // of its end
}

func start(cmd *exec.Cmd) (*process, error) {
	w := &process{cmd: cmd, stderr: &tail{}}
	cmd.Stderr = w.stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	buffered := bufio.NewWriterSize(in, 64<<10)
	w.encoder = gob.NewEncoder(flusher{buffered})
	w.decoder = gob.NewDecoder(bufio.NewReaderSize(out, 64<<10))
	return w, nil
}

// flusher sends each message at once: an encoder writes one at a time.
type flusher struct{ *bufio.Writer }

func (f flusher) Write(data []byte) (int, error) {
	n, err := f.Writer.Write(data)
	if err == nil {
		err = f.Flush()
	}
	return n, err
}

// run sends a job, and what it asks for, until it has ended.
func (w *process) run(ctx context.Context, j job.Job, tree fs.FS, before []string, memory, keep int64) (Outcome, error) {
	m := toWorker{Job: &j, Memory: memory, Keep: keep, Timeout: time.Hour, Paths: ahead(tree, j.Dir, before)}
	if deadline, ok := ctx.Deadline(); ok {
		m.Timeout = time.Until(deadline) + time.Second // who ends it is this process
	}
	if err := w.encoder.Encode(m); err != nil {
		return Outcome{}, err
	}
	for {
		var m toParent
		switch err := w.decoder.Decode(&m); {
		case err != nil:
			return Outcome{}, err
		case m.Need != "":
			if err := w.encoder.Encode(toWorker{Paths: []entry{describe(tree, m.Need, m.Content)}}); err != nil {
				return Outcome{}, err
			}
		case m.Result == nil:
			return Outcome{Peak: m.Peak}, &FailedError{m.Failure}
		default:
			return Outcome{m.Result, m.Peak}, nil
		}
	}
}

// kill ends the process at once.
func (w *process) kill() {
	_ = w.cmd.Process.Kill()
	go func() { _ = w.wait() }()
}

// wait returns how it ended, to all who ask.
func (w *process) wait() error {
	w.waited.Do(func() { w.err = w.cmd.Wait() })
	return w.err
}

// tail keeps the beginning of what a process says, which is the cause.
type tail struct {
	mu   sync.Mutex
	data bytes.Buffer
}

const mostTail = 4 << 10

func (t *tail) Write(data []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if room := mostTail - t.data.Len(); room > 0 {
		t.data.Write(data[:min(room, len(data))])
	}
	return len(data), nil
}

func (t *tail) text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.data.String()
}
