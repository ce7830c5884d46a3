package excerpt_test

import (
	"strings"
	"testing"

	"github.com/assaydev/assay/internal/excerpt"
)

func TestInert(t *testing.T) {
	for text, want := range map[string]string{
		"fixes #12":                              "fixes # 12",
		"Closes acme/shop#12, !3":                "Closes acme/shop# 12, ! 3",
		"resolve GH-7 and AB#9":                  "resolve GH- 7 and AB# 9",
		"fix https://x.example/a/b/issues/5":     "fix https://x.example/a/b/issues/ 5",
		"see a/b/-/merge_requests/5":             "see a/b/-/merge_requests/ 5",
		"cc @acme/team, (@bob)":                  "cc @ acme/team, (@ bob)",
		"web@sha256:0123":                        "web@sha256:0123",
		"a@example.com":                          "a@example.com",
		"SHOP-1 #close #comment done":            "SHOP-1 # close # comment done",
		"p99 is 120 ms [skip ci] [CI skip]":      "p99 is 120 ms [ skip ci] [ CI skip]",
		"[skip_ci], [ci_skip], [travis ci skip]": "[ skip_ci], [ ci_skip], [ travis ci skip]",
		"Fixes: SHOP-12, closes issue web-3":     "Fixes: SHOP- 12, closes issue web- 3",
		"CVE-2026-1234 and UTF-8 are fixed":      "CVE-2026-1234 and UTF-8 are fixed",
		"list[0] skips, a[b skip]c":              "list[0] skips, a[ b skip]c",
		"***NO_CI*** skip-checks: true":          "*** NO_CI*** skip-checks : true",
		"3 of 3 measurements, success = 1.0 !":   "3 of 3 measurements, success = 1.0 !",
	} {
		if got := excerpt.Inert(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}

func FuzzInert(f *testing.F) {
	for _, text := range []string{"fixes ##1", "@@a", "!#!1", "[skip ci", "[a skip]", "fix fixes A-1", "fixed:  A-1-2", "GH-GH-1", "/issues/issues/1", "@ @a"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		once := excerpt.Inert(text)
		if again := excerpt.Inert(once); again != once {
			t.Errorf("%q becomes %q, and then %q", text, once, again)
		}
		if squeezed := strings.ReplaceAll(once, " ", ""); squeezed != strings.ReplaceAll(text, " ", "") {
			t.Errorf("%q becomes %q: more than spaces differ", text, once)
		}
	})
}
