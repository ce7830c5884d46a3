package shard

import (
	"slices"
	"time"
)

// state is what a replica knows when it decides.
type state struct {
	self   string
	leases []lease      // by shard
	held   map[int]bool // by us, and kept
	trying map[int]bool // contended for
	giving map[int]bool // by us, until the work on them has ended
	began  map[int]string
	now    time.Time
}

// steps are what to do now, by shard.
type steps struct {
	try  []int // contend for
	quit []int // contend no more: others hold them
	ask  []int // ask the holder for
	give []int // end the work on, and release
}

// plan decides what to do. All replicas decide by the same rule, and none needs to agree with
// another: what two of them try, one gets.
func (s state) plan() steps {
	load := s.replicas()
	ceil := (len(s.leases) + len(load) - 1) / len(load)
	mine := len(s.held) + len(s.trying)
	var out steps
	for i, l := range s.leases {
		switch {
		case s.trying[i] && !l.free() && l.holder != s.self && !l.silent(s.now):
			out.quit = append(out.quit, i)
			mine--
		case s.held[i]:
			by := l.wantedBy(s.now)
			if by != "" && by != s.self && l.wanted != s.began[i] && len(s.held)-len(out.give) > load[by]+1 {
				out.give = append(out.give, i)
				load[by]++
			}
		}
	}
	for i, l := range s.leases {
		if s.held[i] || s.trying[i] || s.giving[i] {
			continue
		}
		by := l.wantedBy(s.now)
		switch {
		case l.silent(s.now):
			out.try = append(out.try, i) // whatever our part is: it must not wait
			mine++
		case l.free() && (by == s.self || by == "" && mine < ceil):
			out.try = append(out.try, i)
			mine++
		}
	}
	return s.ask(out, mine, load)
}

// replicas are those that hold a shard or ask for one, and we, with how many each holds.
func (s state) replicas() map[string]int {
	load := map[string]int{s.self: 0}
	for _, l := range s.leases {
		if !l.free() && !l.silent(s.now) {
			load[l.holder]++
		}
		if by := l.wantedBy(s.now); by != "" {
			load[by] += 0
		}
	}
	return load
}

// ask asks the replica that holds the most for a shard, as long as it has two more than we.
func (s state) ask(out steps, mine int, load map[string]int) steps {
	for _, l := range s.leases {
		if l.wantedBy(s.now) == s.self {
			mine++ // asked for already
			load[l.holder]--
		}
	}
	for {
		best := -1
		for i, l := range s.leases {
			if l.free() || l.holder == s.self || l.silent(s.now) || l.wantedBy(s.now) != "" || slices.Contains(out.ask, i) {
				continue
			}
			if best < 0 || load[l.holder] > load[s.leases[best].holder] {
				best = i
			}
		}
		if best < 0 || load[s.leases[best].holder] < mine+2 {
			return out
		}
		load[s.leases[best].holder]--
		out.ask = append(out.ask, best)
		mine++
	}
}
