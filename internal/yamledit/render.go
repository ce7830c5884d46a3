package yamledit

import (
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// writer writes new values in block style.
type writer struct {
	manner
	nl     string
	blocks bool // literal scalars may be used
	clip   bool // ... for strings that end with a line break too
	inList bool // the value is an item of a list, on a line below its "-"
}

// value writes a value that belongs to a collection at column col, -1 at the
// root. head goes on the line of its key; body is the lines after that.
func (w writer) value(v any, col int) (head, body string) {
	switch v := v.(type) {
	case map[string]any:
		if len(v) == 0 {
			return "{}", ""
		}
		return "", w.mapping(v, w.below(v, col))
	case []any:
		if len(v) == 0 {
			return "[]", ""
		}
		return "", w.list(v, w.below(v, col))
	case string:
		if head, body, ok := w.literal(v, col); ok {
			return head, body
		}
	}
	return inline(v, 0, context{}), ""
}

// below is the column for the members of a value in a mapping at column col.
func (w writer) below(v any, col int) int {
	_, isList := v.([]any)
	switch {
	case col < 0:
		return 0
	case w.inList:
		return col + 2
	case isList:
		return col + w.manner.list
	}
	return col + w.step
}

// collection writes a mapping or list whose members stand at column col.
func (w writer) collection(v any, col int) string {
	if m, ok := v.(map[string]any); ok {
		return w.mapping(m, col)
	}
	l, _ := v.([]any)
	return w.list(l, col)
}

func (w writer) mapping(m map[string]any, col int) string {
	var b strings.Builder
	for _, k := range names(m) {
		b.WriteString(w.entry(k, m[k], col))
	}
	return b.String()
}

func (w writer) entry(k string, v any, col int) string {
	key := inline(k, 0, context{})
	w.inList = false
	head, body := w.value(v, col)
	if head != "" {
		head = " " + head
	}
	return pad(col) + key + ":" + head + w.nl + body
}

func (w writer) list(l []any, col int) string {
	var b strings.Builder
	for _, v := range l {
		b.WriteString(w.item(v, col))
	}
	return b.String()
}

func (w writer) item(v any, col int) string {
	w.inList = false
	if filled(v) {
		return pad(col) + "- " + w.collection(v, col+2)[col+2:]
	}
	head, body := w.value(v, col)
	return pad(col) + "- " + head + w.nl + body
}

// literal writes a string of several lines.
func (w writer) literal(s string, col int) (head, body string, ok bool) {
	if !w.blocks || !strings.Contains(s, "\n") || !w.clip && strings.HasSuffix(s, "\n") {
		return "", "", false
	}
	head, lines, ok := block(s, false, 0, w.step, false)
	if !ok || head != "|" && head != "|-" {
		return "", "", false
	}
	var b strings.Builder
	for _, line := range lines {
		if line != "" {
			b.WriteString(pad(max(col, 0)+w.step) + line)
		}
		b.WriteString(w.nl)
	}
	return head, b.String(), true
}

// names lists a mapping's keys: the name first, as people write lists of
// named items, then by alphabet.
func names(m map[string]any) []string {
	keys := slices.Sorted(maps.Keys(m))
	if i, found := slices.BinarySearch(keys, "name"); found {
		keys = slices.Insert(slices.Delete(keys, i, i+1), 0, "name")
	}
	return keys
}

// filled reports whether a value is a mapping or list with members.
func filled(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		return len(v) > 0
	case []any:
		return len(v) > 0
	}
	return false
}

func pad(col int) string { return strings.Repeat(" ", max(col, 0)) }

// flow writes a value in flow style, a scalar in the quotes that style names.
func flow(v any, style yaml.Style, in context) string {
	switch v := v.(type) {
	case map[string]any:
		parts := make([]string, 0, len(v))
		for _, k := range names(v) {
			parts = append(parts, flowEntry(k, v[k], in))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case []any:
		parts := make([]string, len(v))
		for i, e := range v {
			parts[i] = flow(e, 0, in)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	return inline(v, style, in)
}

func flowEntry(k string, v any, in context) string {
	return inline(k, 0, in) + ": " + flow(v, 0, in)
}
