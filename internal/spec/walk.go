package spec

import (
	"cmp"
	"fmt"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/assaydev/assay/internal/excerpt"
)

// walker fills Go values from YAML nodes. It goes on after a problem, so that
// one run names several.
type walker struct {
	problems
	lines map[string]int // of fields, for the checks that follow
}

// value fills v from n; at is the field's path. What is null is left out.
func (w *walker) value(n *yaml.Node, v reflect.Value, at string) {
	line := n.Line
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if _, ok := w.lines[at]; !ok {
		w.lines[at] = line
	}
	if isNull(n) && v.Kind() != reflect.Interface {
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		w.value(n, v.Elem(), at)
	case reflect.Struct:
		if w.is(n, yaml.MappingNode, "!!map", at) {
			w.structure(n, v, at)
		}
	case reflect.Map:
		if w.is(n, yaml.MappingNode, "!!map", at) {
			w.mapping(n, v, at)
		}
	case reflect.Slice:
		if w.is(n, yaml.SequenceNode, "!!seq", at) {
			w.sequence(n, v, at)
		}
	case reflect.Interface:
		if free, ok := w.free(n, at); ok && free != nil {
			v.Set(reflect.ValueOf(free))
		}
	default:
		w.scalar(n, v, at)
	}
}

// is checks a node's kind and tag, and says what was wanted.
func (w *walker) is(n *yaml.Node, kind yaml.Kind, tag, at string) bool {
	if n.Kind == kind && n.ShortTag() == tag {
		return true
	}
	w.add(n.Line, at, "must be %s, and is %s", describe[tag], what(n))
	return false
}

var describe = map[string]string{
	"!!map": "a mapping", "!!seq": "a list", "!!str": "text", "!!int": "a whole number", "!!float": "a number",
	"!!bool": "true or false", "!!null": "empty", "!!timestamp": "a date", "!!binary": "binary", "!!merge": "a merge key (<<)",
}

func what(n *yaml.Node) string {
	if d, ok := describe[n.ShortTag()]; ok {
		return d
	}
	return "of a tag that is not known"
}

// pairs yields a mapping's keys, each once.
func (w *walker) pairs(n *yaml.Node, at string) func(func(key, value *yaml.Node) bool) {
	return func(yield func(key, value *yaml.Node) bool) {
		seen := map[string]int{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			key, value := n.Content[i], n.Content[i+1]
			if key.Kind == yaml.AliasNode {
				key = key.Alias
			}
			if key.Kind != yaml.ScalarNode || key.ShortTag() != "!!str" {
				w.badKey(n.Content[i], key, at)
				continue
			}
			if first, ok := seen[key.Value]; ok {
				w.add(n.Content[i].Line, child(at, key.Value), "is set twice, first on line %d: remove one", first)
				continue
			}
			seen[key.Value] = n.Content[i].Line
			w.lines[child(at, key.Value)] = n.Content[i].Line
			if !yield(key, value) {
				return
			}
		}
	}
}

func (w *walker) badKey(n, key *yaml.Node, at string) {
	if key.ShortTag() == "!!merge" {
		w.add(n.Line, at, "merge keys (<<) are not read here: write the fields out")
		return
	}
	w.add(n.Line, at, "a key must be text, and is %s: quote it", what(key))
}

func (w *walker) structure(n *yaml.Node, v reflect.Value, at string) {
	known := fields(v.Type())
	present := map[string]bool{}
	for key, value := range w.pairs(n, at) {
		f, ok := known.find(key.Value)
		if !ok {
			w.add(key.Line, child(at, key.Value), "unknown field; %s", orKnown(key.Value, known.names()))
			continue
		}
		to := v.FieldByIndex(f.index)
		before := len(w.list)
		w.value(value, to, child(at, f.name))
		present[f.name] = !isNull(value)
		if len(w.list) == before && present[f.name] {
			w.tags(value, to, f, child(at, f.name))
		}
	}
	for _, f := range known {
		if f.required && !present[f.name] {
			w.at(child(at, f.name), "is missing: add it")
		}
	}
}

