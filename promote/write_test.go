package promote

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func shop() files {
	return files{
		"prod/web.yaml": strings.ReplaceAll(deployment, "NAME", "web"), "prod/cart.yaml": strings.ReplaceAll(deployment, "NAME", "cart"),
		"prod/candidate.yaml": skip + markerText("2.0.0"),
	}
}

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
			return os.WriteFile(filepath.Join(dir, "prod/candidate.yaml"), []byte(markerText("3.0.0")), 0o644)
		}, "prod/candidate.yaml: it has changed meanwhile"},
		{"read-only", func(dir string) error { return os.Chmod(filepath.Join(dir, "prod/web.yaml"), 0o444) }, "prod/web.yaml: it is read-only: make it writable"},
		{"a directory in the way", func(dir string) error {
			return os.MkdirAll(filepath.Join(dir, "prod/.web.yaml.assay-part/x"), 0o755)
		}, "write prod/web.yaml: "},
		{"interrupted before", func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "prod/.candidate.yaml.assay-record"), []byte("{}"), 0o600)
		}, "interrupted while it was written"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := shop().on(t)
			e, err := prepare(t, dir, "prod", Promote)
			if err != nil {
				t.Fatal(err)
			}
			if err := test.spoil(dir); err != nil {
				t.Fatal(err)
			}
			before := read(t, os.DirFS(dir))
			err = Write(t.Context(), dir, e, nil)
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), dir) {
				t.Errorf("error %v, want %s", err, test.want)
			}
			same(t, "the tree", before, read(t, os.DirFS(dir)))
		})
	}
}

// TestFailedCommitChangesNothing fails at each step of a commit.
func TestFailedCommitChangesNothing(t *testing.T) {
	broken := errors.New("broken")
	fine := Commit{
		Prepare: func(context.Context, *Edit) (string, error) { return "state", nil },
		Land:    func(context.Context, string) error { return nil },
		Settle:  func(context.Context, string, []string) error { return nil },
	}
	prepareFails, landFails := fine, fine
	prepareFails.Prepare = func(context.Context, *Edit) (string, error) { return "", broken }
	landFails.Land = func(context.Context, string) error { return broken }
	for name, commit := range map[string]Commit{"prepare": prepareFails, "land": landFails} {
		dir := shop().on(t)
		e, err := prepare(t, dir, "prod", Promote)
		if err != nil {
			t.Fatal(err)
		}
		if err := Write(t.Context(), dir, e, &commit); !errors.Is(err, broken) {
			t.Errorf("%s: %v", name, err)
		}
		same(t, name, shop(), read(t, os.DirFS(dir)))
	}
}

// TestResumeRefuses what it could not finish without losing something.
func TestResumeRefuses(t *testing.T) {
	for _, test := range []struct {
		name    string
		outcome Outcome
		spoil   func(dir string) error
		want    string
	}{
		{"another outcome", Reject, func(string) error { return nil }, "run assay promote with the same flags"},
		{"a file edited since", Promote, func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "prod/web.yaml"), []byte("other: true\n"), 0o644)
		}, "prod/web.yaml has been edited"},
		{"the new content lost", Promote, func(dir string) error {
			return os.Remove(filepath.Join(dir, "prod/.web.yaml.assay-part"))
		}, "holds the new content of prod/web.yaml, is missing"},
		{"a broken record", Promote, func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "prod/.candidate.yaml.assay-record"), []byte("{"), 0o600)
		}, "is no record that this version of assay has written"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := shop().on(t)
			e, err := prepare(t, dir, "prod", Promote)
			if err != nil {
				t.Fatal(err)
			}
			interrupt(t, dir, e)
			if err := test.spoil(dir); err != nil {
				t.Fatal(err)
			}
			before := read(t, os.DirFS(dir))
			_, err = Resume(t.Context(), dir, "prod", "", test.outcome, nil)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %s", err, test.want)
			}
			same(t, "the tree", before, read(t, os.DirFS(dir)))
		})
	}
}

// interrupt writes up to the point where the first file would be replaced.
func interrupt(t *testing.T, dir string, e *Edit) {
	t.Helper()
	defer func() {
		if recover() == nil {
			t.Fatal("it was not interrupted")
		}
	}()
	_ = write(t.Context(), dir, e, nil, func(step string) {
		if strings.HasPrefix(step, "replace ") {
			panic("killed")
		}
	})
}

