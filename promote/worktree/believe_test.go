package worktree

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/git/local"
	"github.com/assaydev/assay/promote"
	"github.com/assaydev/assay/test/envrepo"
)

// TestRecordsAreNotBelieved changes one thing after another in the record that a
// killed promotion with a commit has left, in Git and on the disk: nothing changes
// then.
func TestRecordsAreNotBelieved(t *testing.T) {
	c := crash{env: "prod", git: "yes", outcome: decision.Promote, files: envrepo.Shop()}
	for name, spoil := range map[string]func(t *testing.T, dir string, r *Record, made *local.Commit){
		"a path outside":           func(_ *testing.T, _ string, r *Record, _ *local.Commit) { r.Files[0].Path = "README.md" },
		"a path above":             func(_ *testing.T, _ string, r *Record, _ *local.Commit) { r.Files[0].Path = "prod/../../x" },
		"a path that is not clean": func(_ *testing.T, _ string, r *Record, _ *local.Commit) { r.Files[0].Path = "prod/./web.yaml" },
		"a path in .git": func(_ *testing.T, _ string, r *Record, _ *local.Commit) {
			r.Files[0].Path = "prod/.GIT/hooks/pre-commit"
		},
		"no hash":                 func(_ *testing.T, _ string, r *Record, _ *local.Commit) { r.Files[0].After = "x" },
		"another repository":      func(_ *testing.T, _ string, r *Record, _ *local.Commit) { r.Root += "x" },
		"another environment":     func(_ *testing.T, _ string, r *Record, _ *local.Commit) { r.Dir = "staging" },
		"another version":         func(_ *testing.T, _ string, r *Record, _ *local.Commit) { r.Version = 1 },
		"a commit by a ref":       func(_ *testing.T, _ string, _ *Record, made *local.Commit) { made.ID = "refs/heads/side" },
		"a commit by some digits": func(_ *testing.T, _ string, _ *Record, made *local.Commit) { made.ID = made.ID[:12] },
		"a commit on HEAD":        func(_ *testing.T, _ string, _ *Record, made *local.Commit) { made.Parent = "HEAD" },
		"a file less":             func(_ *testing.T, _ string, r *Record, _ *local.Commit) { r.Files = r.Files[1:] },
		"a commit that changes more": func(t *testing.T, dir string, _ *Record, made *local.Commit) {
			made.ID = forged(t, dir, made.Parent, map[string]string{"ci.yaml": "evil\n"}, made.ID)
		},
		"a commit of other content": func(t *testing.T, dir string, _ *Record, made *local.Commit) {
			made.ID = forged(t, dir, made.Parent, map[string]string{"prod/web.yaml": "evil: true\n"}, made.ID)
		},
		"a branch that has moved": func(t *testing.T, dir string, _ *Record, _ *local.Commit) {
			runGit(t, dir, "commit", "-q", "--allow-empty", "-m", "more")
		},
		"staged content that is a link": func(t *testing.T, dir string, _ *Record, _ *local.Commit) {
			part := filepath.Join(dir, staged("prod/web.yaml"))
			if err := os.Rename(part, part+"x"); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(filepath.Base(part)+"x", part); err != nil {
				t.Fatal(err)
			}
		},
		"staged content that Git tracks": func(t *testing.T, dir string, _ *Record, _ *local.Commit) {
			runGit(t, dir, "add", "-f", staged("prod/web.yaml"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := c.tree(t)
			at := 0
			func() {
				defer func() { _ = recover() }()
				_ = c.decide(t.Context(), dir, func(step string) {
					if at++; strings.HasPrefix(step, "replace ") {
						panic("killed")
					}
				})
			}()
			d := atGit(dir)
			s, err := d.store(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			r, err := s.load()
			if r == nil || err != nil {
				t.Fatalf("no record: %v", err)
			}
			var made local.Commit
			if err := json.Unmarshal([]byte(r.Commit), &made); err != nil {
				t.Fatal(err)
			}
			spoil(t, dir, r, &made)
			state, err := json.Marshal(made)
			if err != nil {
				t.Fatal(err)
			}
			r.Commit = string(state)
			if err := s.save(r, quiet); err != nil {
				t.Fatal(err)
			}
			before, head := envrepo.Read(t, os.DirFS(dir)), runGit(t, dir, "rev-parse", "HEAD")
			if err := c.decide(t.Context(), dir, quiet); err == nil || !strings.Contains(err.Error(), "restore the environment's files") {
				t.Errorf("it was believed: %v", err)
			}
			envrepo.Same(t, "the tree", before, envrepo.Read(t, os.DirFS(dir)))
			if now := runGit(t, dir, "rev-parse", "HEAD"); now != head {
				t.Errorf("the branch moved to %s", now)
			}
		})
	}
}

// atGit is at for a repository of Git, where no other directory is needed.
func atGit(dir string) Dir {
	d := at(dir)
	d.State = ""
	return d
}

// forged is a commit like another, with more files changed.
func forged(t *testing.T, dir, parent string, files map[string]string, like string) string {
	t.Helper()
	t.Setenv("GIT_INDEX_FILE", filepath.Join(t.TempDir(), "index"))
	runGit(t, dir, "read-tree", like)
	for name, text := range files {
		file := filepath.Join(t.TempDir(), "content")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		runGit(t, dir, "update-index", "--add", "--cacheinfo", "100644,"+runGit(t, dir, "hash-object", "-w", file)+","+name)
	}
	id := runGit(t, dir, "commit-tree", "-p", parent, "-m", "forged", runGit(t, dir, "write-tree"))
	t.Setenv("GIT_INDEX_FILE", "")
	if err := os.Unsetenv("GIT_INDEX_FILE"); err != nil {
		t.Fatal(err)
	}
	return id
}

// TestNoLinkOnTheWay: what a record names is reached through no link.
func TestNoLinkOnTheWay(t *testing.T) {
	dir := envrepo.Shop().On(t)
	for name, to := range map[string]string{"prod/link": ".", "prod/web": "web.yaml"} {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	w, err := at(dir).writer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer w.close()
	for _, f := range []RecordFile{{Path: "prod/link/web.yaml", After: "x"}, {Path: "prod/link/web.yaml"}, {Path: "prod/web", After: "x"}} {
		if err := w.direct(f); err == nil || !strings.Contains(err.Error(), "has become a link") {
			t.Errorf("%+v: %v", f, err)
		}
	}
	for _, f := range []RecordFile{{Path: "prod/web.yaml", After: "x"}, {Path: "prod/web"}, {Path: "prod/new/file", After: "x"}} {
		if err := w.direct(f); err != nil {
			t.Errorf("%+v: %v", f, err)
		}
	}
}

// TestForeignRecordIsIgnored: a record that was committed beside the marker is
// told of, and does nothing.
// TestRecordsLieInNoLink: a clone that somebody packed may hold any file in .git.
func TestRecordsLieInNoLink(t *testing.T) {
	dir := envrepo.Shop().On(t)
	runGit(t, dir, "init", "-q")
	outside := t.TempDir()
	if err := os.Symlink(outside, filepath.Join(dir, ".git/assay")); err != nil {
		t.Fatal(err)
	}
	s, err := atGit(dir).store(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.ready(); err == nil || !strings.Contains(err.Error(), "is a link") {
		t.Errorf("error %v", err)
	}
	if entries, err := os.ReadDir(outside); err != nil || len(entries) > 0 {
		t.Errorf("%v, %v", entries, err)
	}
}

func TestForeignRecordIsIgnored(t *testing.T) {
	c := crash{env: "prod", git: "yes", outcome: decision.Reject, files: envrepo.Shop().With(envrepo.Files{
		"prod/.candidate.yaml.assay-record": `{"version": 2, "outcome": "promote", "directory": "prod", "files": []}` + "\n",
	})}
	dir := c.tree(t)
	var notes []string
	d := atGit(dir)
	d.Note = func(text string) { notes = append(notes, text) }
	r, err := d.Decide(t.Context(), promote.ByHand(decision.Reject, "too slow", ""))
	if err != nil || r.Outcome != decision.Reject || r.Resumed {
		t.Errorf("%+v, %v", r, err)
	}
	if len(notes) != 1 || !strings.Contains(notes[0], "prod/.candidate.yaml.assay-record is ignored") {
		t.Errorf("told: %q", notes)
	}
}

// TestRecordsOfWorkTreesAndSubmodules lie in Git's own directory of each.
func TestRecordsOfWorkTreesAndSubmodules(t *testing.T) {
	c := crash{env: "prod", git: "yes", outcome: decision.Promote, files: envrepo.Shop()}
	main := c.tree(t)
	linked := filepath.Join(t.TempDir(), "linked")
	runGit(t, main, "worktree", "add", "-q", linked)
	super := envrepo.Files{"README.md": "all\n"}.On(t)
	runGit(t, super, "init", "-q")
	runGit(t, super, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", main, "envs")
	files := map[string]bool{}
	for _, dir := range []string{main, linked, filepath.Join(super, "envs")} {
		for step := 1; ; step++ {
			runGit(t, dir, "reset", "-q", "--hard", "HEAD")
			start := runGit(t, dir, "rev-parse", "HEAD")
			killed := c.run(t, dir, step)
			s, err := atGit(dir).store(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			files[s.file] = true
			if killed {
				c.finish(t, dir)
			}
			if status := runGit(t, dir, "status", "--porcelain"); status != "" {
				t.Fatalf("killed before step %d: %s", step, status)
			}
			if _, err := os.Lstat(s.file); err == nil {
				t.Fatalf("killed before step %d: the record is still there", step)
			}
			runGit(t, dir, "reset", "-q", "--hard", start)
			if !killed {
				break
			}
		}
	}
	if len(files) != 3 {
		t.Errorf("the records are %v", files)
	}
}
