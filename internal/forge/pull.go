package forge

import (
	"cmp"
	"slices"
	"strings"
)

// mergeability is what a forge thinks of merging an open pull request.
type mergeability struct {
	conflict bool
	busy     bool   // it has not made up its mind
	unsure   bool   // one of the two, and it does not tell which
	reason   string // for people, where something stands against it
}

func newestFirst(pulls []Pull) []Pull {
	slices.SortFunc(pulls, func(a, b Pull) int { return cmp.Compare(b.Number, a.Number) })
	return pulls
}

// sameText compares as the forges keep texts: they may change line ends, and
// drop space around.
func sameText(a, b string) bool {
	plain := func(s string) string { return strings.TrimSpace(strings.ReplaceAll(s, "\r\n", "\n")) }
	return plain(a) == plain(b)
}

// missing are the wanted labels that a pull request lacks. Case does not
// count: GitHub and Gitea keep one label of a name.
func missing(have, want []string) []string {
	var labels []string
	for _, label := range want {
		same := func(other string) bool { return strings.EqualFold(other, label) }
		if !slices.ContainsFunc(have, same) && !slices.ContainsFunc(labels, same) {
			labels = append(labels, label)
		}
	}
	return labels
}

// message is a commit's message, for forges that take it whole.
func (m Merge) message() string {
	return strings.TrimSpace(m.Title + "\n\n" + m.Message)
}
