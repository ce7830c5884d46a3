package local

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assaydev/assay/internal/git"
)

// programs are settings of a repository that name a program, NAME, and what else
// it takes that git runs it.
var programs = map[string]string{
	"fsmonitor":      "core.fsmonitor=NAME",
	"clean":          "filter.x.clean=NAME",
	"smudge":         "filter.x.smudge=NAME",
	"process":        "filter.x.process=NAME filter.x.required=true",
	"gpg":            "commit.gpgSign=true gpg.program=NAME user.signingKey=x log.showSignature=true",
	"openpgp":        "commit.gpgSign=true gpg.openpgp.program=NAME user.signingKey=x",
	"ssh-keygen":     "commit.gpgSign=true gpg.format=ssh gpg.ssh.program=NAME user.signingKey=key::ssh-ed25519",
	"default key":    "commit.gpgSign=true gpg.format=ssh gpg.ssh.defaultKeyCommand=NAME",
	"x509":           "commit.gpgSign=true gpg.format=x509 gpg.x509.program=NAME user.signingKey=x",
	"ssh":            "core.sshCommand=NAME remote.origin.url=ssh://example.invalid/x remote.origin.promisor=true extensions.partialClone=origin",
	"ext":            "protocol.ext.allow=always remote.origin.url=ext::NAME remote.origin.promisor=true extensions.partialClone=origin",
	"upload-pack":    "remote.origin.uploadpack=NAME remote.origin.url=. remote.origin.promisor=true extensions.partialClone=origin",
	"external diff":  "diff.external=NAME diff.x.command=NAME diff.x.textconv=NAME log.diffMerges=on",
	"alias":          "alias.status=!NAME alias.log=!NAME alias.rev-parse=!NAME alias.cat-file=!NAME",
	"pager":          "core.pager=NAME pager.log=NAME pager.status=NAME pager.config=NAME core.editor=NAME",
	"trailer":        "trailer.x.command=NAME trailer.x.cmd=NAME trailer.x.key=X",
	"credentials":    "credential.helper=!NAME core.askPass=NAME",
	"hooks path":     "core.hooksPath=hooks",
	"hooks by name":  "hook.x.command=NAME hook.x.event=reference-transaction hook.x.event=post-index-change",
	"submodule":      "submodule.sub.update=!NAME submodule.recurse=true status.submoduleSummary=true diff.submodule=log",
	"included":       "include.path=more",
	"worktree scope": "extensions.worktreeConfig=true --worktree:core.fsmonitor=NAME",
}

// TestNoProgramOfTheRepositoryRuns tries all that a Repo does against each.
func TestNoProgramOfTheRepositoryRuns(t *testing.T) {
	for name, settings := range programs {
		t.Run(name, func(t *testing.T) {
			_, dir := repository(t, map[string]string{".gitattributes": "* filter=x diff=x merge=x\n", "shop/web.yaml": "old\n", "gone.yaml": "x"})
			run(t, dir, "commit", "-q", "--allow-empty", "-m", "more")
			ran := filepath.Join(t.TempDir(), "ran")
			program := "#!/bin/sh\necho \"$0\" >> '" + ran + "'\nexit 1\n"
			write(t, dir, ".git/program", program)
			for _, hook := range []string{"reference-transaction", "post-index-change", "pre-commit", "fsmonitor-watchman"} {
				write(t, dir, ".git/hooks/"+hook, program)
				write(t, dir, "hooks/"+hook, program)
			}
			programFile := filepath.Join(dir, ".git/program")
			write(t, dir, ".git/more", fmt.Sprintf("[core]\nfsmonitor = %q\n[filter \"x\"]\nclean = %q\n", programFile, programFile))
			makeExecutable(t, filepath.Join(dir, ".git/program"), filepath.Join(dir, ".git/hooks"), filepath.Join(dir, "hooks"))
			for _, s := range strings.Fields(settings) {
				key, value, _ := strings.Cut(s, "=")
				args := []string{"config", "--add"}
				if rest, found := strings.CutPrefix(key, "--worktree:"); found {
					args, key = append(args, "--worktree"), rest
				}
				run(t, dir, append(args, key, strings.ReplaceAll(value, "NAME", programFile))...)
			}
			// A file whose stat tells nothing, and an object that is not here.
			write(t, dir, "shop/web.yaml", "new\n")
			blob := git.Runner{Dir: dir}
			id, err := blob.Run(t.Context(), nil, "rev-parse", "HEAD:gone.yaml")
			if err != nil {
				t.Fatal(err)
			}
			if err := os.Remove(filepath.Join(dir, ".git/objects", git.FirstLine(id)[:2], git.FirstLine(id)[2:])); err != nil {
				t.Fatal(err)
			}

			r, err := Open(t.Context(), dir, here())
			if err == nil {
				everything(t, r)
			}
			if what, err := os.ReadFile(ran); err == nil {
				t.Errorf("it ran: %s", what)
			}
		})
	}
}

