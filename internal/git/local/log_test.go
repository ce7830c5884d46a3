package local

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assaydev/assay/internal/git"
)

func TestLog(t *testing.T) {
	r, dir := repository(t, map[string]string{"web.yaml": "1\n"})
	start := run(t, dir, "rev-parse", "HEAD")
	run(t, dir, "checkout", "-q", "-b", "side")
	run(t, dir, "commit", "-q", "--allow-empty", "-m", "Promote\n\nbecause: it is good\n\nAssay-Outcome: promote\nAssay-Untested: a\nAssay-Untested: b")
	side := run(t, dir, "rev-parse", "HEAD")
	run(t, dir, "checkout", "-q", "main")
	run(t, dir, "commit", "-q", "--allow-empty", "-m", "plain")
	plain := run(t, dir, "rev-parse", "HEAD")
	run(t, dir, "merge", "-q", "--no-edit", "side")
	merge := run(t, dir, "rev-parse", "HEAD")

	run(t, dir, "config", "core.commentChar", "A") // it hides no trailer
	base, err := r.Base(t.Context(), "main", "side")
	if err != nil || base != side {
		t.Errorf("base %s, %v", base, err)
	}
	got, err := r.Log(t.Context(), start, "HEAD")
	if err != nil {
		t.Fatal(err)
	}
	byID := map[string]git.Entry{}
	for _, e := range got {
		if e.Time.IsZero() {
			t.Errorf("%s has no time", e.Subject)
		}
		e.Time = time.Time{}
		byID[e.ID] = e
	}
	want := map[string]git.Entry{
		side:  {ID: side, Parents: []string{start}, Subject: "Promote", Trailers: map[string][]string{"Assay-Outcome": {"promote"}, "Assay-Untested": {"a", "b"}}},
		plain: {ID: plain, Parents: []string{start}, Subject: "plain", Trailers: map[string][]string{}},
		merge: {ID: merge, Parents: []string{plain, side}, Subject: "Merge branch 'side'", Trailers: map[string][]string{}},
	}
	if diff := cmp.Diff(want, byID); diff != "" || got[len(got)-1].ID != merge {
		t.Error(diff)
	}
	if one, err := r.Commit(t.Context(), "side"); err != nil || one.Subject != "Promote" || one.ID != side || one.Trailers["Assay-Outcome"][0] != "promote" {
		t.Errorf("the commit of side: %v, %v", one, err)
	}
	if _, err := r.Commit(t.Context(), "--all"); err == nil {
		t.Error("an option names a commit")
	}
	if none, err := r.Log(t.Context(), "HEAD", "HEAD"); err != nil || len(none) != 0 {
		t.Errorf("nothing after HEAD: %v, %v", none, err)
	}
}

func TestChanged(t *testing.T) {
	r, dir := repository(t, map[string]string{"web.yaml": "1\n", "other": "1"})
	t.Setenv("GIT_COMMITTER_DATE", "2020-01-02T03:04:05Z")
	write(t, dir, "web.yaml", "2\n")
	run(t, dir, "commit", "-q", "-a", "-m", "change")
	changed := run(t, dir, "rev-parse", "HEAD")
	run(t, dir, "commit", "-q", "--allow-empty", "-m", "more")
	head, err := r.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, names := range [][]string{{"web.yaml"}, {"web.yaml", "other"}, {"."}} {
		c, known, err := r.Changed(t.Context(), head, names)
		if err != nil || !known || c.Commit != changed || c.Parent == "" || c.Time.UTC().Format("2006-01-02 15:04:05") != "2020-01-02 03:04:05" {
			t.Errorf("%v: changed %+v, %v", names, c, err)
		}
	}
	if c, known, err := r.Changed(t.Context(), head, []string{"other"}); err != nil || !known || c.Parent != "" {
		t.Errorf("what the first commit has: %+v, %v, %v", c, known, err)
	}
	if c, known, err := r.Changed(t.Context(), head, []string{"nowhere"}); err != nil || known {
		t.Errorf("nowhere: changed %+v, %v", c, err)
	}
	// On a branch that is merged it changes with the merge.
	run(t, dir, "checkout", "-q", "-b", "side")
	write(t, dir, "other", "2")
	run(t, dir, "commit", "-q", "-a", "-m", "aside")
	run(t, dir, "checkout", "-q", "-")
	run(t, dir, "merge", "-q", "--no-ff", "-m", "merge", "side")
	merge := run(t, dir, "rev-parse", "HEAD")
	if c, known, err := r.Changed(t.Context(), merge, []string{"other"}); err != nil || !known || c.Commit != merge || c.Parent != head {
		t.Errorf("merged: changed %+v, %v, %v", c, known, err)
	}
}

func TestRecent(t *testing.T) {
	r, dir := repository(t, nil)
	if got, err := r.Recent(t.Context(), 5); err != nil || len(got) != 0 {
		t.Errorf("without a commit: %v, %v", got, err)
	}
	for _, subject := range []string{"one", "two", "three"} {
		run(t, dir, "commit", "-q", "--allow-empty", "-m", subject)
	}
	subjects := func(list []git.Entry, err error) string {
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, e := range list {
			out = append(out, e.Subject)
		}
		return strings.Join(out, " ")
	}
	if got := subjects(r.Recent(t.Context(), 2)); got != "three two" {
		t.Errorf("the newest two are %q", got)
	}
	if shallow, err := r.Shallow(t.Context()); err != nil || shallow {
		t.Errorf("it is whole: %v, %v", shallow, err)
	}
	if got := subjects(r.Refs(t.Context(), "refs/assay/")); got != "" {
		t.Errorf("without refs: %q", got)
	}
	for name, at := range map[string]string{"refs/assay/a/one": "HEAD~2", "refs/assay/b/two": "HEAD~1", "refs/assayed/three": "HEAD"} {
		run(t, dir, "update-ref", name, at)
	}
	if got := subjects(r.Refs(t.Context(), "refs/assay/")); got != "two one" && got != "one two" {
		t.Errorf("the refs name %q", got)
	}

	clone := filepath.Join(t.TempDir(), "clone")
	run(t, dir, "clone", "-q", "--depth=2", "file://"+dir, clone)
	c, err := Open(t.Context(), clone, here())
	if err != nil {
		t.Fatal(err)
	}
	if got := subjects(c.Recent(t.Context(), 5)); got != "three two" {
		t.Errorf("the clone has %q", got)
	}
	if shallow, err := c.Shallow(t.Context()); err != nil || !shallow {
		t.Errorf("the clone is shallow: %v, %v", shallow, err)
	}
}

// TestLogOfAnotherEncoding: a commit that lies about its encoding hides no other.
func TestLogOfAnotherEncoding(t *testing.T) {
	r, dir := repository(t, map[string]string{"a.yaml": "a\n"})
	run(t, dir, "-c", "i18n.commitEncoding=UTF-16", "commit", "-q", "--allow-empty", "-m", "Odd\n\nAssay-Outcome: reject")
	run(t, dir, "commit", "-q", "--allow-empty", "-m", "Last\n\nAssay-Outcome: promote")
	list, err := r.Recent(t.Context(), 5)
	if err != nil || len(list) != 3 || list[0].Subject != "Last" || list[1].Trailers["Assay-Outcome"] == nil || len(list[1].Parents) != 1 {
		t.Errorf("%+v, %v", list, err)
	}
}
