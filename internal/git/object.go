package git

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// objects reads the repository's objects through one git process.
type objects struct {
	mu     sync.Mutex
	runner Runner
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	said   *tail
	broken error
	ended  bool
}

func openObjects(ctx context.Context, r Runner) (*objects, error) {
	cmd := r.command(ctx, "cat-file", "--batch")
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("run git: %w", err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("run git: %w", err)
	}
	said := &tail{full: func() {}}
	cmd.Stderr = said
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("run git: %w; is it installed?", err)
	}
	limit(cmd, false)
	return &objects{cmd: cmd, in: in, out: bufio.NewReader(out), said: said, runner: r}, nil
}

func (o *objects) close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.broken = fs.ErrClosed
	return o.end()
}

// end waits for git, once.
func (o *objects) end() error {
	if o.ended {
		return nil
	}
	o.ended = true
	_ = o.in.Close()
	return o.cmd.Wait()
}

// fault is the error where git answers no more: with what it said, if it ended.
func (o *objects) fault(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.EPIPE) {
		_ = o.end()
		said := o.said.String()
		if o.runner.Scrub != nil {
			said = o.runner.Scrub(said)
		}
		if said != "" {
			err = errors.New(firstLines(said) + o.runner.advice(said))
		}
	}
	return fmt.Errorf("git cat-file: %w", err)
}

// mostObject is the largest object whose content is kept: repositories hold
// larger files, which nothing here reads.
const mostObject = 128 << 20

// read returns an object by its name, with its content if it has no more than
// most bytes.
func (o *objects) read(name string, most int64) (object, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.broken != nil {
		return object{}, o.broken
	}
	if strings.ContainsAny(name, "\n\r") {
		return object{}, fs.ErrNotExist
	}
	obj, err := o.exchange(name, most)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		o.broken = o.fault(err) // what follows cannot be told apart
		err = o.broken
	}
	return obj, err
}

// object is one as git prints it.
type object struct {
	id, kind string
	size     int64
	data     []byte // nil where the object is larger than was asked for
}

// listed reads an object that a tree or a commit names: it is part of the
// repository, and missing is not the same as not being there.
func (o *objects) listed(id string, most int64) (object, error) {
	obj, err := o.read(id, most)
	if errors.Is(err, fs.ErrNotExist) {
		return obj, fmt.Errorf("object %s is not here: %s", Short(id), hintMissing)
	}
	return obj, err
}

func (o *objects) exchange(name string, most int64) (object, error) {
	if _, err := io.WriteString(o.in, name+"\n"); err != nil {
		return object{}, err
	}
	header, err := o.out.ReadString('\n')
	if err != nil {
		return object{}, err
	}
	fields := strings.Fields(header)
	if n := len(fields); n > 0 && (fields[n-1] == "missing" || fields[n-1] == "ambiguous") {
		return object{}, fs.ErrNotExist
	}
	if len(fields) != 3 {
		return object{}, errors.New("its output is not an object")
	}
	size, err := strconv.ParseInt(fields[2], 10, 64)
	if err != nil || size < 0 {
		return object{}, errors.New("its output is not an object")
	}
	obj := object{id: fields[0], kind: fields[1], size: size}
	if size > most {
		_, err = io.CopyN(io.Discard, o.out, size+1)
		return obj, err
	}
	obj.data = make([]byte, size)
	if _, err = io.ReadFull(o.out, obj.data); err == nil {
		_, err = o.out.Discard(1)
	}
	return obj, err
}
