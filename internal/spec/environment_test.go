package spec_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/spec"
)

// TestEnvironmentGivesNoOrders: what a directory is called closes no issue, mentions nobody, begins no
// trailer, and is read back as it was.
func TestEnvironmentGivesNoOrders(t *testing.T) {
	check := func(dir, name string) {
		t.Helper()
		e := spec.Environment{Dir: dir, Name: name}
		text := e.String()
		if back, err := spec.ParseEnvironment(text); err != nil || back != e {
			t.Errorf("%q is written as %s and read as %q, %v", dir, text, back.Dir, err)
		}
		if excerpt.Inert(text) != text || strings.ContainsAny(text, "\r\n") {
			t.Errorf("%q is written as %s, which a forge takes for an order", dir, text)
		}
	}
	for _, dir := range []string{"fixes #12", "@octocat", "x [skip ci]", "closes GH-3", "resolves acme/shop#3", "a\nSigned-off-by: x", "prod (eu)", `say "hi"`, "", "пром", "\xff"} {
		check(dir, "")
		check(dir, "eu")
	}
	parts := []string{"fixes", "close", "#", "@", "!", "[", "]", "ci", "skip", "GH-", "1", "2", " ", "/", "-", ":", "\\", `"`, "(", ")", "\n", "\t", "a", "é", "\x00", "https://", "x20"}
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a test must be repeatable
	for range 5000 {
		var dir strings.Builder
		for range random.IntN(8) {
			dir.WriteString(parts[random.IntN(len(parts))])
		}
		check(dir.String(), "")
	}
	if got := (spec.Environment{Dir: "apps/shop-eu", Name: "prod"}).String(); got != "apps/shop-eu (prod)" {
		t.Errorf("a plain one is written as %s", got)
	}
}
