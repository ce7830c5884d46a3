package main

import (
	"fmt"
	"strings"
)

// table counts results by pair, and lists the differences.
type table struct {
	verbose     bool
	counts      map[string]int
	unexplained []string
	text        strings.Builder
}

func (t *table) add(p pair, lines []line) {
	if t.counts == nil {
		t.counts = map[string]int{}
		fmt.Fprintf(&t.text, "%-14s %-14s %-18s %6s %6s %9s %8s\n", "", "helm", "kustomize", equal, random, bothFail, differs)
	}
	here := map[string]int{}
	var list []string
	for _, l := range lines {
		here[l.result]++
		t.counts[l.result]++
		if l.result == differs {
			cause := l.cause
			if cause == "" {
				cause = "NOT EXPLAINED"
				t.unexplained = append(t.unexplained, p.name+": "+l.c.name)
			}
			list = append(list, fmt.Sprintf("  %s: %s (%s)", l.c.name, l.detail, cause))
		} else if t.verbose {
			list = append(list, fmt.Sprintf("  %s: %s", l.c.name, l.result))
		}
	}
	fmt.Fprintf(&t.text, "%-14s %-14s %-18s %6d %6d %9d %8d\n", p.name, p.helm, p.kustomize, here[equal], here[random], here[bothFail], here[differs])
	for _, one := range list {
		t.text.WriteString(one + "\n")
	}
}

func (t *table) String() string { return t.text.String() }

func (t *table) total() int {
	n := 0
	for _, count := range t.counts {
		n += count
	}
	return n
}

func (t *table) summary() string {
	return fmt.Sprintf("%d equal, %d random, %d both fail, %d differ, %d without a cause", t.counts[equal], t.counts[random], t.counts[bothFail], t.counts[differs], len(t.unexplained))
}
