package worktree

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/render"

	"github.com/assaydev/assay/promote"
	"github.com/assaydev/assay/test/envrepo"
)

// TestFailuresChangeNothing breaks each thing that Write depends on.
func TestFailuresChangeNothing(t *testing.T) {
	for _, test := range []struct {
		name  string
		spoil func(dir string) error
		want  string
	}{
		{"edited meanwhile", func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "prod/web.yaml"), []byte("other: true\n"), 0o644)
		}, "prod/web.yaml: it has changed meanwhile"},
		{"removed meanwhile", func(dir string) error { return os.Remove(filepath.Join(dir, "prod/cart.yaml")) }, "prod/cart.yaml: it has been removed meanwhile"},
		{"marker replaced meanwhile", func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "prod/candidate.yaml"), []byte(envrepo.Marker("3.0.0")), 0o644)
		}, "prod/candidate.yaml: it has changed meanwhile"},
		{"read-only", func(dir string) error { return os.Chmod(filepath.Join(dir, "prod/web.yaml"), 0o444) }, "prod/web.yaml: it is read-only: make it writable"},
		{"a directory in the way", func(dir string) error {
			return os.MkdirAll(filepath.Join(dir, "prod/.web.yaml.assay-part/x"), 0o755)
		}, "write prod/web.yaml: "},
		{"interrupted before", func(dir string) error {
			return leave(dir, "{}")
		}, "interrupted while it was written"},
		{"nowhere to record", func(dir string) error { return os.WriteFile(dir+".state", nil, 0o600) }, "where it is recorded what a crash would leave, cannot be written"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := envrepo.Shop().On(t)
			e, err := prepare(t, dir, decision.Promote)
			if err != nil {
				t.Fatal(err)
			}
			if err := test.spoil(dir); err != nil {
				t.Fatal(err)
			}
			before := envrepo.Read(t, os.DirFS(dir))
			err = at(dir).write(t.Context(), newRecord(e), e.Files, nil)
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), dir) {
				t.Errorf("error %v, want %s", err, test.want)
			}
			envrepo.Same(t, "the tree", before, envrepo.Read(t, os.DirFS(dir)))
		})
	}
}

// TestFailedCommitChangesNothing fails at each step of a commit.
func TestFailedCommitChangesNothing(t *testing.T) {
	broken := errors.New("broken")
	fine := commit{
		prepare:     func(context.Context, []git.File) (string, error) { return "state", nil },
		land:        func(context.Context, string) error { return nil },
		updateIndex: func(context.Context, []string) error { return nil },
	}
	prepareFails, landFails := fine, fine
	prepareFails.prepare = func(context.Context, []git.File) (string, error) { return "", broken }
	landFails.land = func(context.Context, string) error { return broken }
	for name, c := range map[string]commit{"prepare": prepareFails, "land": landFails} {
		dir := envrepo.Shop().On(t)
		e, err := prepare(t, dir, decision.Promote)
		if err != nil {
			t.Fatal(err)
		}
		if err := at(dir).write(t.Context(), newRecord(e), e.Files, &c); !errors.Is(err, broken) {
			t.Errorf("%s: %v", name, err)
		}
		envrepo.Same(t, name, envrepo.Shop(), envrepo.Read(t, os.DirFS(dir)))
	}
}

// TestResumeRefuses what it could not finish without losing something.
func TestResumeRefuses(t *testing.T) {
	for _, test := range []struct {
		name    string
		outcome decision.Outcome
		spoil   func(dir string) error
		want    string
	}{
		{"another outcome", decision.Reject, func(string) error { return nil }, "run assay promote with the same flags"},
		{"a file edited since", decision.Promote, func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "prod/web.yaml"), []byte("other: true\n"), 0o644)
		}, "prod/web.yaml has been edited"},
		{"the new content lost", decision.Promote, func(dir string) error {
			return os.Remove(filepath.Join(dir, "prod/.web.yaml.assay-part"))
		}, "holds the new content of prod/web.yaml, is missing"},
		{"a broken record", decision.Promote, func(dir string) error {
			return leave(dir, "{")
		}, "is not a record that this version of assay has written"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := envrepo.Shop().On(t)
			e, err := prepare(t, dir, decision.Promote)
			if err != nil {
				t.Fatal(err)
			}
			interrupt(t, dir, e)
			if err := test.spoil(dir); err != nil {
				t.Fatal(err)
			}
			before := envrepo.Read(t, os.DirFS(dir))
			_, err = at(dir).Resume(t.Context(), test.outcome)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %s", err, test.want)
			}
			envrepo.Same(t, "the tree", before, envrepo.Read(t, os.DirFS(dir)))
		})
	}
}

// at is the environment of the tests below a directory, with a directory for state
// beside that.
func at(dir string) Dir {
	return Dir{
		Root: dir, View: promote.View{Request: render.Request{Environment: spec.Environment{Dir: "prod"}}},
		Process: git.Process{Env: os.Environ(), TempDir: os.TempDir()}, State: dir + ".state",
	}
}

// leave leaves a record as a crash would.
func leave(dir, text string) error {
	s, err := at(dir).store(context.Background())
	if err != nil {
		return err
	}
	if err := s.ready(); err != nil {
		return err
	}
	return os.WriteFile(s.file, []byte(text), 0o600)
}

