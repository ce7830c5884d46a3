// Package process runs real components for a test: child processes that are
// started, watched and stopped as one group.
//
//  1. Group.Start starts a child in a process group of its own; what it prints
//     goes to a log file.
//  2. Group.Ready waits on a condition of one child, never on time alone.
//  3. When a child dies early, the group's context ends at once, and its cause
//     holds the end of the child's log.
//  4. Group.Stop ends every child, by its pid; Group.Restart ends one, and starts it again.
package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"
)

const (
	pollEvery = 20 * time.Millisecond
	grace     = time.Second // between SIGTERM and SIGKILL
	logTail   = 4 << 10
)

// StartLimit is how long a component may take to serve, on a machine that does much else.
const StartLimit = 3 * time.Minute

// Command says what to run.
type Command struct {
	Name string // for people, and of the log file
	Path string
	Args []string
	Env  []string // the whole environment, nothing is inherited
	Dir  string
}

// Group is a set of children that live and die together.
type Group struct {
	ctx     context.Context
	cancel  context.CancelCauseFunc
	logs    string
	mu      sync.Mutex
	stopped bool
	running []*child
}

type child struct {
	command  Command
	log      string
	cmd      *exec.Cmd
	done     chan struct{}
	replaced bool // Restart ends it
}

// ErrStopped is the cause of the context's end after Stop.
var ErrStopped = errors.New("stopped")

// NewGroup makes an empty group. Log files go to the folder logs.
func NewGroup(ctx context.Context, logs string) *Group {
	ctx, cancel := context.WithCancelCause(ctx)
	return &Group{ctx: ctx, cancel: cancel, logs: logs}
}

// Context ends when a child dies or the group is stopped; its cause says why.
func (g *Group) Context() context.Context { return g.ctx }

// Start starts one child.
func (g *Group) Start(c Command) error { return g.launch(c, os.O_TRUNC) }

// launch starts a child whose log is opened with this flag, too.
func (g *Group) launch(c Command, logFlag int) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.stopped {
		return fmt.Errorf("start %s: %w", c.Name, ErrStopped)
	}
	name := filepath.Join(g.logs, c.Name+".log")
	log, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|logFlag, 0o600)
	if err != nil {
		return fmt.Errorf("start %s: %w", c.Name, err)
	}
	defer log.Close() // the child has its own descriptor
	cmd := exec.Command(c.Path, c.Args...)
	cmd.Env = append([]string{}, c.Env...) // never nil, which would inherit
	cmd.Dir, cmd.Stdout, cmd.Stderr = c.Dir, log, log
	cmd.SysProcAttr = attributes()
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", c.Name, err)
	}
	started := &child{command: c, log: name, cmd: cmd, done: make(chan struct{})}
	g.running = append(g.running, started)
	go g.watch(started)
	return nil
}

// Pid is that of the child of this name, or 0 where there is none.
func (g *Group) Pid(name string) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	i := slices.IndexFunc(g.running, func(c *child) bool { return c.command.Name == name })
	if i < 0 {
		return 0
	}
	return g.running[i].cmd.Process.Pid
}

// watch ends the group's context when the child dies while it should run.
func (g *Group) watch(c *child) {
	err := c.cmd.Wait()
	close(c.done)
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.stopped || c.replaced {
		return
	}
	if err == nil {
		err = errors.New("exit status 0")
	}
	g.cancel(fmt.Errorf("%s died: %w\n%s", c.command.Name, err, tail(c.log)))
}

// Restart ends the child of that name at once, as a machine that fails does, and starts it again
// as it was. Its log goes on.
func (g *Group) Restart(name string) error {
	old, err := g.replace(name)
	if err != nil {
		return fmt.Errorf("restart %s: %w", name, err)
	}
	old.signal(syscall.SIGKILL)
	<-old.done
	return g.launch(old.command, os.O_APPEND)
}

// replace takes a child out of the group: its end is not a failure.
func (g *Group) replace(name string) (*child, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	i := slices.IndexFunc(g.running, func(c *child) bool { return c.command.Name == name })
	if g.stopped || i < 0 {
		return nil, ErrStopped
	}
	old := g.running[i]
	old.replaced = true
	g.running = slices.Delete(g.running, i, i+1)
	return old, nil
}

// Ready waits until check succeeds, or fails with the cause of the group's end
// or with check's last error when the time is over.
func (g *Group) Ready(name string, limit time.Duration, check func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(g.ctx, limit)
	defer cancel()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		err := check(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			if g.ctx.Err() != nil {
				return context.Cause(g.ctx)
			}
			return fmt.Errorf("wait for %s: %w\n%s", name, err, tail(filepath.Join(g.logs, name+".log")))
		}
	}
}

// Stop ends every child and waits until all are gone. A second call does nothing.
func (g *Group) Stop() {
	running := g.end()
	for _, c := range running {
		c.signal(syscall.SIGTERM)
	}
	timeout := time.After(grace)
	for _, c := range running {
		select {
		case <-c.done:
		case <-timeout:
			// The others have had their time as well.
			timeout = closed()
			c.signal(syscall.SIGKILL)
			<-c.done
		}
		// What the child itself started.
		c.signal(syscall.SIGKILL)
	}
}

// Kill ends every child at once, as a machine that fails does, and waits until all are
// gone.
func (g *Group) Kill() {
	for _, c := range g.end() {
		c.signal(syscall.SIGKILL)
		<-c.done
	}
}

// end gives the children to who ends them.
func (g *Group) end() []*child {
	g.mu.Lock()
	defer g.mu.Unlock()
	running := g.running
	g.stopped, g.running = true, nil
	g.cancel(ErrStopped)
	return running
}

// signal reaches the child's whole process group. An error means that nothing
// of it is left.
func (c *child) signal(s syscall.Signal) {
	_ = syscall.Kill(-c.cmd.Process.Pid, s)
}

func closed() <-chan time.Time {
	c := make(chan time.Time)
	close(c)
	return c
}

// tail returns the end of a log, for an error message.
func tail(file string) string {
	data, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	if len(data) > logTail {
		data = data[len(data)-logTail:]
	}
	return string(data)
}
