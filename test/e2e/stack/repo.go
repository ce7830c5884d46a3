package stack

import (
	"context"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"

	"github.com/assaydev/assay/test/e2e/gitea"
	"github.com/assaydev/assay/test/e2e/process"
)

// Repo is the environments' repository on Gitea, with a clone as people have one.
type Repo struct {
	URL   string
	Name  string
	Dir   string // of the clone
	Token string // that may write, and open pull requests

	ctx context.Context
}

func newRepo(ctx context.Context, server *gitea.Server, dir string) (*Repo, error) {
	r := &Repo{Name: "envs", Dir: dir, ctx: ctx}
	var err error
	if r.URL, err = server.Repo(ctx, r.Name, false); err != nil {
		return nil, err
	}
	if r.Token, err = server.NewToken(ctx, "promoter", "write:repository", "write:issue"); err != nil {
		return nil, err
	}
	for _, args := range [][]string{{"init", "-q", "-b", "main"}, {"remote", "add", "origin", r.URL}, {"pull", "-q", "origin", "main"}} {
		if _, err := r.Git(args...); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// Git runs git in the clone, and returns what it prints.
func (r *Repo) Git(args ...string) (string, error) {
	basic := base64.StdEncoding.EncodeToString([]byte("assay:" + r.Token))
	return process.Run(r.ctx, r.Dir, nil, "git", append([]string{
		"-c", "user.name=CI", "-c", "user.email=ci@example.com", "-c", "http.extraHeader=Authorization: Basic " + basic,
	}, args...)...)
}

// Commit puts files on top of main, as people do; empty ones are removed. It returns the
// commit.
func (r *Repo) Commit(message string, files map[string]string) (string, error) {
	if _, err := r.Sync(); err != nil {
		return "", err
	}
	for name, text := range files {
		at := filepath.Join(r.Dir, name)
		if text == "" {
			if err := os.Remove(at); err != nil {
				return "", err
			}
			continue
		}
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			return "", err
		}
		if err := os.WriteFile(at, []byte(text), 0o600); err != nil {
			return "", err
		}
	}
	for _, args := range [][]string{{"add", "--all"}, {"commit", "-q", "-m", message}, {"push", "-q", "origin", "main"}} {
		if _, err := r.Git(args...); err != nil {
			return "", err
		}
	}
	return r.Git("rev-parse", "HEAD")
}

// Sync takes over main as the server has it, and returns its tip.
func (r *Repo) Sync() (string, error) {
	for _, args := range [][]string{{"fetch", "-q", "origin"}, {"checkout", "-q", "-B", "main", "origin/main"}} {
		if _, err := r.Git(args...); err != nil {
			return "", err
		}
	}
	return r.Git("rev-parse", "HEAD")
}

// File is a file of main as the server has it; empty where it is not there.
func (r *Repo) File(name string) string {
	if _, err := r.Git("fetch", "-q", "origin"); err != nil {
		return ""
	}
	text, err := r.Git("show", "origin/main:"+name)
	if err != nil || strings.TrimSpace(text) == "" {
		return ""
	}
	return text + "\n"
}
