package kustomize

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"regexp"
	"slices"
	"strings"

	yaml3 "go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/api/types"

	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/object/manifest"
)

func isNotExist(err error) bool { return errors.Is(err, fs.ErrNotExist) }

// invalid explains why a kustomization does not decode.
func (s *scanner) invalid(data []byte, err error) error {
	if fault := manifest.CheckText(s.file, data); fault != nil {
		return fault
	}
	if m := regexp.MustCompile(`unknown field "([^"]*)"`).FindStringSubmatch(err.Error()); m != nil {
		hint := cmp.Or(excerpt.DidYouMean(m[1], fields()), "remove it")
		return fmt.Errorf("%s: unknown field %s; %s", s.at(data, m[1]), display(m[1]), hint)
	}
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		name := wrong.Field[strings.LastIndex(wrong.Field, ".")+1:]
		return fmt.Errorf("%s: %s is %s, want %s", s.at(data, name), display(wrong.Field), describeValue(wrong.Value), describeType(wrong.Type))
	}
	if m := regexp.MustCompile(`yaml: line (\d+): ([^\n]*)`).FindStringSubmatch(err.Error()); m != nil {
		return fmt.Errorf("%s:%s: invalid YAML: %s", s.file, m[1], display(m[2]))
	}
	return fmt.Errorf("%s: invalid YAML, or not a kustomization", s.file)
}

// at is the file, and the line of a field if it can be told.
func (s *scanner) at(data []byte, field string) string {
	var root yaml3.Node
	if yaml3.Unmarshal(data, &root) == nil {
		if line := lineOf(&root, field); line > 0 {
			return fmt.Sprintf("%s:%d", s.file, line)
		}
	}
	return s.file
}

func lineOf(n *yaml3.Node, key string) int {
	for i, child := range n.Content {
		if n.Kind == yaml3.MappingNode && i%2 == 0 && child.Value == key {
			return child.Line
		}
		if line := lineOf(child, key); line > 0 {
			return line
		}
	}
	return 0
}

// describeValue names a kind of JSON value, such as "number 1.5", without it.
func describeValue(value string) string {
	switch kind, _, _ := strings.Cut(value, " "); kind {
	case "array":
		return "a list"
	case "object":
		return "a mapping"
	case "bool":
		return "a boolean; quote it"
	case "number":
		return "a number; quote it"
	default:
		return "a " + kind
	}
}

func describeType(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Slice:
		return "a list"
	case reflect.Map, reflect.Struct:
		return "a mapping"
	}
	return "a " + t.Kind().String()
}

// fields are the names of all fields that a kustomization may have, at any depth.
func fields() []string {
	names := map[string]bool{}
	collect(reflect.TypeFor[types.Kustomization](), names, map[reflect.Type]bool{})
	all := make([]string, 0, len(names))
	for name := range names {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

func collect(t reflect.Type, names map[string]bool, seen map[reflect.Type]bool) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || seen[t] {
		return
	}
	seen[t] = true
	for i := range t.NumField() {
		if name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ","); name != "" && name != "-" {
			names[name] = true
		}
		collect(t.Field(i).Type, names, seen)
	}
}
