package budget

import (
	"fmt"
	"slices"
)

// share is one budget: of the instance, where it has no name, of a project or of a cluster.
type share struct{ of, name string }

const (
	ofInstance    = "instance"
	ofProject     = "project"
	ofDestination = "cluster"
)

// shares are the budgets that a candidate takes from, less those without a limit.
func (l Limits) shares(c Candidate) (list []share) {
	add := func(of string, names ...string) {
		for _, name := range names {
			if s := (share{of, name}); l.most(s) > 0 {
				list = append(list, s)
			}
		}
	}
	add(ofInstance, "")
	add(ofProject, c.Projects...)
	add(ofDestination, c.Destinations...)
	return list
}

func (l Limits) most(s share) int {
	switch s.of {
	case ofProject:
		return l.Project
	case ofDestination:
		return l.Destination
	}
	return l.Instance
}

// counted are the budgets that an environment takes from now, each once.
func (l *Ledger[K]) counted(e *entry) (list []share) {
	if e.past != nil {
		list = l.limits.shares(*e.past)
	}
	if !e.runs {
		return list
	}
	for _, s := range l.limits.shares(e.Candidate) {
		if !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return list
}

// grant goes through those that are not counted, and says which may run, and why others wait. The first that
// waits keeps what room its project and its cluster have: those that came later could take both in turn, for
// ever. It needs none of the instance's: what ends there is given to the first, too. As long as nobody waits who
// came before it, a candidate may run in the place of what lingers of its own environment. The mutex is held.
func (l *Ledger[K]) grant() (granted map[K]bool, why map[K]string) {
	granted, why = map[K]bool{}, map[K]string{}
	taken, kept := map[share]int{}, map[share]int{}
	for _, e := range l.of {
		for _, s := range l.counted(e) {
			taken[s]++
		}
	}
	waits := false
	for _, key := range l.line() {
		e := l.of[key]
		shares := l.limits.shares(e.Candidate)
		if !waits {
			own := l.counted(e)
			shares = slices.DeleteFunc(shares, func(s share) bool { return slices.Contains(own, s) })
		}
		full, found := l.full(shares, taken, kept)
		if !found {
			granted[key] = true
			for _, s := range shares {
				taken[s]++
			}
			continue
		}
		why[key] = full
		if waits {
			continue
		}
		waits = true
		for _, s := range l.limits.shares(e.Candidate) {
			if s.of != ofInstance {
				kept[s]++
			}
		}
	}
	return granted, why
}

// full says which of the budgets has no room.
func (l *Ledger[K]) full(shares []share, taken, kept map[share]int) (why string, found bool) {
	for _, s := range shares {
		most := l.limits.most(s)
		switch {
		case taken[s] >= most && s.of == ofInstance:
			return fmt.Sprintf("%d of %d experiments run", taken[s], most), true
		case taken[s] >= most:
			return fmt.Sprintf("%d of %d experiments run in the %s %s", taken[s], most, s.of, s.name), true
		case taken[s]+kept[s] >= most:
			return fmt.Sprintf("another candidate, which came earlier, is next in the %s %s", s.of, s.name), true
		}
	}
	return "", false
}
