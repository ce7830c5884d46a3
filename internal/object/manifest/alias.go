package manifest

import (
	"bytes"
	"errors"
	"fmt"

	yaml3 "go.yaml.in/yaml/v3"
)

// What aliases may expand to in any file, beyond two values and ten bytes of
// text for each of its bytes.
const (
	spareValues = 1000
	spareBytes  = 64 << 10
)

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
	limit := extent{2*len(data) + spareValues, 10*len(data) + spareBytes}
	var total extent
	for _, doc := range docs {
		if !mark(doc.data, '*') {
			continue
		}
		var root yaml3.Node
		if yaml3.Unmarshal(doc.data, &root) != nil {
			continue // The decoder says what is wrong with it.
		}
		s := sizer{limit: limit, sizes: map[*yaml3.Node]extent{}}
		switch total = total.plus(s.size(&root), limit); {
		case total.values > limit.values:
			return &Error{file, doc.line, fmt.Sprintf("aliases expand to more than %d values; write the values out", limit.values), true}
		case total.bytes > limit.bytes:
			return &Error{file, doc.line, fmt.Sprintf("aliases expand to more than %d bytes; write the values out", limit.bytes), true}
		}
	}
	return nil
}

// textsInTexts is how far YAML in a text of YAML is followed.
const textsInTexts = 4

// CheckNested refuses a YAML file in which a text is YAML whose aliases would blow it
// up, as an inline patch may be. It is for files whose texts are decoded too.
func CheckNested(file string, data []byte) error { return checkNested(file, 0, data, textsInTexts) }

func checkNested(file string, line int, data []byte, depth int) error {
	marked := mark(data, '&') && mark(data, '*')
	if depth == 0 || !marked && bytes.IndexByte(data, '\\') < 0 { // which may escape them
		return nil
	}
	docs, _ := split(file, data)
	for _, doc := range docs {
		var root yaml3.Node
		if yaml3.Unmarshal(doc.data, &root) != nil {
			continue // The decoder says what is wrong with it.
		}
		if err := checkTexts(file, line+doc.line-1, &root, depth); err != nil {
			return err
		}
	}
	return nil
}

// checkTexts looks at every text of a document. Aliases only repeat what is there.
func checkTexts(file string, line int, n *yaml3.Node, depth int) error {
	if n.Kind == yaml3.ScalarNode {
		text := []byte(n.Value)
		docs, _ := split(file, text)
		var fault *Error
		if err := checkAliases(file, text, docs); errors.As(err, &fault) {
			return &Error{file, line + n.Line, fault.Reason, true}
		}
		return checkNested(file, line+n.Line, text, depth-1)
	}
	for _, child := range n.Content {
		if err := checkTexts(file, line, child, depth); err != nil {
			return err
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

// extent is how large a value is once its aliases are expanded.
type extent struct{ values, bytes int }

// plus adds up to a little more than limit, so that no sum overflows.
func (e extent) plus(more, limit extent) extent {
	return extent{min(e.values+more.values, limit.values+1), min(e.bytes+more.bytes, limit.bytes+1)}
}

// sizer measures values with aliases followed, each node once.
type sizer struct {
	limit extent
	sizes map[*yaml3.Node]extent
}

func (s *sizer) size(n *yaml3.Node) extent {
	if n.Kind == yaml3.AliasNode {
		n = n.Alias
	}
	if known, ok := s.sizes[n]; ok {
		return known
	}
	s.sizes[n] = extent{s.limit.values + 1, 0} // An anchor that contains itself.
	total := extent{1, len(n.Value)}
	for _, child := range n.Content {
		total = total.plus(s.size(child), s.limit)
	}
	s.sizes[n] = total
	return total
}
