package excerpt

import (
	"cmp"
	"slices"
	"strings"

	"github.com/agext/levenshtein"
)

const (
	nearest      = 3   // matches worth showing
	longestMatch = 256 // a longer word is not a slip of the finger
)

// Near returns the known words that word may have meant, best first: those
// within a few edits, and those that contain it or are contained in it.
func Near(word string, known []string) []string {
	type match struct {
		word string
		cost int
	}
	var matches []match
	lower := strings.ToLower(word)
	for _, k := range known {
		if word == "" || k == "" || len(word) > longestMatch || len(k) > longestMatch {
			continue
		}
		other := strings.ToLower(k)
		cost := levenshtein.Distance(lower, other, nil)
		short := min(len(lower), len(other))
		within := short >= 3 && (strings.Contains(other, lower) || strings.Contains(lower, other))
		if cost <= 1+short/4 && cost < max(len(lower), len(other)) || within {
			matches = append(matches, match{k, cost})
		}
	}
	slices.SortFunc(matches, func(a, b match) int { return cmp.Or(cmp.Compare(a.cost, b.cost), cmp.Compare(a.word, b.word)) })
	matches = slices.Compact(matches)
	var out []string
	for _, m := range matches[:min(len(matches), nearest)] {
		out = append(out, m.word)
	}
	return out
}

// DidYouMean asks for the near matches of a word that is not known; it is empty where
// nothing comes close.
func DidYouMean(word string, known []string) string {
	near := Near(word, known)
	if len(near) == 0 {
		return ""
	}
	return "did you mean " + Or(near) + "?"
}
