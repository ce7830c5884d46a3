package yamledit

import (
	"strconv"
	"strings"
)

// Dotted reads a path of mapping keys as Helm writes them: "image.tag", with
// `\.` for a dot within a key.
func Dotted(s string) Path {
	var p Path
	var key strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s) && (s[i+1] == '.' || s[i+1] == '\\'):
			i++
			key.WriteByte(s[i])
		case s[i] == '.':
			p = append(p, Key(key.String()))
			key.Reset()
		default:
			key.WriteByte(s[i])
		}
	}
	if key.Len() > 0 || len(p) > 0 {
		p = append(p, Key(key.String()))
	}
	return p
}

// String writes the path for people: spec.containers[name=web].image.
func (p Path) String() string {
	var b strings.Builder
	for _, s := range p {
		switch {
		case s.Field != "":
			b.WriteString("[" + clip(s.Field) + "=" + clip(s.Value) + "]")
		case s.Index >= 0:
			b.WriteString("[" + strconv.Itoa(s.Index) + "]")
		default:
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			b.WriteString(strings.ReplaceAll(clip(s.Key), ".", `\.`))
		}
	}
	return b.String()
}

// with is the path one step further; p stays as it is.
func (p Path) with(s Step) Path {
	return append(p[:len(p):len(p)], s)
}
