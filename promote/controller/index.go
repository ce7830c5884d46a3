package controller

import (
	"maps"
	"slices"
	"sync"

	"github.com/assaydev/assay/internal/application"
)

// index says which environments a change may concern. It is made from events, and only
// tells where to look.
type index struct {
	mu    sync.Mutex
	apps  map[application.Name][]deploys
	tests map[string]map[Key]bool // by the ID that was under test last
	under map[Key]bool            // something is under way: a hold, or an open pull request
}

// deploys is one environment that an Application deploys.
type deploys struct {
	key       Key
	namespace string
}

func newIndex() *index {
	return &index{apps: map[application.Name][]deploys{}, tests: map[string]map[Key]bool{}, under: map[Key]bool{}}
}

// put replaces what an Application deploys, and returns the environments that this
// concerns: those of before, too. Without any it is dropped.
func (x *index) put(app application.Name, now []deploys) []Key {
	x.mu.Lock()
	defer x.mu.Unlock()
	keys := map[Key]bool{}
	for _, d := range slices.Concat(x.apps[app], now) {
		keys[d.key] = true
	}
	if len(now) == 0 {
		delete(x.apps, app)
	} else {
		x.apps[app] = now
	}
	return slices.Collect(maps.Keys(keys))
}

// test remembers what an environment has under test.
func (x *index) test(key Key, id string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for old, keys := range x.tests {
		if delete(keys, key); len(keys) == 0 {
			delete(x.tests, old)
		}
	}
	if id == "" {
		return
	}
	if x.tests[id] == nil {
		x.tests[id] = map[Key]bool{}
	}
	x.tests[id][key] = true
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

// concerned are the environments that an object of an experiment may be about: those that
// test its ID, and those that are deployed to its namespace.
func (x *index) concerned(id, namespace string) []Key {
	x.mu.Lock()
	defer x.mu.Unlock()
	keys := maps.Clone(x.tests[id])
	if keys == nil {
		keys = map[Key]bool{}
	}
	for _, list := range x.apps {
		for _, d := range list {
			if d.namespace == namespace {
				keys[d.key] = true
			}
		}
	}
	return slices.Collect(maps.Keys(keys))
}
