package remote

import (
	"slices"
	"sync"
)

// known is what git said of a store, where nothing is ever lost and no id ever
// means something else: it is not asked again. It is safe for concurrent use.
type known struct {
	mu       sync.Mutex
	here     map[string]bool   // objects
	trees    map[string]string // ids of root trees, by commit
	branches map[string]bool   // names that are fit for one
}

func newKnown() *known {
	return &known{here: map[string]bool{}, trees: map[string]string{}, branches: map[string]bool{}}
}

// add notes that objects are here.
func (k *known) add(ids ...string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, id := range ids {
		k.here[id] = true
	}
}

// others are those of the objects that nothing is known of.
func (k *known) others(ids []string) []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return k.here[id] })
}

// tree is the root tree of a commit, empty where it is not known.
func (k *known) tree(commit string) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.trees[commit]
}

// addTree notes the root tree of a commit that is here.
func (k *known) addTree(commit, tree string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.here[commit], k.trees[commit] = true, tree
}

func (k *known) isBranch(name string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.branches[name]
}

func (k *known) addBranch(name string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.branches[name] = true
}
