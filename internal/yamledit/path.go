package yamledit

import (
	"strconv"
	"strings"

	"github.com/assaydev/assay/internal/excerpt"
)

// String writes the path for people: spec.containers[name=web].image.
func (p Path) String() string {
	var b strings.Builder
	for _, s := range p {
		switch {
		case s.Field != "":
			b.WriteString("[" + excerpt.Cut(s.Field, longestName) + "=" + excerpt.Cut(s.Value, longestName) + "]")
		case s.Index >= 0:
			b.WriteString("[" + strconv.Itoa(s.Index) + "]")
		default:
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			b.WriteString(strings.ReplaceAll(excerpt.Cut(s.Key, longestName), ".", `\.`))
		}
	}
	return b.String()
}

// with is the path one step further; p stays as it is.
func (p Path) with(s Step) Path {
	return append(p[:len(p):len(p)], s)
}
