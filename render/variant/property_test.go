package variant_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/render/variant"
)

// random makes small environments and changes of them.
type random struct{ *rand.Rand }

func (r random) one(words ...string) string { return words[r.IntN(len(words))] }

func (r random) sometimes(part int) bool { return r.IntN(part) == 0 }

// labels picks from few keys and values, so that selectors overlap often.
func (r random) labels(atLeast int) string {
	var pairs []string
	for i, k := range []string{"app", "tier", "app.kubernetes.io/name", "zone"} {
		if i < atLeast || r.sometimes(3) {
			pairs = append(pairs, k+": "+r.one("a", "b", "c"))
		}
	}
	return "{" + strings.Join(pairs, ", ") + "}"
}

func (r random) selector(labels string) string {
	pairs := strings.Split(strings.Trim(labels, "{}"), ", ")
	return "{" + strings.Join(pairs[:1+r.IntN(len(pairs))], ", ") + "}"
}

// environment returns the text of one, with {vN} where a change may bite.
func (r random) environment() string {
	var docs []string
	add := func(format string, args ...any) { docs = append(docs, fmt.Sprintf(format, args...)) }
	for i := range 1 + r.IntN(3) {
		labels := r.labels(1)
		volume := "emptyDir: {}"
		if r.sometimes(2) {
			volume = fmt.Sprintf("%s: {name: c%d}", "configMap", r.IntN(3))
		}
		add("apiVersion: apps/v1\nkind: %s\nmetadata: {name: w%d, labels: {v: 'l{v%d}'}}\nspec:\n  serviceName: s%d\n  selector: {matchLabels: %s}\n  template:\n    metadata: {labels: %s}\n"+
			"    spec:\n      serviceAccountName: sa\n      containers: [{name: c, image: 'i:{v%d}', envFrom: [{secretRef: {name: c%d}}]}]\n      volumes: [{name: v, %s}]",
			r.one("Deployment", "StatefulSet"), i, 10+i, r.IntN(3), r.selector(labels), labels, i, r.IntN(3), volume)
	}
	for i := range 3 {
		add("apiVersion: v1\nkind: %s\nmetadata: {name: c%d, annotations: {v: 'l{v%d}'}}\ndata: {a: '{v%d}'}", r.one("ConfigMap", "Secret"), i, 20+i, 3+i)
	}
	for i := range r.IntN(3) {
		add("apiVersion: v1\nkind: Service\nmetadata: {name: s%d}\nspec: {selector: %s, ports: [{port: 80, name: '{v%d}', nodePort: 30000}]}", i, r.labels(r.IntN(2)), 6+i)
	}
	if r.sometimes(2) {
		add("apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: net}\nspec: {podSelector: {matchLabels: %s}, ingress: [{from: [{podSelector: {matchLabels: %s}}], ports: [{port: '{v9}'}]}]}",
			r.labels(0), r.labels(0))
	}
	if r.sometimes(3) {
		add("apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: pdb}\nspec: {selector: {matchLabels: %s}}", r.labels(1))
	}
	return strings.Join(docs, "\n---\n")
}

// change fills in the {vN}: the same everywhere before, some others after.
func (r random) change(text string) (baseline, candidate string) {
	before, after := []string{}, []string{}
	first := r.IntN(3)
	for i := range 30 {
		old, now := "old", "old"
		if i == first || r.sometimes(8) {
			now = "new"
		}
		mark := fmt.Sprintf("{v%d}", i)
		before, after = append(before, mark, old), append(after, mark, now)
	}
	return strings.NewReplacer(before...).Replace(text), strings.NewReplacer(after...).Replace(text)
}

func TestPropertiesOfVariants(t *testing.T) {
	built := map[string]int{}
	for seed := range uint64(500) {
		r := random{rand.New(rand.NewPCG(seed, 1))} //nolint:gosec // a test must be repeatable
		baseline, candidate := r.change(r.environment())
		traffic := r.one("isolated", "isolated", "shared")
		in := variant.Input{
			Plan:     plan(t, "{candidate: {traffic: "+traffic+"}, untested: ["+r.one("", "{kind: ConfigMap, name: c1}, {kind: Secret, name: c1}")+"]}"),
			Baseline: parse(t, baseline), Candidate: parse(t, candidate), Namespace: "shop",
		}
		res, err := variant.Build(context.Background(), in)
		if render(t, in.Baseline) != render(t, parse(t, baseline)) || render(t, in.Candidate) != render(t, parse(t, candidate)) {
			t.Fatalf("seed %d: the inputs were changed", seed)
		}
		if err != nil {
			continue
		}
		built[traffic]++
		again := build(t, in)
		if render(t, res.Objects) != render(t, again.Objects) || fmt.Sprint(res.Untested, res.Selected, res.Warnings) != fmt.Sprint(again.Untested, again.Selected, again.Warnings) {
			t.Errorf("seed %d: two runs differ", seed)
		}
		for _, problem := range problems(t, in, res, traffic == "shared") {
			t.Errorf("seed %d: %s\nbaseline:\n%s\ncandidate:\n%s\nvariant:\n%s", seed, problem, baseline, candidate, render(t, res.Objects))
		}
		if t.Failed() {
			return
		}
	}
	if built["isolated"] < 60 || built["shared"] < 60 {
		t.Errorf("too few environments could be built: %v", built)
	}
}

