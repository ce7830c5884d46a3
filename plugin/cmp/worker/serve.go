package worker

import (
	"bufio"
	"bytes"
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"runtime/debug"
	"sync"
	"time"

	"github.com/assaydev/assay/internal/memory"
	"github.com/assaydev/assay/internal/object/manifest"
	"github.com/assaydev/assay/plugin/flags"
)

// exitMemory is the exit code of a worker whose job took too much memory.
const exitMemory = 9

// collect lets the heap grow to five times what is in use: a job is short, and its limit
// bounds what it takes.
const collect = 400

// Serve is the worker: it does the jobs that come in, until in ends. exit ends the process
// at once, whatever it is doing.
func Serve(in io.Reader, out io.Writer, exit func(code int)) error {
	debug.SetGCPercent(collect)
	jobs := make(chan toWorker)
	w := &server{encoder: gob.NewEncoder(out), paths: make(chan entry, 1), exit: exit}
	go func() {
		decoder := gob.NewDecoder(bufio.NewReader(in))
		for {
			var m toWorker
			if err := decoder.Decode(&m); err != nil {
				close(jobs)
				if w.isBusy() {
					exit(0) // nobody waits for the job
				}
				return
			}
			if m.Job != nil {
				jobs <- m
			} else if len(m.Paths) == 1 {
				w.paths <- m.Paths[0]
			}
		}
	}()
	for m := range jobs {
		if err := w.serve(m); err != nil {
			return fmt.Errorf("answer: %w", err)
		}
	}
	return nil
}

// server does one job at a time.
type server struct {
	encoder *gob.Encoder
	paths   chan entry
	exit    func(code int)
	known   *manifest.Known // what jobs decoded; nil where nothing may be kept

	mu   sync.Mutex
	busy bool
}

func (w *server) isBusy() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.busy
}

func (w *server) setBusy(busy bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.busy = busy
}

// serve does a job, answers, and gets ready for the next.
func (w *server) serve(m toWorker) error {
	w.setBusy(true)
	answer, abandoned := w.do(m)
	if err := w.encoder.Encode(answer); err != nil {
		return err
	}
	if abandoned {
		return errAbandoned
	}
	w.setBusy(false)
	giveBack(min(m.Memory/3, mostLeft))
	return w.encoder.Encode(toParent{Ready: true, Total: memory.Total()})
}

// mostLeft is what a job may leave behind before it is given back: little beside what even a
// small one may take.
const mostLeft = 48 << 20

// giveBack returns to the system what is not in use, where the process takes more than most.
func giveBack(most int64) {
	if memory.Total() > most {
		debug.FreeOSMemory()
	}
}

// errAbandoned ends a worker whose render goes on although its time is over.
var errAbandoned = errors.New("a render cannot be interrupted")

func (w *server) do(m toWorker) (answer toParent, abandoned bool) {
	giveBack(m.Memory / 3) // what a larger job left is not this one's
	debug.SetMemoryLimit(m.Memory / 4 * 3)
	ctx, cancel := context.WithTimeout(context.Background(), m.Timeout)
	defer cancel()
	watcher := memory.New(m.Memory)
	watching, stop := context.WithCancel(context.Background())
	defer stop()
	go watcher.Watch(watching, func([]string) { w.exit(exitMemory) })
	tree := &remote{server: w, known: map[string]entry{}}
	for _, e := range m.Paths {
		tree.known[e.Name] = e
	}
	if w.known == nil && m.Keep > 0 {
		w.known = manifest.NewKnown(m.Keep)
	}
	working := watcher.With(ctx)
	if m.Keep > 0 {
		working = w.known.In(working)
	}
	result, err := m.Job.Run(working, tree)
	tree.close()
	answer = toParent{Result: result, Peak: max(watcher.Peak(), memory.Total())} // a short job is over before it is watched
	if err != nil {
		answer.Failure = flags.OneLine(flags.Message(err), err)
	}
	return answer, ctx.Err() != nil
}

// remote is the parent's tree.
type remote struct {
	server *server

	mu     sync.Mutex
	known  map[string]entry
	closed bool
}

var errClosed = errors.New("the job has ended")

// close keeps an abandoned render from asking for more.
func (r *remote) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
}

// find returns what is at a path, with a file's content where it is asked for.
func (r *remote) find(op, name string, content bool) (entry, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e, known := r.known[name]
	switch {
	case known && (!content || e.Content || !e.Mode.IsRegular() || e.Missing):
	case !known && r.listed(name):
		e = entry{Name: name, Missing: true}
	default:
		var err error
		if e, err = r.ask(name, content); err != nil {
			return entry{}, &fs.PathError{Op: op, Path: name, Err: err}
		}
		r.known[name] = e
	}
	if e.Missing {
		return entry{}, &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
	}
	return e, nil
}

// listed reports whether the directory of a path is known, and does not hold it.
func (r *remote) listed(name string) bool {
	dir, known := r.known[path.Dir(name)]
	if !known || name == "." || dir.Error != "" {
		return false
	}
	for _, c := range dir.Children {
		if c.Name == path.Base(name) {
			return false
		}
	}
	return true
}

func (r *remote) ask(name string, content bool) (entry, error) {
	if r.closed {
		return entry{}, errClosed
	}
	if err := r.server.encoder.Encode(toParent{Need: name, Content: content}); err != nil {
		return entry{}, err
	}
	return <-r.server.paths, nil
}

// Lstat describes a file, a directory or a link.
func (r *remote) Lstat(name string) (fs.FileInfo, error) {
	e, err := r.find("lstat", name, false)
	if err != nil {
		return nil, err
	}
	return info{child{path.Base(name), e.Mode, e.Size}}, nil
}

// ReadLink returns what a link holds.
func (r *remote) ReadLink(name string) (string, error) {
	e, err := r.find("readlink", name, false)
	return e.Link, err
}

// Open opens a file or a directory.
func (r *remote) Open(name string) (fs.File, error) {
	e, err := r.find("open", name, true)
	if err != nil {
		return nil, err
	}
	if e.Error != "" {
		return nil, &fs.PathError{Op: "open", Path: name, Err: errors.New(e.Error)}
	}
	at := info{child{path.Base(name), e.Mode, e.Size}}
	if e.Mode.IsDir() {
		return &dir{at, e.Children}, nil
	}
	return &file{bytes.NewReader(e.Data), at}, nil
}

type info struct{ of child }

func (i info) Name() string       { return i.of.Name }
func (i info) Size() int64        { return i.of.Size }
func (i info) Mode() fs.FileMode  { return i.of.Mode }
func (i info) IsDir() bool        { return i.of.Mode.IsDir() }
func (i info) ModTime() time.Time { return time.Time{} }
func (i info) Sys() any           { return nil }

type file struct {
	*bytes.Reader
	info info
}

func (f *file) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *file) Close() error               { return nil }

type dir struct {
	info info
	rest []child
}

func (d *dir) Stat() (fs.FileInfo, error) { return d.info, nil }
func (d *dir) Close() error               { return nil }
func (d *dir) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: d.info.of.Name, Err: errors.New("it is a directory")}
}

// ReadDir implements fs.ReadDirFile.
func (d *dir) ReadDir(n int) ([]fs.DirEntry, error) {
	if n > 0 && len(d.rest) == 0 {
		return nil, io.EOF
	}
	if n <= 0 || n > len(d.rest) {
		n = len(d.rest)
	}
	list := make([]fs.DirEntry, n)
	for i, c := range d.rest[:n] {
		list[i] = fs.FileInfoToDirEntry(info{c})
	}
	d.rest = d.rest[n:]
	return list, nil
}