// everything calls each method of a Repo. What they return is not the question.
func everything(t *testing.T, r *Repo) {
	ctx := t.Context()
	_, _ = r.Branch(ctx)
	_, _ = r.Dirty(ctx, ".", func(string) bool { return false })
	if tree, err := r.Tree(ctx, "HEAD"); err == nil {
		if _, err := tree.Lstat("gone.yaml"); err == nil || !strings.Contains(err.Error(), "git fetch") {
			t.Errorf("what is not here: %v", err)
		}
		_, _ = tree.Open("shop/web.yaml")
		_ = tree.Close()
	}
	_, _, _ = r.Changed(ctx, "HEAD", []string{"shop"})
	_, _ = r.Recent(ctx, 5)
	_, _ = r.Log(ctx, "HEAD^", "HEAD")
	_, _ = r.Refs(ctx, "refs/")
	_, _ = r.Base(ctx, "HEAD", "HEAD^")
	before, _ := r.Head(ctx)
	c, err := r.Prepare(ctx, []git.File{{Path: "shop/web.yaml", After: []byte("new\n")}}, "Promote\n")
	if err != nil {
		if after, _ := r.Head(ctx); after != before {
			t.Errorf("a commit that failed moved HEAD: %v", err)
		}
		return
	}
	_ = r.Land(ctx, c)
	_ = r.UpdateIndex(ctx, []string{"shop/web.yaml"})
}

