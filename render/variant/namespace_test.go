package variant_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/render/variant"
)

func TestSameIn(t *testing.T) {
	named := "\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: x, namespace: %s}\n"
	for name, tc := range map[string]struct {
		plan, more, namespace string
		want                  bool
	}{
		"the same":                    {"candidate: {rewriteAddresses: true}", "", "shop", true},
		"another":                     {"{}", "", "", true},
		"addresses hold it":           {"candidate: {rewriteAddresses: true}", "", "", false},
		"a target names one":          {"targets: [{kind: Deployment, name: web, namespace: shop}]", "", "", false},
		"one ships untested there":    {"untested: [{kind: Job, name: a, namespace: shop}]", "", "", false},
		"an object names it":          {"{}", fmt.Sprintf(named, "shop"), "", false},
		"an object names the other":   {"{}", fmt.Sprintf(named, "other"), "other", false},
		"an object names a third one": {"{}", fmt.Sprintf(named, "third"), "other", true},
	} {
		in := input(t, tc.plan, web+webService+tc.more, "web:v1", "web:v2")
		if got := in.SameIn(tc.namespace); got != tc.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	every := input(t, "{}", strings.Replace(web, "  name: web\n", "  name: web\n  namespace: shop\n", 1), "web:v1", "web:v2")
	if !strings.Contains(render(t, every.Baseline), "namespace: shop") || !every.SameIn("") {
		t.Error("where every object names its namespace, another one has no use")
	}
	if !(variant.Input{Namespace: "a"}).SameIn("b") {
		t.Error("an environment of nothing")
	}
}

// TestSameInHolds: where it says so, both have the same objects.
func TestSameInHolds(t *testing.T) {
	same := 0
	for seed := range uint64(2000) {
		r := random{rand.New(rand.NewPCG(seed, 3))} //nolint:gosec // a test must be repeatable
		text := r.environment()
		for range r.IntN(4) {
			text = strings.Replace(text, r.one("{name: c0", "{name: w0", "{name: s0", "{name: net"), r.one("{name: c0", "{name: w0", "{name: s0", "{name: net")+", namespace: "+r.one("shop", "other", "third"), 1)
		}
		baseline, candidate := r.change(text)
		in := variant.Input{Plan: &spec.Plan{}, Baseline: parse(t, baseline), Candidate: parse(t, candidate), Namespace: "shop"}
		other := in
		other.Namespace = r.one("", "other")
		if !in.SameIn(other.Namespace) {
			continue
		}
		one, oneErr := variant.Build(context.Background(), in)
		two, twoErr := variant.Build(context.Background(), other)
		if fmt.Sprint(oneErr) != fmt.Sprint(twoErr) {
			t.Fatalf("seed %d: %v, and %v", seed, oneErr, twoErr)
		}
		if oneErr != nil {
			continue
		}
		same++
		if a, b := summary(t, one), summary(t, two); a != b {
			t.Fatalf("seed %d:\n%s\nand\n%s", seed, a, b)
		}
	}
	if same < 100 {
		t.Errorf("too few environments: %d", same)
	}
}

func summary(t *testing.T, r *variant.Result) string {
	t.Helper()
	text := render(t, r.Before) + "=====\n" + render(t, r.After) + "=====\n" + render(t, r.Objects)
	for _, target := range r.Targets {
		text += "=====\n" + target.Baseline.GetName() + " " + target.Candidate.GetName()
	}
	return text
}
