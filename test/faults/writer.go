package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/digest"
	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/internal/spec"

	"github.com/assaydev/assay/internal/git/remote"
	"github.com/assaydev/assay/promote"
	"github.com/assaydev/assay/promote/branch"
	"github.com/assaydev/assay/render"
)

// withToken is the URL with which plain git is let in.
func (s *site) withToken() string {
	u, err := url.Parse(s.URL)
	if err != nil {
		return s.URL
	}
	u.User = url.UserPassword(user, token)
	return u.String()
}

// underTest are the environments that have a candidate now.
func (w *writer) underTest(ctx context.Context) ([]string, error) {
	out, err := w.runner().Run(ctx, nil, "ls-tree", "-r", "--name-only", "refs/heads/main")
	var dirs []string
	for name := range strings.Lines(string(out)) {
		if dir, file := path.Split(strings.TrimSpace(name)); file == "candidate.yaml" {
			dirs = append(dirs, path.Clean(dir))
		}
	}
	return dirs, err
}

var setCandidate = regexp.MustCompile(`^wrote candidate \S+ \((e[0-9a-f]{9})\) to .*\n  commit ([0-9a-f]{12,}) is on main\n$`)

// candidate sets one, as a CI job does: by the command line.
func (w *writer) candidate(ctx context.Context, dir string) (write, error) {
	tag := fmt.Sprintf("%d.%d.%d", w.number, w.round, w.random.IntN(1000))
	out, err := w.h.run(ctx, w.site, "candidate", "set", "--path", dir, "--tag", tag, "--timeout", w.h.patience.String())
	if err != nil {
		return write{}, err
	}
	m := setCandidate.FindStringSubmatch(out)
	if m == nil {
		return write{}, fmt.Errorf("candidate set says: %s", out)
	}
	return write{kind: "candidate", experiment: m[1], commit: m[2]}, nil
}

// decide promotes or rejects in this process, as the promoter does. The decision
// is bound to what was under test when it was first looked at.
func (w *writer) decide(ctx context.Context, outcome decision.Outcome, dir string) (write, error) {
	remote, err := w.remote(ctx)
	if err != nil {
		return write{}, err
	}
	defer func() { _ = remote.Close() }()
	server := branch.Server{Repo: remote, Branch: "main", Commits: 500, View: promote.View{Request: render.Request{Environment: spec.Environment{Dir: dir}}}}
	var seen digest.Digest
	r, err := server.Decide(ctx, promote.Decider{Choose: func(_ context.Context, tip promote.Tip) (promote.Choice, error) {
		res := tip.Rendered
		if res == nil {
			return promote.Choice{}, fmt.Errorf("%s does not render", dir)
		}
		if seen == "" {
			seen = res.Digest
		}
		if res.Digest != seen {
			return promote.Choice{Held: decision.Superseded}, nil
		}
		return promote.Choice{Decision: promote.Decision{Outcome: outcome, Reason: "it was judged", Digest: seen}}, nil
	}})
	if err != nil || r.Edit == nil || r.Choice.Held != "" {
		return write{}, err
	}
	return write{kind: string(outcome), commit: r.Commit, experiment: seen.ID()}, nil
}

func (w *writer) remote(ctx context.Context) (*remote.Remote, error) {
	name := fmt.Sprintf("Writer %d", w.number)
	return remote.Open(ctx, remote.Options{
		URL: w.URL, Env: w.environment(), TempDir: w.temp, Author: git.Identity{Name: name, Email: "writer@example.com"},
		Access: func(context.Context) (git.Settings, error) {
			return git.Settings{Config: [][2]string{{"http.extraHeader", "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+token))}}}, nil
		},
	})
}

// plain commits a file of the writer's own, in an environment or beside them,
// as people do.
func (w *writer) plain(ctx context.Context) (write, error) {
	file := fmt.Sprintf("notes/writer-%d.yaml", w.number)
	if w.random.IntN(2) == 0 {
		file = fmt.Sprintf("%s/writer-%d.yaml", environmentName(w.random.IntN(environments)), w.number)
	}
	done := write{kind: plain, file: file, data: config(fmt.Sprintf("writer-%d", w.number), w.round+1)}
	at := filepath.Join(w.clone, filepath.FromSlash(file))
	for _, args := range [][]string{{"fetch", "--quiet"}, {"reset", "--quiet", "--hard", "origin/main"}} {
		if _, err := w.inClone(ctx, args...); err != nil {
			return done, err
		}
	}
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		return done, err
	}
	if err := os.WriteFile(at, []byte(done.data), 0o644); err != nil {
		return done, err
	}
	for _, args := range [][]string{{"add", "--", file}, {"commit", "--quiet", "--message", "Write " + file}} {
		if _, err := w.inClone(ctx, args...); err != nil {
			return done, err
		}
	}
	return done, w.pushPlain(ctx, &done)
}

// pushPlain pushes until it lands, on top of what others have pushed meanwhile.
func (w *writer) pushPlain(ctx context.Context, done *write) error {
	for {
		said, err := w.inClone(ctx, "push", "--quiet", "origin", "HEAD:main")
		if err == nil {
			done.commit, err = w.inClone(ctx, "rev-parse", "HEAD")
			return err
		}
		if !strings.Contains(said, "[rejected]") && !strings.Contains(said, "[remote rejected]") {
			return err
		}
		if _, err := w.inClone(ctx, "pull", "--quiet", "--rebase", "origin", "main"); err != nil {
			return err
		}
	}
}

// inClone runs plain git in the writer's clone, and returns all that it says.
func (w *writer) inClone(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", append([]string{"-C", w.clone}, args...)...)
	cmd.Env = append(w.environment(),
		"GIT_AUTHOR_NAME=Somebody", "GIT_AUTHOR_EMAIL=somebody@example.com", "GIT_COMMITTER_NAME=Somebody", "GIT_COMMITTER_EMAIL=somebody@example.com")
	out, err := cmd.CombinedOutput()
	said := strings.TrimSpace(string(out))
	if err != nil {
		err = fmt.Errorf("git %s: %w: %s", args[0], err, said)
	}
	return said, err
}