func makeExecutable(t *testing.T, paths ...string) {
	t.Helper()
	for _, name := range paths {
		err := filepath.WalkDir(name, func(name string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			return os.Chmod(name, 0o700)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestFiltersOfTheUserRun: the user's own programs stay in force, and a filter
// that only the repository has is refused by name.
func TestFiltersOfTheUserRun(t *testing.T) {
	_, dir := repository(t, map[string]string{".gitattributes": "*.yaml filter=upper\n*.txt text eol=crlf\n", "a.yaml": "old\n", "b.txt": "b\n"})
	config := filepath.Join(t.TempDir(), "config")
	commit := func() (string, error) {
		r, err := Open(t.Context(), dir, here())
		if err != nil {
			t.Fatal(err)
		}
		c, err := r.Prepare(t.Context(), []git.File{{Path: "a.yaml", After: []byte("new\n")}, {Path: "b.txt", After: []byte("x\r\n")}}, "x")
		if err != nil {
			return "", err
		}
		return run(t, dir, "show", c.ID+":a.yaml"), nil
	}
	if got, err := commit(); err != nil || got != "new" {
		t.Errorf("a filter that nobody has: %q, %v", got, err)
	}
	run(t, dir, "config", "filter.upper.clean", "tr a-z 0-9")
	const want = "a.yaml needs the filter upper, and filter.upper.clean stands in the repository's own configuration"
	if got, err := commit(); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("a filter that only the repository has: %q, %v", got, err)
	}
	r, err := Open(t.Context(), dir, here())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Dirty(t.Context(), ".", func(string) bool { return false }); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("what differs: %v", err)
	}
	if err := os.WriteFile(config, []byte("[filter \"upper\"]\nclean = tr a-z A-Z\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("GIT_CONFIG_GLOBAL", config)
	if got, err := commit(); err != nil || got != "NEW" {
		t.Errorf("the user's filter: %q, %v", got, err)
	}
	run(t, dir, "config", "filter.upper.process", "false")
	if got, err := commit(); err == nil {
		t.Errorf("the user's filter made another kind of filter: %q", got)
	}
	if got := run(t, dir, "ls-files", "--eol", "b.txt"); !strings.Contains(got, "i/lf") {
		t.Errorf("line ends: %s", got)
	}
}

// TestTheEnvironmentChangesNothing: variables of git, replace refs, grafts and the
// settings of a repository say nothing about what is read.
func TestTheEnvironmentChangesNothing(t *testing.T) {
	r, dir := repository(t, map[string]string{"a.yaml": "a\n"})
	run(t, dir, "commit", "-q", "--allow-empty", "-m", "Second\n\nAssay-Outcome: promote")
	head, err := r.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	other, elsewhere := repository(t, map[string]string{"b.yaml": "b\n"})
	strange, err := other.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	run(t, dir, "fetch", "-q", elsewhere)
	run(t, dir, "replace", head, strange)
	write(t, dir, ".git/info/grafts", head+"\n")
	for key, value := range map[string]string{"trailer.separators": "#", "i18n.logOutputEncoding": "UTF-16", "log.follow": "true", "log.date": "relative", "status.branch": "true"} {
		run(t, dir, "config", key, value)
	}
	for name, value := range map[string]string{
		"GIT_DIR": filepath.Join(elsewhere, ".git"), "GIT_WORK_TREE": elsewhere, "GIT_INDEX_FILE": filepath.Join(elsewhere, ".git/index"),
		"GIT_OBJECT_DIRECTORY": filepath.Join(elsewhere, ".git/objects"), "GIT_NAMESPACE": "x", "GIT_CEILING_DIRECTORIES": dir,
		"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "core.worktree", "GIT_CONFIG_VALUE_0": elsewhere, "GIT_CONFIG_PARAMETERS": "'core.bare'='true'",
		"GIT_GRAFT_FILE": filepath.Join(dir, ".git/info/grafts"), "GIT_REPLACE_REF_BASE": "refs/replace", "GIT_LITERAL_PATHSPECS": "0", "GIT_ICASE_PATHSPECS": "1",
		"GIT_ATTR_SOURCE": strange, "GIT_EXTERNAL_DIFF": "false", "GIT_TRACE": "2", "GIT_DEFAULT_REF_FORMAT": "x",
	} {
		t.Setenv(name, value)
	}
	r, err = Open(t.Context(), dir, here())
	if err != nil {
		t.Fatal(err)
	}
	entries, err := r.Recent(t.Context(), 5)
	if err != nil || len(entries) != 2 || entries[0].ID != head || entries[0].Trailers["Assay-Outcome"] == nil {
		t.Errorf("the history is %v, %v", entries, err)
	}
	tree, err := r.Tree(t.Context(), "HEAD")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tree.Close() }()
	if _, err := tree.Lstat("a.yaml"); err != nil {
		t.Error(err)
	}
	if names, err := r.Dirty(t.Context(), ".", func(string) bool { return false }); err != nil || len(names) > 0 {
		t.Errorf("it differs in %v, %v", names, err)
	}
}

// TestAWorkTreeElsewhere: the files of another directory are not this one's.
func TestAWorkTreeElsewhere(t *testing.T) {
	_, other := repository(t, map[string]string{"b.yaml": "b\n"})
	_, dir := repository(t, map[string]string{"a.yaml": "a\n"})
	run(t, dir, "config", "core.worktree", other)
	if _, err := Open(t.Context(), dir, here()); err == nil || !strings.Contains(err.Error(), "core.worktree") {
		t.Errorf("error %v", err)
	}
}