// problems says which properties the variant lacks.
func problems(t *testing.T, in variant.Input, res *variant.Result, shared bool) []string {
	t.Helper()
	var out []string
	all := map[object.Key]bool{}
	for _, o := range in.Baseline {
		all[object.KeyOf(o)] = true
	}
	for _, o := range res.Objects {
		if all[object.KeyOf(o)] {
			out = append(out, object.KeyOf(o).String()+" is there twice")
		}
		all[object.KeyOf(o)] = true
	}
	for _, o := range res.Objects {
		for _, k := range object.References(o) {
			if !all[k] && k.Kind != "ServiceAccount" && !dangling(in.Baseline, k) {
				out = append(out, object.KeyOf(o).String()+" refers to "+k.String()+", which is nowhere")
			}
		}
	}
	for _, o := range in.Baseline {
		for _, target := range res.Targets {
			before, after := selectsPods(o, target.Baseline), selectsPods(o, target.Candidate)
			if after && !shared {
				out = append(out, object.KeyOf(o).String()+" selects the variant "+target.Candidate.GetName())
			}
			if before && !after && shared {
				out = append(out, object.KeyOf(o).String()+" does not select the variant "+target.Candidate.GetName())
			}
		}
	}
	for _, o := range res.Objects {
		for _, w := range in.Baseline {
			// A NetworkPolicy may select the baseline's pods, to let the variant through to them.
			if o.GetKind() != "NetworkPolicy" && selectsPods(o, w) {
				out = append(out, object.KeyOf(o).String()+" selects the baseline's "+w.GetName())
			}
		}
	}
	return append(out, unseen(in, res)...)
}

// dangling reports whether the baseline's own workloads refer to k in vain too.
func dangling(baseline []*unstructured.Unstructured, k object.Key) bool {
	for _, o := range baseline {
		for _, have := range object.References(o) {
			if have == k {
				return true
			}
		}
	}
	return false
}

// selectsPods reports whether o selects the pods of the workload w.
func selectsPods(o, w *unstructured.Unstructured) bool {
	path, ok := object.PodTemplate(w)
	if !ok || o.GetKind() == "ServiceMonitor" {
		return false
	}
	selector, ok, err := object.SelectorOf(o)
	if err != nil || !ok || selector.Empty() {
		return false
	}
	have, _, _ := unstructured.NestedStringMap(w.Object, append(path[:len(path):len(path)], "metadata", "labels")...)
	return selector.Matches(labels.Set(have))
}

// unseen is law 5, told again in other words: for each object that differs
// beyond its own labels and annotations, the variant holds the candidate's.
func unseen(in variant.Input, res *variant.Result) []string {
	var out []string
	for _, d := range object.Diff(in.Baseline, in.Candidate) {
		before, after := d.Before.DeepCopy(), d.After.DeepCopy()
		for _, o := range []*unstructured.Unstructured{before, after} {
			unstructured.RemoveNestedField(o.Object, "metadata", "labels")
			unstructured.RemoveNestedField(o.Object, "metadata", "annotations")
		}
		if object.Equal(before.Object, after.Object) {
			continue
		}
		seen := false
		for _, u := range res.Untested {
			seen = seen || strings.HasPrefix(u, d.Key.String()+" (listed")
		}
		for _, o := range res.Objects {
			if o.GetKind() == d.Key.Kind && o.GetName() == d.Key.Name+"-candidate" {
				seen = true
				for _, path := range []string{"data", "spec.ports.0.name", "spec.template.spec.containers.0.image"} {
					if !object.Equal(at(o, path), at(d.After, path)) {
						out = append(out, d.Key.String()+" is not the candidate's in the variant")
					}
				}
			}
		}
		if !seen {
			out = append(out, d.Key.String()+" ships unseen")
		}
	}
	return out
}
