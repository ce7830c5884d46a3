package variant

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/labels"
)

// TestIndexes: both find what trying all would, in the same order.
func TestIndexes(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a test needs no secret
	one := func(words ...string) string { return words[r.IntN(len(words))] }
	namespace := func() string { return one("", "a", "b") }
	pod := func() map[string]string {
		out := map[string]string{}
		for range r.IntN(4) {
			out[one("app", "tier", "zone")] = one("x", "y", "z")
		}
		return out
	}
	for round := range 200 {
		var selectors []selector
		var carriers []pods[int]
		var places []string
		index := newPodIndex[int]()
		for i := range 20 {
			content := map[string]any{"matchLabels": map[string]any{}}
			equals := equalities(content, false)
			for k, v := range pod() {
				equals[k] = v
			}
			if r.IntN(3) == 0 {
				content["matchExpressions"] = []any{map[string]any{"key": "app", "operator": one("Exists", "DoesNotExist")}}
			}
			match, err := compile(content, false)
			if err != nil {
				t.Fatal(err)
			}
			selectors = append(selectors, selector{namespace: namespace(), equals: equals, match: match})
			p := pods[int]{i, labels.Set(pod())}
			carriers, places = append(carriers, p), append(places, namespace())
			index.add(i, places[i], p.labels)
		}
		all := newSelectorIndex(selectors)
		for i, p := range carriers {
			var want, got []string
			for _, s := range selectors {
				if s.namespace == places[i] && s.match.Matches(p.labels) {
					want = append(want, fmt.Sprint(s))
				}
			}
			for _, s := range all.matching(places[i], p.labels) {
				got = append(got, fmt.Sprint(s))
			}
			if !slices.Equal(got, want) {
				t.Fatalf("round %d: selectors of %v in %q: %v, want %v", round, p.labels, places[i], got, want)
			}
		}
		for _, s := range selectors {
			var want []int
			for i, p := range carriers {
				if s.namespace == places[i] && s.match.Matches(p.labels) {
					want = append(want, i)
				}
			}
			if got := index.matching(s); !slices.Equal(got, want) {
				t.Fatalf("round %d: pods of %v in %q: %v, want %v", round, s.match, s.namespace, got, want)
			}
		}
	}
}

// TestAddressBook: a text finds every Service whose name it can address, and hardly any other.
func TestAddressBook(t *testing.T) {
	var services []*clone
	for _, name := range []string{"web", "web-2", "a.b", "API"} {
		p := &clone{}
		p.key.Name = name
		services = append(services, p)
	}
	book := newAddressBook(services)
	for text, want := range map[string][]int{
		"":                            {2},
		"http://web:80":               {0, 2},
		"web-2.shop.svc,web web":      {0, 1, 2},
		"jdbc:API/x?host=webserver":   {2, 3},
		" web \n":                     {0, 2},
		"my-web":                      {2},
		"user:pass@web-2/über web_2!": {0, 1, 2},
	} {
		if got := book.in(text, 0); !slices.Equal(got, want) {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
	if got := book.in("web web-2", 1); !slices.Equal(got, []int{1, 2}) {
		t.Errorf("from 1: %v", got)
	}
}
