package experiment

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/assaydev/assay/internal/excerpt"
)

// templateName is how text/template's messages name the file. The real name
// may hold the colons that they are taken apart by.
const templateName = "resource"

var (
	position   = regexp.MustCompile(`^template: resource:(\d+)(?::\d+)?: (.*)$`)
	execution  = regexp.MustCompile(`^executing ".*" at <(.*?)>: (.*)$`)
	noFunction = regexp.MustCompile(`^function "(.*)" not defined$`)
	noEntry    = regexp.MustCompile(`map has no entry for key "(.*)"`)
	noField    = regexp.MustCompile(`can't evaluate field (\w+) in type (\S+)`)
	callFailed = regexp.MustCompile(`^error calling (\w+): (.*)$`)
)

// longMessage bounds what is repeated of a library's message.
const longMessage = 400

// templateError says where and why in the words of the file, cause first.
func templateError(s Source, err error, in Input) error {
	text := strings.Join(strings.Fields(err.Error()), " ")
	where := s.File
	if m := position.FindStringSubmatch(text); m != nil {
		where, text = s.File+":"+m[1], m[2]
	}
	var limit *limitError
	if errors.As(err, &limit) {
		return fmt.Errorf("%s: the template %w", where, limit)
	}
	at := ""
	if m := execution.FindStringSubmatch(text); m != nil {
		at, text = m[1], m[2]
	}
	return fmt.Errorf("%s: %s", where, excerpt.Cut(explain(text, at, in), longMessage))
}

func explain(text, at string, in Input) string {
	if m := noFunction.FindStringSubmatch(text); m != nil {
		return noSuchFunction(m[1])
	}
	if m := noEntry.FindStringSubmatch(text); m != nil {
		return missingKey(m[1], at, in)
	}
	if m := noField.FindStringSubmatch(text); m != nil {
		return fmt.Sprintf("there is no field %s%s", m[1], near(m[1], fieldsOf(m[2])))
	}
	if m := callFailed.FindStringSubmatch(text); m != nil {
		return m[1] + ": " + m[2]
	}
	if at != "" {
		return at + ": " + text
	}
	return text
}

func noSuchFunction(name string) string {
	if reason, ok := refused()[name]; ok {
		return fmt.Sprintf("the function %s is refused: %s", name, reason)
	}
	known := slices.Collect(maps.Keys(functions(&guard{})))
	known = slices.DeleteFunc(known, func(n string) bool { return n == guardFunction || n == showFunction })
	slices.Sort(known)
	return fmt.Sprintf("there is no function %s%s", name, near(name, known))
}

func missingKey(key, at string, in Input) string {
	if !strings.Contains(at, ".Parameters") {
		return fmt.Sprintf("%s: the key %s is not set", at, key)
	}
	hint := near(key, keysOf(in.Experiment.Parameters))
	if !strings.HasSuffix(hint, "?") {
		hint += ":"
	}
	return fmt.Sprintf("the parameter %s is not set%s set it under spec.experiment.parameters in %s", key, hint, in.PlanFile)
}

// keysOf are the keys of a map at any depth, sorted.
func keysOf(m map[string]any) []string {
	var out []string
	for k, v := range m {
		out = append(out, k)
		if inner, ok := v.(map[string]any); ok {
			out = append(out, keysOf(inner)...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// fieldsOf are the fields of one of the types that templates meet, by its name.
func fieldsOf(name string) []string {
	for _, t := range []reflect.Type{
		reflect.TypeFor[data](), reflect.TypeFor[Target](), reflect.TypeFor[Version](), reflect.TypeFor[Image](),
	} {
		if t.String() != name {
			continue
		}
		var out []string
		for i := range t.NumField() {
			out = append(out, t.Field(i).Name)
		}
		return out
	}
	return nil
}

// near is ": did you mean a or b?", or what there is when nothing comes close.
func near(word string, known []string) string {
	if hint := excerpt.DidYouMean(word, known); hint != "" {
		return ": " + hint
	}
	if len(known) == 0 || len(known) > 12 {
		return ""
	}
	return " (there are " + strings.Join(known, ", ") + ")"
}
