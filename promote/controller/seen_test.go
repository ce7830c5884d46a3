package controller

import (
	"strings"
	"testing"
	"time"

	"github.com/assaydev/assay/internal/application"
	"github.com/assaydev/assay/promote/controller/fleet"
)

// TestSeen: an object wakes the environments that are deployed to its namespace of its cluster, and those there
// whose experiment names the namespace; whatever ID others give theirs elsewhere.
func TestSeen(t *testing.T) {
	near, far := api(t), api(t)
	h := newHub(t, nil)
	h.secret("near", near)
	h.secret("far", far)
	h.app("shop", `{"name":"near","namespace":"web"}`, `{}`)
	h.app("cart", `{"name":"far","namespace":"web"}`, `{}`)
	until(t, "both are watched", func() bool { return near.Watches() == 2 && far.Watches() == 2 })
	key := h.applications.at(application.Target{Name: "near"}, "web")[0]
	h.index.test(key, "e1", "", "db")
	for name, test := range map[string]struct {
		at, namespace, want string
	}{
		"where it is deployed":          {"near", "web", "shop"},
		"a namespace that it names":     {"near", "db", "shop"},
		"another namespace":             {"near", "theirs", ""},
		"that namespace, elsewhere":     {"far", "db", ""},
		"the same namespace, elsewhere": {"far", "web", "cart"},
	} {
		woken := &woken{}
		w := &watches{index: h.index, applications: h.applications, fleet: h.fleet, started: h.started, queue: woken}
		w.seen(application.Target{Name: test.at}, fleet.Sighting{Namespace: test.namespace, Name: "judge", Experiment: "e1"})
		if got := strings.Join(woken.dirs, " "); got != test.want {
			t.Errorf("an object of %s wakes %q, want %q", name, got, test.want)
		}
	}
}

// woken is a queue that takes what is looked at soon.
type woken struct {
	queue
	dirs []string
}

func (w *woken) AddAfter(key Key, _ time.Duration) { w.dirs = append(w.dirs, key.Dir) }