func TestModeIsKept(t *testing.T) {
	dir := shop().on(t)
	if err := os.Chmod(filepath.Join(dir, "prod/web.yaml"), 0o751); err != nil {
		t.Fatal(err)
	}
	decided(t, dir, "prod", Promote)
	info, err := os.Stat(filepath.Join(dir, "prod/web.yaml"))
	if err != nil || info.Mode().Perm() != 0o751 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

// TestLinkedFiles are edited where they are; the link stays.
func TestLinkedFiles(t *testing.T) {
	tree := shop()
	tree["prod/parts/web.txt"] = tree["prod/web.yaml"]
	delete(tree, "prod/web.yaml")
	dir := tree.on(t)
	if err := os.Symlink("parts/web.txt", filepath.Join(dir, "prod/web.yaml")); err != nil {
		t.Fatal(err)
	}
	decided(t, dir, "prod", Promote)
	if target, err := os.Readlink(filepath.Join(dir, "prod/web.yaml")); err != nil || target != "parts/web.txt" {
		t.Errorf("the link is gone: %v", err)
	}
	if text := read(t, os.DirFS(dir))["prod/parts/web.txt"]; !strings.Contains(text, "web:2.0.0") {
		t.Errorf("not promoted:\n%s", text)
	}
}

// TestNext sets the change under test where the plan says, by the name that
// renders there.
func TestNext(t *testing.T) {
	mirror := strings.ReplaceAll(strings.ReplaceAll(deployment, "NAME", "web"), "example.com/", "mirror.example.org/")
	tree := shop().with(files{
		"prod/assay.yaml":        planText("promotion: {to: [{path: ../eu}, {path: ../us}, {path: ../same}, {path: ../held}, {path: x, repo: 'https://example.com/other'}, {path: ../b, branch: b}]}"),
		"eu/web.yaml":            mirror,
		"us/web.yaml":            strings.ReplaceAll(deployment, "NAME", "web"),
		"us/assay.yaml":          planText("queue: every"),
		"us/candidate.yaml":      skip + markerText("1.9.0"),
		"same/web.yaml":          strings.ReplaceAll(strings.ReplaceAll(deployment, "NAME", "web"), ":1.0.0", ":2.0.0"),
		"held/web.yaml":          strings.ReplaceAll(deployment, "NAME", "web"),
		"held/candidate.yaml":    skip + markerText("2.0.0"),
		"elsewhere/unrelated.md": "stays\n",
	})
	dir := tree.on(t)
	e := decided(t, dir, "prod", Promote)
	got := read(t, os.DirFS(dir))
	want := maps.Clone(tree)
	delete(want, "prod/candidate.yaml")
	for _, name := range []string{"prod/web.yaml", "prod/cart.yaml"} {
		want[name] = strings.ReplaceAll(want[name], ":1.0.0", ":2.0.0")
	}
	second := markerText("2.0.0")
	first := markerText("1.9.0")
	want["eu/candidate.yaml"] = skip + strings.ReplaceAll(second, "example.com/", "mirror.example.org/")
	want["us/candidate.yaml"] = skip + first + "---\n" + second
	same(t, "the tree", want, got)
	var states []NextState
	for _, n := range e.Next {
		states = append(states, n.State)
	}
	if !slices.Equal(states, []NextState{Set, Set, Already, Already, Elsewhere, Elsewhere}) {
		t.Errorf("states %v", states)
	}
}

func TestNextOnTheSameBranch(t *testing.T) {
	dir := shop().with(files{
		"prod/assay.yaml": planText("promotion: {to: [{path: ../eu, branch: main}]}"),
		"eu/web.yaml":     strings.ReplaceAll(deployment, "NAME", "web"),
	}).on(t)
	for branch, want := range map[string]NextState{"main": Set, "other": Elsewhere, "": Elsewhere} {
		e, err := Prepare(t.Context(), mustRequest(t, dir, "prod"), Options{Outcome: Promote, Branch: func(context.Context) (string, error) { return branch, nil }})
		if err != nil || len(e.Next) != 1 || e.Next[0].State != want {
			t.Errorf("on %q: %+v, %v", branch, e, err)
		}
	}
}

func TestNextRefuses(t *testing.T) {
	for to, want := range map[string]string{
		"{path: ../nowhere}":  "../nowhere",
		"{path: .}":           "it names this environment itself",
		"{path: ../../other}": "leaves the repository",
		"{path: ../job}":      "example.com/shop/web",
	} {
		dir := shop().with(files{
			"prod/assay.yaml": planText("promotion: {to: [" + to + "]}"),
			"job/web.yaml":    strings.ReplaceAll(strings.ReplaceAll(deployment, "NAME", "web"), "shop/web", "shop/other"),
		}).on(t)
		before := read(t, os.DirFS(dir))
		_, err := prepare(t, dir, "prod", Promote)
		if want == "../nowhere" {
			want = "nowhere is no directory of the repository: correct the path, which starts at this environment"
		}
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "spec.promotion.to[0]") {
			t.Errorf("%s: %v", to, err)
		}
		same(t, to, before, read(t, os.DirFS(dir)))
	}
}

