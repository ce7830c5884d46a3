package gitrepo

import (
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
	if none, err := r.Log(t.Context(), "HEAD", "HEAD"); err != nil || len(none) != 0 {
		t.Errorf("nothing after HEAD: %v, %v", none, err)
	}
}

func TestChanged(t *testing.T) {
	r, dir := repository(t, map[string]string{"web.yaml": "1\n", "other": "1"})
	t.Setenv("GIT_COMMITTER_DATE", "2020-01-02T03:04:05Z")
	write(t, dir, "web.yaml", "2\n")
	run(t, dir, "commit", "-q", "-a", "-m", "change")
	at, err := r.Changed(t.Context(), "web.yaml")
	if err != nil || at.UTC().Format("2006-01-02 15:04:05") != "2020-01-02 03:04:05" {
		t.Errorf("changed %v, %v", at, err)
	}
	write(t, dir, "web.yaml", "3\n")
	for _, name := range []string{"web.yaml", "nowhere"} {
		if at, err := r.Changed(t.Context(), name); err != nil || !at.IsZero() {
			t.Errorf("%s: changed %v, %v", name, at, err)
		}
	}
}
