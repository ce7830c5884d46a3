package verdict

import (
	"strings"

	"github.com/assaydev/assay/internal/excerpt"
)

const (
	longestWord = 120 // bytes of a name or value that a message repeats
	longestLine = 600 // bytes of a message or of evidence
	mostNames   = 5
)

// oneLine makes a text of the cluster fit for a terminal and for a commit: no
// line of it can be taken for a trailer, and no control character gets through.
func oneLine(s string) string { return excerpt.Of(s, longestLine) }

func clip(word string) string { return excerpt.Of(word, longestWord) }

// few names the first of many.
func few(names []string) string {
	var out []string
	for _, name := range names[:min(len(names), mostNames)] {
		out = append(out, clip(name))
	}
	if len(names) > mostNames {
		out = append(out, "and more")
	}
	return strings.Join(out, ", ")
}
