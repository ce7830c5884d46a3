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
)

// objects reads the repository's objects through one git process.
type objects struct {
	mu     sync.Mutex
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	broken error
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
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("run git: %w; is it installed?", err)
	}
	return &objects{cmd: cmd, in: in, out: bufio.NewReader(out)}, nil
}

func (o *objects) close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.broken = fs.ErrClosed
	_ = o.in.Close()
	return o.cmd.Wait()
}

// read returns an object by its name.
func (o *objects) read(name string) (id, kind string, data []byte, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.broken != nil {
		return "", "", nil, o.broken
	}
	if strings.ContainsAny(name, "\n\r") {
		return "", "", nil, fs.ErrNotExist
	}
	if id, kind, data, err = o.exchange(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		o.broken = fmt.Errorf("git cat-file: %w", err) // what follows cannot be told apart
		err = o.broken
	}
	return id, kind, data, err
}

func (o *objects) exchange(name string) (id, kind string, data []byte, err error) {
	if _, err := io.WriteString(o.in, name+"\n"); err != nil {
		return "", "", nil, err
	}
	header, err := o.out.ReadString('\n')
	if err != nil {
		return "", "", nil, err
	}
	fields := strings.Fields(header)
	if n := len(fields); n > 0 && (fields[n-1] == "missing" || fields[n-1] == "ambiguous") {
		return "", "", nil, fs.ErrNotExist
	}
	if len(fields) != 3 {
		return "", "", nil, errors.New("it prints what is no object")
	}
	size, err := strconv.ParseInt(fields[2], 10, 64)
	if err != nil || size < 0 {
		return "", "", nil, errors.New("it prints what is no object")
	}
	data, err = io.ReadAll(io.LimitReader(o.out, size))
	if err == nil && int64(len(data)) < size {
		err = io.ErrUnexpectedEOF
	}
	if err == nil {
		_, err = o.out.Discard(1)
	}
	return fields[0], fields[1], data, err
}
