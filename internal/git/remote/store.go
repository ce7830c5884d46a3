package remote

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/internal/span"
)

// Formats of object ids.
const (
	sha1Format   = "sha1"
	sha256Format = "sha256"
)

// A server that sends less than slowBytes a second for slowSeconds is given up.
const (
	slowBytes   = "100"
	slowSeconds = "60"
)

// settings are those of every command.
func settings() [][2]string {
	return [][2]string{
		{"protocol.version", "2"}, // the server sends the refs that are asked for alone
		{"http.lowSpeedLimit", slowBytes},
		{"http.lowSpeedTime", slowSeconds},
		{"gc.auto", "0"},
		{"core.logAllRefUpdates", "false"},
		{"core.fsync", "none"}, // the repository is thrown away
	}
}

// store is a bare repository. Its objects are what was fetched and made: most of
// what they refer to is missing. No command but a fetch is told where the rest
// is, so that none fetches in secret.
type store struct {
	remote *Remote
	dir    string
	format string
	run    git.Runner
	known  *known
}

// newStore makes a repository in the Remote's directory.
func (r *Remote) newStore(ctx context.Context, name, format string) (*store, error) {
	s := &store{remote: r, dir: filepath.Join(r.dir, name), format: format, known: newKnown()}
	if _, err := r.runner(r.dir).Run(ctx, nil, "init", "--quiet", "--bare", "--template=", "--object-format="+format, s.dir); err != nil {
		return nil, fmt.Errorf("make repository: %w", err)
	}
	s.run = r.runner(s.dir)
	return s, nil
}

// scratch is a repository of the same format for one look at the history: what is
// shallow in one look must not be in another.
func (r *Remote) scratch(ctx context.Context) (s *store, remove func(), err error) {
	dir, err := os.MkdirTemp(r.dir, "history-")
	if err != nil {
		return nil, nil, fmt.Errorf("make repository: %w", excerpt.Cause(err))
	}
	s, err = r.newStore(ctx, filepath.Base(dir), r.format)
	return s, func() { _ = os.RemoveAll(dir) }, err
}

// fetch is a git fetch.
type fetch struct {
	refspecs []string
	stdin    []byte // more of them, one a line
	depth    int    // of the history; 0 is all of it
	prune    bool   // remove what the refspecs name and the server no longer has
	after    bool   // only what comes after what is here
}

// fetch brings commits, without files, and objects by id.
func (s *store) fetch(ctx context.Context, f fetch) (err error) {
	ctx, end := span.Start(ctx, "fetch")
	defer func() { end(err) }()
	r := s.remote
	r.mu.Lock()
	defer r.mu.Unlock()
	err = s.try(ctx, f)
	said := failure(err)
	switch {
	case has(said, "mismatched algorithms") && s.isEmpty():
		err = s.become(ctx, sha256Format)
	case filterRefused(said) && !r.everything:
		r.sendsEverything()
		err = nil
	default:
		return readingError(err)
	}
	if err != nil {
		return err
	}
	return readingError(s.try(ctx, f))
}

// become makes an empty repository one of another format.
func (s *store) become(ctx context.Context, format string) error {
	if err := os.RemoveAll(s.dir); err != nil {
		return fmt.Errorf("make repository: %w", excerpt.Cause(err))
	}
	fresh, err := s.remote.newStore(ctx, filepath.Base(s.dir), format)
	if err == nil {
		*s = *fresh
	}
	return err
}

func (s *store) try(ctx context.Context, f fetch) error {
	r := s.remote
	args := []string{"fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance", "--recurse-submodules=no"}
	var config [][2]string
	if !r.everything {
		args = append(args, "--filter="+treeless)
		config = [][2]string{{"remote.origin.promisor", "true"}, {"remote.origin.partialclonefilter", treeless}}
		if !f.after {
			// Commits are here without their files: the server may leave nothing out for them.
			config = append(config, [2]string{"fetch.negotiationAlgorithm", "noop"})
		}
	}
	if f.depth > 0 {
		args = append(args, "--depth="+strconv.Itoa(f.depth))
	}
	if f.prune {
		args = append(args, "--prune")
	}
	if f.stdin != nil {
		args = append(args, "--stdin")
	}
	run, err := s.server(ctx, config...)
	if err != nil {
		return err
	}
	run.Said = func(said string) {
		if strings.Contains(said, "filtering not recognized by server") {
			r.sendsEverything()
		}
	}
	_, err = run.Run(ctx, f.stdin, append(append(args, "origin"), f.refspecs...)...)
	if f.prune && isSilent(err) {
		return nil // no ref matches: with a depth, git calls that a failure
	}
	return err
}

func isSilent(err error) bool {
	var failed *git.Error
	return errors.As(err, &failed) && failed.Code == 1 && strings.TrimSpace(failed.Stderr) == ""
}

// treeless leaves out all trees and files that are not asked for by id.
const treeless = "tree:0"

func (r *Remote) sendsEverything() {
	if !r.everything {
		r.everything = true
		r.opt.Step("the server ignores filters and sends all files of the branch: set uploadpack.allowFilter there")
	}
}

// server is the runner of a command that speaks with the server.
func (s *store) server(ctx context.Context, config ...[2]string) (git.Runner, error) {
	run := s.run
	run.Server = true
	run.Config = append(slices.Clone(run.Config), [2]string{"remote.origin.url", s.remote.opt.URL})
	run.Config = append(run.Config, config...)
	if s.remote.opt.Access == nil {
		return run, nil
	}
	access, err := s.remote.opt.Access(ctx)
	if err != nil {
		return run, fmt.Errorf("get access to the repository: %w", err)
	}
	run.Config = append(run.Config, access.Config...)
	return run.With(access.Env...), nil
}

func (s *store) isEmpty() bool {
	packs, err := filepath.Glob(filepath.Join(s.dir, "objects", "pack", "*.pack"))
	return err == nil && len(packs) == 0
}

// missing are those of the objects that are not here.
func (s *store) missing(ctx context.Context, ids []string) ([]string, error) {
	ids = s.known.others(ids)
	if len(ids) == 0 {
		return nil, nil
	}
	out, err := s.run.Run(ctx, lines(ids), "cat-file", "--batch-check=%(objectname)")
	if err != nil {
		return nil, err
	}
	var missing []string
	for line := range strings.Lines(string(out)) {
		line = strings.TrimSpace(line)
		if id, found := strings.CutSuffix(line, " missing"); found {
			missing = append(missing, id)
		} else {
			s.known.add(line)
		}
	}
	return missing, nil
}

func lines(list []string) []byte { return []byte(strings.Join(list, "\n") + "\n") }

// bring fetches the objects that are not here, in one go where the server lets it.
// Of a directory and what is in it, asked for together, Git's own server may send
// the directory alone: what did not come is asked for again.
func (s *store) bring(ctx context.Context, ids []string) (err error) {
	want := s.known.others(ids)
	if s.remote.SendsEverything() {
		want, err = s.missing(ctx, ids) // they may have come with a commit
	}
	for err == nil && len(want) > 0 {
		err = s.fetch(ctx, fetch{stdin: lines(want)})
		var refused *RefusedError
		if err == nil {
			s.known.add(want...)
			return nil
		}
		if !errors.As(err, &refused) || !refused.Strange {
			return err
		}
		left, unknown := s.missing(ctx, want)
		if unknown != nil || len(left) == len(want) {
			return err
		}
		want, err = left, nil
	}
	return err
}