// stepping is that environment, where each step is told.
func stepping(dir string, step func(string)) Dir {
	d := at(dir)
	d.step = step
	return d
}

// interrupt writes up to the point where the first file would be replaced.
func interrupt(t *testing.T, dir string, e *promote.Edit) {
	t.Helper()
	defer func() {
		if recover() == nil {
			t.Fatal("it was not interrupted")
		}
	}()
	_ = stepping(dir, func(step string) {
		if strings.HasPrefix(step, "replace ") {
			panic("killed")
		}
	}).write(t.Context(), newRecord(e), e.Files, nil)
}

func TestModeIsKept(t *testing.T) {
	dir := envrepo.Shop().On(t)
	if err := os.Chmod(filepath.Join(dir, "prod/web.yaml"), 0o751); err != nil {
		t.Fatal(err)
	}
	decided(t, dir, decision.Promote)
	info, err := os.Stat(filepath.Join(dir, "prod/web.yaml"))
	if err != nil || info.Mode().Perm() != 0o751 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

// TestLinkedFiles are edited where they are; the link stays.
func TestLinkedFiles(t *testing.T) {
	tree := envrepo.Shop()
	tree["prod/parts/web.txt"] = tree["prod/web.yaml"]
	delete(tree, "prod/web.yaml")
	dir := tree.On(t)
	if err := os.Symlink("parts/web.txt", filepath.Join(dir, "prod/web.yaml")); err != nil {
		t.Fatal(err)
	}
	decided(t, dir, decision.Promote)
	if target, err := os.Readlink(filepath.Join(dir, "prod/web.yaml")); err != nil || target != "parts/web.txt" {
		t.Errorf("the link is gone: %v", err)
	}
	if text := envrepo.Read(t, os.DirFS(dir))["prod/parts/web.txt"]; !strings.Contains(text, "web:2.0.0") {
		t.Errorf("not promoted:\n%s", text)
	}
}

// TestLateFailureIsUndone fails once one of two files is replaced.
func TestLateFailureIsUndone(t *testing.T) {
	dir := envrepo.Shop().On(t)
	e, err := prepare(t, dir, decision.Promote)
	if err != nil {
		t.Fatal(err)
	}
	replaced := 0
	err = stepping(dir, func(step string) {
		if !strings.HasPrefix(step, "replace ") {
			return
		}
		if replaced++; replaced == 1 {
			if err := os.Remove(filepath.Join(dir, "prod/.web.yaml.assay-part")); err != nil {
				t.Error(err)
			}
		}
	}).write(t.Context(), newRecord(e), e.Files, nil)
	if err == nil || replaced != 1 {
		t.Errorf("error %v after %d files", err, replaced)
	}
	envrepo.Same(t, "the tree", envrepo.Shop(), envrepo.Read(t, os.DirFS(dir)))
}

// TestTwoAtOnce keeps two decisions on one environment apart.
func TestTwoAtOnce(t *testing.T) {
	dir := envrepo.Shop().On(t)
	e, err := prepare(t, dir, decision.Promote)
	if err != nil {
		t.Fatal(err)
	}
	inner := error(nil)
	err = stepping(dir, func(step string) {
		if step == "record" {
			inner = at(dir).write(t.Context(), newRecord(e), e.Files, nil)
		}
	}).write(t.Context(), newRecord(e), e.Files, nil)
	if err != nil {
		t.Fatal(err)
	}
	if inner == nil || !strings.Contains(inner.Error(), "another promotion or rejection is being written") {
		t.Errorf("the second: %v", inner)
	}
	if got := envrepo.Read(t, os.DirFS(dir)); !strings.Contains(got["prod/web.yaml"], "web:2.0.0") || len(got) != 2 {
		t.Errorf("the first: %v", got)
	}
}

// TestRevertSurvivesACrash leaves what Resume finishes.
func TestRevertSurvivesACrash(t *testing.T) {
	dir := envrepo.Shop().On(t)
	e := &promote.Edit{Outcome: decision.Revert, Environment: spec.Environment{Dir: "prod"}}
	for _, name := range []string{"prod/cart.yaml", "prod/web.yaml"} {
		text := envrepo.Shop()[name]
		e.Files = append(e.Files, git.File{Path: name, Before: []byte(text), After: []byte(strings.ReplaceAll(text, ":1.0.0", ":0.9.0"))})
	}
	interrupt(t, dir, e)
	if record, err := at(dir).Interrupted(t.Context()); err != nil || record == nil || record.Outcome != decision.Revert {
		t.Fatalf("record %v, %v", record, err)
	}
	if _, err := at(dir).Resume(t.Context(), decision.Promote); err == nil || !strings.Contains(err.Error(), "run assay revert with the same flags") {
		t.Errorf("a promotion finished it: %v", err)
	}
	if _, err := at(dir).Resume(t.Context(), decision.Revert); err != nil {
		t.Fatal(err)
	}
	for name, text := range envrepo.Read(t, os.DirFS(dir)) {
		if name != "prod/candidate.yaml" && !strings.Contains(text, "web:0.9.0") {
			t.Errorf("%s: %s", name, text)
		}
	}
}
