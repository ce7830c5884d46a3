package fleet

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/assaydev/assay/internal/engine"
)

// Sighting is an object of a watch: as much of it as says where to look.
type Sighting struct {
	Namespace, Name string
	Experiment      string // its label
}

// sightings tells of objects that are new, have changed, or are gone: also of what changed while the watch
// was interrupted, and of nothing else once it goes on. It keeps of each its Sighting and its version.
//
// It is the store of one reflector, which calls it from one goroutine.
type sightings struct {
	counts func(Sighting) bool // nil: all do
	tell   func(Sighting)
	have   map[types.NamespacedName]kept
}

// kept is what is known of it.
type kept struct{ experiment, version string }

func newSightings(counts func(Sighting) bool, tell func(Sighting)) *sightings {
	return &sightings{counts: counts, tell: tell, have: map[types.NamespacedName]kept{}}
}

// Add makes it a cache.ReflectorStore.
func (s *sightings) Add(o any) error {
	m, err := metadataOf(o)
	if err == nil {
		s.see(m)
	}
	return err
}

// Update makes it a cache.ReflectorStore.
func (s *sightings) Update(o any) error { return s.Add(o) }

// Delete makes it a cache.ReflectorStore.
func (s *sightings) Delete(o any) error {
	m, err := metadataOf(o)
	if err != nil {
		return err
	}
	seen := sightingOf(m)
	delete(s.have, types.NamespacedName{Namespace: seen.Namespace, Name: seen.Name})
	s.say(seen)
	return nil
}

// Replace takes what a list holds: what it does not is gone.
func (s *sightings) Replace(list []any, _ string) error {
	gone := s.have
	s.have = make(map[types.NamespacedName]kept, len(list))
	for _, o := range list {
		m, err := metadataOf(o)
		if err != nil {
			return err
		}
		key := types.NamespacedName{Namespace: m.Namespace, Name: m.Name}
		if before, known := gone[key]; known {
			s.have[key] = before
			delete(gone, key)
		}
		s.see(m)
	}
	for key, was := range gone {
		s.say(Sighting{key.Namespace, key.Name, was.experiment})
	}
	return nil
}

// Resync makes it a cache.ReflectorStore. There is nothing to tell anew.
func (s *sightings) Resync() error { return nil }

func (s *sightings) see(m *metav1.PartialObjectMetadata) {
	seen := sightingOf(m)
	if s.counts != nil && !s.counts(seen) {
		return
	}
	key, now := types.NamespacedName{Namespace: seen.Namespace, Name: seen.Name}, kept{seen.Experiment, m.ResourceVersion}
	if s.have[key] != now {
		s.have[key] = now
		s.tell(seen)
	}
}

func (s *sightings) say(seen Sighting) {
	if s.counts == nil || s.counts(seen) {
		s.tell(seen)
	}
}

func sightingOf(m *metav1.PartialObjectMetadata) Sighting {
	return Sighting{m.Namespace, m.Name, m.Labels[engine.ExperimentLabel]}
}

func metadataOf(o any) (*metav1.PartialObjectMetadata, error) {
	m, ok := o.(*metav1.PartialObjectMetadata)
	if !ok {
		return nil, fmt.Errorf("watch objects: %T is not metadata", o)
	}
	return m, nil
}
