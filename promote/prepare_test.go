package promote

import (
	"context"
	"errors"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/test/envrepo"
)

// TestNext sets the change under test where the plan says, by the name that
// renders there.
func TestNext(t *testing.T) {
	mirror := strings.ReplaceAll(envrepo.Deployment("web"), "example.com/", "mirror.example.org/")
	tree := envrepo.Shop().With(envrepo.Files{
		"prod/assay.yaml":        envrepo.Plan("promotion: {to: [{path: ../eu}, {path: ../us}, {path: ../same}, {path: ../held}, {path: ../short}, {path: x, repo: 'https://example.com/other'}, {path: ../b, branch: b}]}"),
		"eu/web.yaml":            mirror,
		"us/web.yaml":            envrepo.Deployment("web"),
		"us/assay.yaml":          envrepo.Plan("queue: every"),
		"us/candidate.yaml":      envrepo.Skip + envrepo.Marker("1.9.0"),
		"same/web.yaml":          strings.ReplaceAll(envrepo.Deployment("web"), ":1.0.0", ":2.0.0"),
		"held/web.yaml":          envrepo.Deployment("web"),
		"held/candidate.yaml":    envrepo.Skip + envrepo.Marker("2.0.0"),
		"short/web.yaml":         envrepo.Deployment("web"),
		"short/candidate.yaml":   envrepo.Skip + strings.ReplaceAll(envrepo.Marker("2.0.0"), "example.com/shop/", ""),
		"elsewhere/unrelated.md": "stays\n",
	})
	dir := tree.On(t)
	e := decided(t, dir, "prod", decision.Promote)
	got := envrepo.Read(t, os.DirFS(dir))
	want := maps.Clone(tree)
	delete(want, "prod/candidate.yaml")
	for _, name := range []string{"prod/web.yaml", "prod/cart.yaml"} {
		want[name] = strings.ReplaceAll(want[name], ":1.0.0", ":2.0.0")
	}
	second := envrepo.Marker("2.0.0")
	first := envrepo.Marker("1.9.0")
	want["eu/candidate.yaml"] = envrepo.Skip + strings.ReplaceAll(second, "example.com/", "mirror.example.org/")
	want["us/candidate.yaml"] = envrepo.Skip + first + "---\n" + second
	envrepo.Same(t, "the tree", want, got)
	var states []NextState
	for _, n := range e.Next {
		states = append(states, n.State)
	}
	if !slices.Equal(states, []NextState{Set, Set, Already, Already, Already, Elsewhere, Elsewhere}) {
		t.Errorf("states %v", states)
	}
}

func TestNextOnTheSameBranch(t *testing.T) {
	dir := envrepo.Shop().With(envrepo.Files{
		"prod/assay.yaml": envrepo.Plan("promotion: {to: [{path: ../eu, branch: main}]}"),
		"eu/web.yaml":     envrepo.Deployment("web"),
	}).On(t)
	for branch, want := range map[string]NextState{"main": Set, "other": Elsewhere, "": Elsewhere} {
		e, err := Prepare(t.Context(), mustRequest(t, dir, "prod"), Options{Outcome: decision.Promote, Branch: func(context.Context) (string, error) { return branch, nil }})
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
		dir := envrepo.Shop().With(envrepo.Files{
			"prod/assay.yaml": envrepo.Plan("promotion: {to: [" + to + "]}"),
			"job/web.yaml":    strings.ReplaceAll(envrepo.Deployment("web"), "shop/web", "shop/other"),
		}).On(t)
		before := envrepo.Read(t, os.DirFS(dir))
		_, err := prepare(t, dir, "prod", decision.Promote)
		if want == "../nowhere" {
			want = "nowhere is not a directory of the repository: correct the path, which starts at this environment"
		}
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "spec.promotion.to[0]") {
			t.Errorf("%s: %v", to, err)
		}
		envrepo.Same(t, to, before, envrepo.Read(t, os.DirFS(dir)))
	}
}

// TestHalfEdited covers files that already hold the change, in part or wholly,
// without a record: someone made it by hand.
func TestHalfEdited(t *testing.T) {
	half := envrepo.Shop()
	half["prod/web.yaml"] = strings.ReplaceAll(half["prod/web.yaml"], ":1.0.0", ":2.0.0")
	whole := maps.Clone(half)
	whole["prod/cart.yaml"] = strings.ReplaceAll(whole["prod/cart.yaml"], ":1.0.0", ":2.0.0")
	want := maps.Clone(whole)
	delete(want, "prod/candidate.yaml")
	for name, tree := range map[string]envrepo.Files{"half": half, "whole": whole} {
		dir := tree.On(t)
		decided(t, dir, "prod", decision.Promote)
		envrepo.Same(t, name, want, envrepo.Read(t, os.DirFS(dir)))
	}
}

// TestRejectNeedsNoWorkingCandidate drops one that does not render.
func TestRejectNeedsNoWorkingCandidate(t *testing.T) {
	tree := envrepo.Shop()
	tree["prod/candidate.yaml"] = strings.ReplaceAll(envrepo.Marker("2.0.0"), "shop/web", "shop/nothing")
	dir := tree.On(t)
	if _, err := prepare(t, dir, "prod", decision.Promote); err == nil {
		t.Error("a candidate that does not render can be promoted")
	}
	e := decided(t, dir, "prod", decision.Reject)
	if e.ID != "" || len(e.Warnings) != 1 {
		t.Errorf("ID %q, warnings %v", e.ID, e.Warnings)
	}
	delete(tree, "prod/candidate.yaml")
	envrepo.Same(t, "the tree", tree, envrepo.Read(t, os.DirFS(dir)))
}

// TestLawsAreHeld gives Prepare renders that the edited files do not yield.
func TestLawsAreHeld(t *testing.T) {
	for _, test := range []struct {
		outcome decision.Outcome
		law     int
	}{{decision.Promote, 2}, {decision.Reject, 3}} {
		dir := envrepo.Shop().On(t)
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
		dir := envrepo.Shop().With(envrepo.Files{"other.yaml": "a: c\n", "prod/assay.yaml": envrepo.Plan("queue: every")}).On(t)
		res := mustRender(t, dir, "prod")
		res.Edited[name] = data
		_, err := Prepare(t.Context(), mustRequest(t, dir, "prod"), Options{Outcome: decision.Promote, Rendered: res})
		var law *LawError
		if !errors.As(err, &law) || law.Law != 4 || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
