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
	count map[Key]int             // of the sources that deploy an environment
	id    map[Key]string          // that was under test last
	tests map[string]map[Key]bool // by it
	under map[Key]bool            // something is under way: a hold, or an open pull request
}

// deploys is one environment that an Application deploys.
type deploys struct {
	key       Key
	namespace string
}

func newIndex() *index {
	return &index{
		apps: map[application.Name][]deploys{}, count: map[Key]int{}, id: map[Key]string{}, tests: map[string]map[Key]bool{}, under: map[Key]bool{},
	}
}

// put replaces what an Application deploys, and returns the environments that this
// concerns: those of before, too. Without any it is dropped, and so is what is known of an
// environment that nothing deploys any more.
func (x *index) put(app application.Name, now []deploys) []Key {
	x.mu.Lock()
	defer x.mu.Unlock()
	keys := map[Key]bool{}
	for _, d := range now {
		keys[d.key] = true
		x.count[d.key]++
	}
	for _, d := range x.apps[app] {
		keys[d.key] = true
		if x.count[d.key]--; x.count[d.key] == 0 {
			delete(x.count, d.key)
			delete(x.under, d.key)
			x.untest(d.key)
		}
	}
	if len(now) == 0 {
		delete(x.apps, app)
	} else {
		x.apps[app] = now
	}
	return slices.Collect(maps.Keys(keys))
}

// test remembers what an environment has under test. One that went away during a look is not
// remembered.
func (x *index) test(key Key, id string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.untest(key)
	if id == "" || x.count[key] == 0 {
		return
	}
	x.id[key] = id
	if x.tests[id] == nil {
		x.tests[id] = map[Key]bool{}
	}
	x.tests[id][key] = true
}

// untest forgets what an environment has under test.
func (x *index) untest(key Key) {
	id := x.id[key]
	delete(x.id, key)
	if delete(x.tests[id], key); len(x.tests[id]) == 0 {
		delete(x.tests, id)
	}
}

// mark remembers whether something is under way.
func (x *index) mark(key Key, under bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if under && x.count[key] > 0 {
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
