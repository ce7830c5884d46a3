package variant

import (
	"slices"

	"k8s.io/apimachinery/pkg/labels"
)

// place is where selectors and pods meet: a label in a namespace.
type place struct{ namespace, key, value string }

// places are those where every pod is that the selector matches. There may be none.
func (s selector) places() []place {
	var out []place
	for k, v := range s.equals {
		if value, ok := v.(string); ok {
			out = append(out, place{s.namespace, k, value})
		}
	}
	return out
}

// selectorIndex finds the selectors that match a pod without trying all of them.
type selectorIndex struct {
	list []selector
	at   map[place][]int  // positions in list, each at the place where the fewest are
	rest map[string][]int // by namespace: those that ask for no one label
}

func newSelectorIndex(list []selector) *selectorIndex {
	x := &selectorIndex{list: list, at: map[place][]int{}, rest: map[string][]int{}}
	crowd := map[place]int{}
	for _, s := range list {
		for _, p := range s.places() {
			crowd[p]++
		}
	}
	for i, s := range list {
		places := s.places()
		if len(places) == 0 {
			x.rest[s.namespace] = append(x.rest[s.namespace], i)
			continue
		}
		p := slices.MinFunc(places, func(p, q place) int { return crowd[p] - crowd[q] })
		x.at[p] = append(x.at[p], i)
	}
	return x
}

// matching returns the selectors that match a pod of the namespace, in their order.
func (x *selectorIndex) matching(namespace string, pod map[string]string) []selector {
	at := slices.Clone(x.rest[namespace])
	for k, v := range pod {
		at = append(at, x.at[place{namespace, k, v}]...)
	}
	slices.Sort(at)
	var out []selector
	for _, i := range at {
		if x.list[i].match.Matches(labels.Set(pod)) {
			out = append(out, x.list[i])
		}
	}
	return out
}

// podIndex finds the owners of the pods that a selector matches, likewise.
type podIndex[T any] struct {
	all map[string][]pods[T] // by namespace
	at  map[place][]pods[T]
}

type pods[T any] struct {
	owner  T
	labels labels.Set
}

func newPodIndex[T any]() *podIndex[T] {
	return &podIndex[T]{map[string][]pods[T]{}, map[place][]pods[T]{}}
}

func (x *podIndex[T]) add(owner T, namespace string, pod map[string]string) {
	p := pods[T]{owner, pod}
	x.all[namespace] = append(x.all[namespace], p)
	for k, v := range pod {
		at := place{namespace, k, v}
		x.at[at] = append(x.at[at], p)
	}
}

// matching returns the owners in the order in which they were added.
func (x *podIndex[T]) matching(s selector) []T {
	few := x.all[s.namespace]
	for _, p := range s.places() {
		if there := x.at[p]; len(there) < len(few) {
			few = there
		}
	}
	var out []T
	for _, p := range few {
		if s.match.Matches(p.labels) {
			out = append(out, p.owner)
		}
	}
	return out
}
