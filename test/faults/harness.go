package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/test/gitserver"
)

// harness is what the figures share.
type harness struct {
	options
	dir   string // for everything that is written; removed at the end
	assay string // the binary
}

// build compiles assay in a directory of its own.
func build(ctx context.Context, opt options) (*harness, error) {
	dir, err := os.MkdirTemp("", "assay-faults-")
	if err != nil {
		return nil, err
	}
	h := &harness{options: opt, dir: dir, assay: filepath.Join(dir, "assay")}
	if err := compile(ctx, h.assay); err != nil {
		h.close()
		return nil, err
	}
	return h, nil
}

// raced is the harness with a binary that looks for data races, if this process
// does so too.
func (h *harness) raced(ctx context.Context) (*harness, error) {
	info, ok := debug.ReadBuildInfo()
	if !ok || !slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		return h, nil
	}
	with := *h
	with.assay += "-race"
	return &with, compile(ctx, with.assay, "-race")
}

func compile(ctx context.Context, binary string, flags ...string) error {
	module, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return fmt.Errorf("find the sources of assay: %w", err)
	}
	script := filepath.Join(strings.TrimSpace(string(module)), "build")
	if out, err := exec.CommandContext(ctx, script, append([]string{binary}, flags...)...).CombinedOutput(); err != nil {
		return fmt.Errorf("build assay: %w\n%s", err, out)
	}
	return nil
}

func (h *harness) close() { _ = os.RemoveAll(h.dir) }

// What the servers ask for.
const (
	user  = "x-access-token"
	token = "faults-token"
)

// site is a repository on a Git server of its own.
type site struct {
	*gitserver.Repo
	git  *gitserver.Server
	temp string // TMPDIR of those who work on it
}

// open starts a server with a repository of these files. The caller closes it.
func (h *harness) open(tree map[string]string) (*site, error) {
	dir, err := os.MkdirTemp(h.dir, "site-")
	if err != nil {
		return nil, err
	}
	s := &site{temp: filepath.Join(dir, "tmp")}
	served := filepath.Join(dir, "served")
	for _, d := range []string{s.temp, served} {
		if err := os.Mkdir(d, 0o755); err != nil {
			return nil, err
		}
	}
	if s.git, err = gitserver.Start(gitserver.Options{Dir: served, User: user, Password: token}); err != nil {
		return nil, err
	}
	if s.Repo, err = s.git.Create("shop/envs"); err == nil {
		_, err = s.Commit("main", "start", gitserver.Files(tree)...)
	}
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *site) close() { _ = s.git.Close() }

// runner runs git in the repository itself, beside the server.
func (s *site) runner() git.Runner {
	return git.Runner{Dir: s.Dir, Env: s.environment()}
}

// environment is that of processes that work on the site.
func (s *site) environment() []string {
	return []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + s.temp, "TMPDIR=" + s.temp,
		"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=" + os.DevNull, "GIT_TERMINAL_PROMPT=0", "LC_ALL=C",
	}
}

// refs are the repository's refs, by their names.
func (s *site) refs() (map[string]string, error) {
	out, err := s.Git("for-each-ref", "--format=%(refname) %(objectname)")
	refs := map[string]string{}
	for line := range strings.Lines(out) {
		name, id, _ := strings.Cut(strings.TrimSpace(line), " ")
		refs[name] = id
	}
	return refs, err
}

// since lists the commits that a branch has and an older commit lacks, the
// oldest first.
func (s *site) since(ctx context.Context, old, branch string) ([]git.Entry, error) {
	return git.Log(ctx, s.runner(), "--reverse", old+".."+branch)
}