// tags holds what a field's jsonschema tag says, as the generated schema does.
func (w *walker) tags(n *yaml.Node, v reflect.Value, f field, at string) {
	if len(f.enum) > 0 {
		for _, e := range f.enum {
			if v.String() == e {
				return
			}
		}
		if len(f.enum) == 1 {
			w.add(n.Line, at, "must be %s", f.enum[0])
			return
		}
		w.add(n.Line, at, "must be one of %s%s", strings.Join(f.enum, ", "), nearEnum(v.String(), f.enum))
	}
	if f.required && v.Kind() == reflect.String && v.Len() == 0 {
		w.add(n.Line, at, "must not be empty")
	}
}

// orKnown is the end of a message on a word that is not known: near matches, else
// what is known.
func orKnown(word string, known []string) string {
	return cmp.Or(excerpt.DidYouMean(word, known), "known are "+strings.Join(known, ", "))
}

func nearEnum(word string, enum []string) string {
	if hint := excerpt.DidYouMean(word, enum); hint != "" {
		return "; " + hint
	}
	return ""
}

func (w *walker) mapping(n *yaml.Node, v reflect.Value, at string) {
	v.Set(reflect.MakeMapWithSize(v.Type(), len(n.Content)/2))
	for key, value := range w.pairs(n, at) {
		elem := reflect.New(v.Type().Elem()).Elem()
		w.value(value, elem, child(at, key.Value))
		if isNull(value) && elem.Kind() != reflect.Interface {
			w.add(value.Line, child(at, key.Value), "is empty: set it, or remove the key")
		}
		v.SetMapIndex(reflect.ValueOf(key.Value), elem)
	}
}

func (w *walker) sequence(n *yaml.Node, v reflect.Value, at string) {
	v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
	for i, item := range n.Content {
		name := fmt.Sprintf("%s[%d]", at, i)
		w.value(item, v.Index(i), name)
		if isNull(item) {
			w.add(item.Line, name, "is empty: set it, or remove the item")
		}
	}
}

func (w *walker) scalar(n *yaml.Node, v reflect.Value, at string) {
	switch v.Kind() {
	case reflect.String:
		if _, ok := v.Interface().(Duration); ok && n.ShortTag() == "!!int" && n.Value == "0" {
			v.SetString(n.Value)
		} else if n.Kind == yaml.ScalarNode && n.ShortTag() != "!!str" {
			w.add(n.Line, at, "must be text, and is %s: quote it", what(n))
		} else if w.is(n, yaml.ScalarNode, "!!str", at) {
			v.SetString(n.Value)
		}
	case reflect.Bool:
		if w.is(n, yaml.ScalarNode, "!!bool", at) {
			v.SetBool(strings.EqualFold(n.Value, "true"))
		}
	case reflect.Int64:
		if !w.is(n, yaml.ScalarNode, "!!int", at) {
			return
		}
		number, ok := w.number(n, at)
		if whole, is := number.(int64); ok && is {
			v.SetInt(whole)
		}
	default:
		w.add(n.Line, at, "cannot be set here: remove it")
	}
}

// field is one field of a struct, found through embedded ones.
type field struct {
	name     string
	index    []int
	required bool
	enum     []string
}

type fieldList []field

func (l fieldList) find(name string) (field, bool) {
	for _, f := range l {
		if f.name == name {
			return f, true
		}
	}
	return field{}, false
}

func (l fieldList) names() []string {
	var out []string
	for _, f := range l {
		out = append(out, f.name)
	}
	return out
}

// fields lists the fields that a struct has in the file, in order.
func fields(t reflect.Type) fieldList {
	var out fieldList
	for _, f := range reflect.VisibleFields(t) {
		name, required, inline := jsonName(f)
		if inline || !f.IsExported() || name == "" || name == "-" {
			continue
		}
		out = append(out, field{name, f.Index, required, enumOf(f)})
	}
	return out
}

func enumOf(f reflect.StructField) []string {
	var out []string
	for part := range strings.SplitSeq(f.Tag.Get("jsonschema"), ",") {
		if value, ok := strings.CutPrefix(part, "enum="); ok {
			out = append(out, value)
		}
	}
	return out
}
