package clustersecret

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/assaydev/assay/internal/application"
	"github.com/assaydev/assay/internal/excerpt"
)

// Set is the cluster Secrets of one Argo CD. The zero Set has none, and knows the cluster that Argo CD
// runs in all the same.
type Set struct {
	secrets map[string]entry           // by name
	servers map[string]map[string]bool // Secrets by canonical server
	names   map[string]map[string]bool // Secrets by the cluster's name
}

type entry struct {
	cluster *Cluster
	err     error
}

// ErrUnknown is a cluster that no Secret is about.
var ErrUnknown = errors.New("no cluster Secret of Argo CD is about it: its label is " + TypeLabel + ": " + Type)

// Put adds or replaces what Read said of a Secret.
func (s *Set) Put(c *Cluster, err error) {
	s.Remove(c.Secret)
	if s.secrets == nil {
		s.secrets, s.servers, s.names = map[string]entry{}, map[string]map[string]bool{}, map[string]map[string]bool{}
	}
	s.secrets[c.Secret] = entry{c, err}
	add(s.servers, canonical(c.Server), c.Secret)
	add(s.names, c.Name, c.Secret)
}

// Remove drops a Secret. It returns what it was about, nil where it was not there.
func (s *Set) Remove(secret string) *Cluster {
	e, found := s.secrets[secret]
	if !found {
		return nil
	}
	delete(s.secrets, secret)
	remove(s.servers, canonical(e.cluster.Server), secret)
	remove(s.names, e.cluster.Name, secret)
	return e.cluster
}

func add(to map[string]map[string]bool, key, secret string) {
	if key == "" {
		return
	}
	if to[key] == nil {
		to[key] = map[string]bool{}
	}
	to[key][secret] = true
}

func remove(from map[string]map[string]bool, key, secret string) {
	if delete(from[key], secret); len(from[key]) == 0 {
		delete(from, key)
	}
}

// Same are the clusters of other Secrets for the same server as c, or by the same name: what is true of
// them may change with it.
func (s *Set) Same(c *Cluster) (list []*Cluster) {
	for _, by := range []map[string]bool{s.servers[canonical(c.Server)], s.names[c.Name]} {
		for secret := range by {
			if secret != c.Secret {
				list = append(list, s.secrets[secret].cluster)
			}
		}
	}
	return list
}

// Find gives the cluster that an Application names. With an error, which names the Secret, the cluster is
// what is known of it; nil where nothing is. The error is ErrUnknown where no Secret is about it.
func (s *Set) Find(t application.Target) (*Cluster, error) {
	switch {
	case t == application.Target{}:
		return nil, errors.New("it names no cluster: give spec.destination a server or a name")
	case t.Server == "":
		return s.byName(t.Name)
	}
	c, err := s.byServer(t.Server)
	if t.Name != "" {
		if other, _ := s.byName(t.Name); other == nil || c == nil || other.Server != c.Server {
			return nil, errors.New("it names both a server and the name of another cluster in spec.destination: give one of them")
		}
	}
	return c, err
}

func (s *Set) byServer(server string) (*Cluster, error) {
	// Another spelling of a server is another cluster to Argo CD.
	secrets := slices.Sorted(maps.Keys(s.servers[canonical(server)]))
	same := slices.DeleteFunc(slices.Clone(secrets), func(name string) bool { return s.secrets[name].cluster.Server != server })
	switch {
	case len(same) == 0 && server == application.InCluster:
		return &Cluster{Name: application.InClusterName, Server: server}, nil
	case len(same) == 0:
		return nil, fmt.Errorf("the cluster %s: %w", excerpt.Of(server, 200), ErrUnknown)
	case len(secrets) > 1:
		c := s.secrets[same[0]].cluster
		return c, fmt.Errorf("the cluster %s: the Secrets %s are all for its server, and which of them counts is not known: remove all but one", excerpt.Of(c.Name, mostName), strings.Join(secrets, ", "))
	}
	return s.get(same[0])
}

func (s *Set) byName(name string) (*Cluster, error) {
	secrets := slices.Sorted(maps.Keys(s.names[name]))
	switch {
	case name == application.InClusterName && !s.namesOwn():
		return &Cluster{Name: name, Server: application.InCluster}, nil
	case len(secrets) == 0:
		return nil, fmt.Errorf("the cluster %s: %w", excerpt.Of(name, 200), ErrUnknown)
	case len(secrets) > 1:
		return nil, fmt.Errorf("the cluster %s: the Secrets %s all have that name: name the cluster by its server, or rename one", excerpt.Of(name, 200), strings.Join(secrets, ", "))
	}
	if c := s.secrets[secrets[0]].cluster; c.Server != "" {
		return s.byServer(c.Server)
	}
	return s.get(secrets[0])
}

// namesOwn reports whether a Secret is about the cluster that Argo CD runs in: its name is the
// only one then.
func (s *Set) namesOwn() bool {
	for secret := range s.servers[canonical(application.InCluster)] {
		if s.secrets[secret].cluster.Own() {
			return true
		}
	}
	return false
}

func (s *Set) get(secret string) (*Cluster, error) {
	e := s.secrets[secret]
	if e.err != nil {
		return e.cluster, fmt.Errorf("%s cannot be used: %w", e.cluster, e.err)
	}
	return e.cluster, nil
}
