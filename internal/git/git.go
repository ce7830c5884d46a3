// Package git runs git, and reads what a repository holds.
//
//  1. Runner starts one git command and returns what it prints, or a typed
//     error with what it said. Nothing else starts git: its arguments,
//     configuration and environment are decided here and in environment.go.
//     A Guard keeps it from running programs that the repository names (guard.go).
//  2. Tree gives the files of a commit as a file system, read object by object
//     (tree.go, object.go). Objects that are still on a server are fetched first.
//  3. Log reads commits with their trailers (log.go).
//
// What a repository is, one with a work tree or one on a server, is for
// internal/git/local and internal/git/remote to say.
package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// orphans is how long what git started may hold its output open after it ended.
const orphans = 2 * time.Second

// Runner runs git commands in one repository.
type Runner struct {
	Dir    string      // where git starts to look for the repository
	Env    []string    // NAME=VALUE; nothing of the process's own environment is added
	Group  bool        // git and what it starts have no terminal, and the end of ctx ends all of them
	Server bool        // git may speak with a server
	Config [][2]string // settings, given through the environment: no command line shows them

	// Scrub takes secrets out of what git says; nil where it knows none.
	Scrub func(string) string
	// Said gets what a command that succeeds says on the side; nil drops it.
	Said func(string)
}

// Error is a git command that failed.
type Error struct {
	Command string
	Code    int
	Message string // the first lines of what git said
	Stdout  []byte
	Stderr  string // all of it
}

func (e *Error) Error() string { return fmt.Sprintf("git %s: %s", e.Command, e.Message) }

// Run runs one git command and returns what it prints. A command that exits
// with another code than 0 is an *Error; one that ctx ended wraps its cause.
func (r Runner) Run(ctx context.Context, stdin []byte, args ...string) ([]byte, error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	cmd := r.command(ctx, args...)
	cmd.Stdin = bytes.NewReader(stdin)
	stdout := &bounded{most: mostOutput, full: func() { stop(ErrEndless) }}
	stderr := &tail{full: func() { stop(ErrEndless) }}
	cmd.Stdout, cmd.Stderr = stdout, stderr
	err := cmd.Start()
	if err == nil {
		limit(cmd, r.Server)
		err = cmd.Wait()
	}
	if errors.Is(err, exec.ErrWaitDelay) {
		err = nil // git succeeded: an ssh that serves later connections has its output
	}
	said := stderr.String()
	if r.Scrub != nil {
		said = r.Scrub(said)
	}
	if ctx.Err() != nil && (err != nil || stdout.over) {
		return nil, fmt.Errorf("run git %s: %w", args[0], context.Cause(ctx))
	}
	if err == nil {
		if r.Said != nil {
			r.Said(said)
		}
		return stdout.kept.Bytes(), nil
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return nil, fmt.Errorf("run git: %w; is it installed?", err)
	}
	return nil, &Error{Command: args[0], Code: exit.ExitCode(), Message: firstLines(said) + r.advice(said), Stdout: stdout.kept.Bytes(), Stderr: said}
}

// With returns a runner with more of an environment.
func (r Runner) With(env ...string) Runner {
	r.Env = append(append([]string{}, r.Env...), env...)
	return r
}

// command is the one place that says how git is run.
func (r Runner) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "git", append([]string{"-C", r.Dir, "--literal-pathspecs", "--no-replace-objects"}, args...)...) //nolint:gosec // git, without a shell
	cmd.Env = slices.Concat(r.Env, environment(r.Server, slices.Concat(settings(), r.Config)))
	if r.Group {
		group(cmd)
	}
	cmd.WaitDelay = orphans
	return cmd
}

// firstLines is enough of what git says to know the cause.
func firstLines(text string) string {
	const most = 300
	text = strings.Join(strings.Fields(strings.TrimSpace(text)), " ")
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + " ..."
	}
	if text == "" {
		return "it failed and said nothing"
	}
	return text
}

// FirstLine is the first line of what git printed.
func FirstLine(out []byte) string {
	first, _, _ := strings.Cut(string(out), "\n")
	return first
}

// Short is how people name a commit.
func Short(id string) string { return id[:min(len(id), 12)] }
