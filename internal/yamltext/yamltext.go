// Package yamltext writes JSON values as YAML text that every reader
// understands alike, YAML 1.1 or 1.2.
//
//  1. Append writes a value in block style with sorted keys; Mapping keeps an
//     order of its own.
//  2. Text (scalar.go) is plain only where no reader could take it for
//     something else, a literal block where it has lines and a block can hold
//     it, and else in double quotes.
//
// It is many times faster than a general encoder, which has to carry
// comments, anchors and line widths, and it never folds lines.
package yamltext

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Mapping is a mapping that keeps its order.
type Mapping []Entry

// Entry is one key of a Mapping.
type Entry struct {
	Key   string
	Value any
}

// longestKey is less than what readers accept before a colon: libyaml stops at 1024 bytes.
const longestKey = 1000

// Append appends v to dst as one YAML document, which ends in a line break. v
// is made of map[string]any, Mapping, []any, string, bool, nil, int64, int and
// float64. The same value gives the same bytes.
func Append(dst []byte, v any) ([]byte, error) {
	w := writer{out: dst}
	if err := w.value(v, 0, atStart); err != nil {
		return nil, err
	}
	return w.out, nil
}

// place is what stands before a value on its line.
type place int

const (
	atStart   place = iota // nothing: the document begins
	afterKey               // "key:"
	afterDash              // "-"
)

type writer struct {
	out  []byte
	keys []string // scratch: the keys of the open mappings
}

// value writes v; indent is the column of its lines.
func (w *writer) value(v any, indent int, p place) error {
	switch v := v.(type) {
	case map[string]any:
		if len(v) > 0 {
			return w.sorted(v, indent, p)
		}
		return w.line("{}", p)
	case Mapping:
		if len(v) > 0 {
			return w.ordered(v, indent, p)
		}
		return w.line("{}", p)
	case []any:
		if len(v) > 0 {
			return w.list(v, indent, p)
		}
		return w.line("[]", p)
	case string:
		return w.text(v, indent, p)
	}
	text, err := scalar(v)
	if err != nil {
		return err
	}
	return w.line(text, p)
}

// line ends the current line with a value.
func (w *writer) line(s string, p place) error {
	if p != atStart {
		w.out = append(w.out, ' ')
	}
	w.out = append(w.out, s...)
	w.out = append(w.out, '\n')
	return nil
}

func (w *writer) sorted(m map[string]any, indent int, p place) error {
	from := len(w.keys)
	for k := range m {
		w.keys = append(w.keys, k)
	}
	to := len(w.keys)
	slices.Sort(w.keys[from:])
	for i := from; i < to; i++ {
		k := w.keys[i]
		if err := w.entry(k, m[k], indent, p, i == from); err != nil {
			return err
		}
	}
	w.keys = w.keys[:from]
	return nil
}

func (w *writer) ordered(m Mapping, indent int, p place) error {
	for i, e := range m {
		if err := w.entry(e.Key, e.Value, indent, p, i == 0); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) entry(key string, v any, indent int, p place, first bool) error {
	w.begin(indent, p, first)
	from := len(w.out)
	if err := w.inline(key); err != nil {
		return err
	}
	if len(w.out)-from > longestKey {
		w.out = append(slices.Insert(w.out, from, '?', ' '), '\n')
		w.indent(indent)
	}
	w.out = append(w.out, ':')
	if err := w.value(v, w.below(v, indent), afterKey); err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	return nil
}

// below is where the lines of a value under a key begin. Lists stand in the
// key's own column, as kubectl and Kustomize print them.
func (w *writer) below(v any, indent int) int {
	if _, ok := v.([]any); ok {
		return indent
	}
	return indent + 2
}

func (w *writer) list(l []any, indent int, p place) error {
	for i, v := range l {
		w.begin(indent, p, i == 0)
		w.out = append(w.out, '-')
		if err := w.value(v, indent+2, afterDash); err != nil {
			return fmt.Errorf("[%d]: %w", i, err)
		}
	}
	return nil
}

// begin starts the line of an entry or item. The first one of an item of a
// list goes on the item's line, the first one under a key on the next.
func (w *writer) begin(indent int, p place, first bool) {
	switch {
	case first && p == afterDash:
		w.out = append(w.out, ' ')
		return
	case first && p == afterKey:
		w.out = append(w.out, '\n')
	}
	w.indent(indent)
}

func (w *writer) indent(n int) {
	for range n {
		w.out = append(w.out, ' ')
	}
}

func (w *writer) text(s string, indent int, p place) error {
	if p != atStart {
		w.out = append(w.out, ' ')
	}
	if p != atStart && isBlock(s) {
		w.block(s, indent)
		return nil
	}
	if err := w.inline(s); err != nil {
		return err
	}
	w.out = append(w.out, '\n')
	return nil
}

// inline writes text on one line.
func (w *writer) inline(s string) error {
	if !utf8.ValidString(s) {
		return fmt.Errorf("the text is not valid UTF-8")
	}
	if isPlain(s) {
		w.out = append(w.out, s...)
		return nil
	}
	w.out = appendQuoted(w.out, s)
	return nil
}

func (w *writer) block(s string, indent int) {
	w.out = append(w.out, '|')
	switch body := strings.TrimRight(s, "\n"); len(s) - len(body) {
	case 0:
		w.out = append(w.out, '-')
	case 1:
	default:
		w.out = append(w.out, '+')
	}
	w.out = append(w.out, '\n')
	for line := range strings.Lines(s) {
		if line != "\n" {
			w.indent(indent)
		}
		w.out = append(w.out, line...)
	}
	if !strings.HasSuffix(s, "\n") {
		w.out = append(w.out, '\n')
	}
}

func scalar(v any) (string, error) {
	switch v := v.(type) {
	case nil:
		return "null", nil
	case bool:
		return strconv.FormatBool(v), nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	case int:
		return strconv.Itoa(v), nil
	case float64:
		return float(v)
	}
	return "", fmt.Errorf("a %T is no JSON value", v)
}

// float writes a number as both versions of YAML read it: 1.1 wants a point
// before an exponent, and a sign in it. A whole number is written as one.
func float(f float64) (string, error) {
	if math.IsInf(f, 0) || math.IsNaN(f) {
		return "", fmt.Errorf("%v is no JSON number", f)
	}
	if f == math.Trunc(f) && math.Abs(f) < 1<<53 {
		return strconv.FormatInt(int64(f), 10), nil
	}
	if size := math.Abs(f); size >= 1e-6 && size < 1<<53 {
		return strconv.FormatFloat(f, 'f', -1, 64), nil
	}
	mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(f, 'e', -1, 64), "e")
	if !strings.Contains(mantissa, ".") {
		mantissa += ".0"
	}
	return mantissa + "e" + exponent, nil
}