// TestHalfEdited covers files that already hold the change, in part or wholly,
// without a record: someone made it by hand.
func TestHalfEdited(t *testing.T) {
	half := shop()
	half["prod/web.yaml"] = strings.ReplaceAll(half["prod/web.yaml"], ":1.0.0", ":2.0.0")
	whole := maps.Clone(half)
	whole["prod/cart.yaml"] = strings.ReplaceAll(whole["prod/cart.yaml"], ":1.0.0", ":2.0.0")
	want := maps.Clone(whole)
	delete(want, "prod/candidate.yaml")
	for name, tree := range map[string]files{"half": half, "whole": whole} {
		dir := tree.on(t)
		decided(t, dir, "prod", Promote)
		same(t, name, want, read(t, os.DirFS(dir)))
	}
}

// TestRejectNeedsNoWorkingCandidate drops one that does not render.
func TestRejectNeedsNoWorkingCandidate(t *testing.T) {
	tree := shop()
	tree["prod/candidate.yaml"] = strings.ReplaceAll(markerText("2.0.0"), "shop/web", "shop/nothing")
	dir := tree.on(t)
	if _, err := prepare(t, dir, "prod", Promote); err == nil {
		t.Error("a candidate that does not render can be promoted")
	}
	e := decided(t, dir, "prod", Reject)
	if e.ID != "" || len(e.Warnings) != 1 {
		t.Errorf("ID %q, warnings %v", e.ID, e.Warnings)
	}
	delete(tree, "prod/candidate.yaml")
	same(t, "the tree", tree, read(t, os.DirFS(dir)))
}

// TestLawsAreHeld gives Prepare renders that the edited files do not yield.
func TestLawsAreHeld(t *testing.T) {
	for _, test := range []struct {
		outcome Outcome
		law     int
	}{{Promote, 2}, {Reject, 3}} {
		dir := shop().on(t)
		res := mustRender(t, dir, "prod")
		res.Candidate[0].SetLabels(map[string]string{"tested": "otherwise"})
		res.Baseline[0].SetLabels(map[string]string{"was": "otherwise"})
		_, err := Prepare(t.Context(), mustRequest(t, dir, "prod"), Options{Outcome: test.outcome, Rendered: res})
		var law *LawError
		if !errors.As(err, &law) || law.Law != test.law || len(law.Differences) != 1 {
			t.Errorf("%s: %v", test.outcome, err)
		}
	}
	for name, data := range map[string][]byte{"prod/new.yaml": []byte("a: b\n"), "prod/web.yaml": nil, "other.yaml": []byte("a: b\n"), "prod/assay.yaml": []byte("a: b\n")} {
		dir := shop().with(files{"other.yaml": "a: c\n", "prod/assay.yaml": planText("queue: every")}).on(t)
		res := mustRender(t, dir, "prod")
		res.Edited[name] = data
		_, err := Prepare(t.Context(), mustRequest(t, dir, "prod"), Options{Outcome: Promote, Rendered: res})
		var law *LawError
		if !errors.As(err, &law) || law.Law != 4 || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestLateFailureIsUndone fails once one of two files is replaced.
func TestLateFailureIsUndone(t *testing.T) {
	dir := shop().on(t)
	e, err := prepare(t, dir, "prod", Promote)
	if err != nil {
		t.Fatal(err)
	}
	replaced := 0
	err = write(t.Context(), dir, e, nil, func(step string) {
		if !strings.HasPrefix(step, "replace ") {
			return
		}
		if replaced++; replaced == 1 {
			if err := os.Remove(filepath.Join(dir, "prod/.web.yaml.assay-part")); err != nil {
				t.Error(err)
			}
		}
	})
	if err == nil || replaced != 1 {
		t.Errorf("error %v after %d files", err, replaced)
	}
	same(t, "the tree", shop(), read(t, os.DirFS(dir)))
}

// TestTwoAtOnce keeps two decisions on one environment apart.
func TestTwoAtOnce(t *testing.T) {
	dir := shop().on(t)
	e, err := prepare(t, dir, "prod", Promote)
	if err != nil {
		t.Fatal(err)
	}
	inner := error(nil)
	err = write(t.Context(), dir, e, nil, func(step string) {
		if step == "record" {
			inner = Write(t.Context(), dir, e, nil)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if inner == nil || !strings.Contains(inner.Error(), "another promotion or rejection is being written") {
		t.Errorf("the second: %v", inner)
	}
	if got := read(t, os.DirFS(dir)); !strings.Contains(got["prod/web.yaml"], "web:2.0.0") || len(got) != 2 {
		t.Errorf("the first: %v", got)
	}
}
