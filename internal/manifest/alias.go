package manifest

import (
	"bytes"
	"fmt"

	yaml3 "go.yaml.in/yaml/v3"
)

// spare is how many values aliases may expand to in any file, beyond two
// values for each of its bytes.
const spare = 1000

// CheckAliases refuses a YAML file whose aliases would blow it up. Any other
// file passes, whatever it is.
func CheckAliases(file string, data []byte) error {
	if !mark(data, '&') || !mark(data, '*') {
		return nil
	}
	docs, _ := split(file, data)
	return checkAliases(file, data, docs)
}

// checkAliases refuses a file whose aliases would blow it up, before anything
// is expanded: https://en.wikipedia.org/wiki/Billion_laughs_attack.
func checkAliases(file string, data []byte, docs []document) error {
	if !mark(data, '&') || !mark(data, '*') {
		return nil
	}
	limit, total := 2*len(data)+spare, 0
	for _, doc := range docs {
		if !mark(doc.data, '*') {
			continue
		}
		var root yaml3.Node
		if yaml3.Unmarshal(doc.data, &root) != nil {
			continue // The decoder says what is wrong with it.
		}
		s := sizer{limit: limit, sizes: map[*yaml3.Node]int{}}
		if total += s.size(&root); total > limit {
			return &Error{file, doc.line, fmt.Sprintf("aliases expand to more than %d values; write the values out", limit), true}
		}
	}
	return nil
}

// mark reports whether an anchor or alias may start somewhere: its sign
// before a letter or digit, and not inside a word.
func mark(data []byte, sign byte) bool {
	for from := 0; ; {
		i := bytes.IndexByte(data[from:], sign)
		if i < 0 {
			return false
		}
		i += from
		if (i == 0 || bytes.IndexByte([]byte(" \t\n\r,[{:?-"), data[i-1]) >= 0) &&
			i+1 < len(data) && bytes.IndexByte([]byte(" \t\n\r,[]{}"), data[i+1]) < 0 {
			return true
		}
		from = i + 1
	}
}

// sizer counts values with aliases followed, each node once.
type sizer struct {
	limit int
	sizes map[*yaml3.Node]int
}

func (s *sizer) size(n *yaml3.Node) int {
	if n.Kind == yaml3.AliasNode {
		n = n.Alias
	}
	if known, ok := s.sizes[n]; ok {
		return known
	}
	s.sizes[n] = s.limit + 1 // An anchor that contains itself.
	total := 1
	for _, child := range n.Content {
		total = min(total+s.size(child), s.limit+1)
	}
	s.sizes[n] = total
	return total
}
