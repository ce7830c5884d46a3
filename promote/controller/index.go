package controller

import (
	"maps"
	"slices"
	"sync"
)

// index remembers what looks at environments found, for when something changes. It only tells
// where to look.
type index struct {
	mu    sync.Mutex
	id    map[Key]string              // that was under test last
	tests map[string]map[Key][]string // by it, with the namespaces that what judges names
	under map[Key]bool                // something is under way: a hold, or an open pull request
}

func newIndex() *index {
	return &index{id: map[Key]string{}, tests: map[string]map[Key][]string{}, under: map[Key]bool{}}
}

// test remembers what an environment has under test, and which namespaces the objects that judge it name.
func (x *index) test(key Key, id string, namespaces ...string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.untest(key)
	if id == "" {
		return
	}
	x.id[key] = id
	if x.tests[id] == nil {
		x.tests[id] = map[Key][]string{}
	}
	x.tests[id][key] = namespaces
}

// untest forgets what an environment has under test.
func (x *index) untest(key Key) {
	id := x.id[key]
	delete(x.id, key)
	if delete(x.tests[id], key); len(x.tests[id]) == 0 {
		delete(x.tests, id)
	}
}

// forget drops what is known of an environment that nothing deploys any more. One that went
// away during a look is looked at again, and then forgotten.
func (x *index) forget(key Key) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.untest(key)
	delete(x.under, key)
}

// mark remembers whether something is under way.
func (x *index) mark(key Key, under bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if under {
		x.under[key] = true
	} else {
		delete(x.under, key)
	}
}

// underWay are the environments where something is.
func (x *index) underWay() []Key {
	x.mu.Lock()
	defer x.mu.Unlock()
	return slices.Collect(maps.Keys(x.under))
}

// testing are the environments that test an experiment's ID with an object that names a namespace.
func (x *index) testing(id, namespace string) (keys []Key) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for key, namespaces := range x.tests[id] {
		if slices.Contains(namespaces, namespace) {
			keys = append(keys, key)
		}
	}
	return keys
}
