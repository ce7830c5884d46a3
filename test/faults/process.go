package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// process is a run of assay.
type process struct {
	cmd            *exec.Cmd
	stdout, stderr bytes.Buffer
	alive          *os.File      // at its end when all that was started has ended
	done           chan struct{} // closed when assay itself has ended
	err            error         // how it ended
}

// start runs assay on the site's repository.
func (h *harness) start(ctx context.Context, s *site, args ...string) (*process, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	p := &process{cmd: exec.CommandContext(ctx, h.assay, args...), alive: r, done: make(chan struct{})}
	p.cmd.Env = append(s.environment(), "ASSAY_TOKEN="+token)
	p.cmd.Args = append(p.cmd.Args, "--repo", s.URL, "--branch", "main", "--allow-http", "--username", user)
	p.cmd.Stdout, p.cmd.Stderr = &p.stdout, &p.stderr
	p.cmd.ExtraFiles = []*os.File{w} // what assay starts inherits it
	err = p.cmd.Start()
	_ = w.Close()
	if err != nil {
		_ = r.Close()
		return nil, fmt.Errorf("start assay: %w", err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// wait returns the exit code.
func (p *process) wait() int {
	<-p.done
	return p.cmd.ProcessState.ExitCode()
}

// orphans waits for what the process left running, as a git that still pushes.
func (p *process) orphans() {
	_, _ = io.Copy(io.Discard, p.alive)
	_ = p.alive.Close()
}

// run is start, and wait for all of it. Another exit code than 0 is an error.
func (h *harness) run(ctx context.Context, s *site, args ...string) (stdout string, err error) {
	p, err := h.start(ctx, s, args...)
	if err != nil {
		return "", err
	}
	code := p.wait()
	p.orphans()
	if code != 0 {
		return "", errors.Join(ctx.Err(), fmt.Errorf("assay %s: exit %d: %s", args[0], code, strings.TrimSpace(p.stderr.String())))
	}
	return p.stdout.String(), nil
}
