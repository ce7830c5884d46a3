package evidence

import (
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/assaydev/assay/internal/excerpt"
)

const longestText = 200 // bytes of a name, a condition or a note

// value is a part of an object, or nil for what is not there. It may be of any
// type: each method is empty where the type is another than it asks for.
type value struct{ any }

// at goes down a path of keys.
func (v value) at(path ...string) value {
	for _, key := range path {
		fields, _ := v.any.(map[string]any)
		v = value{fields[key]}
	}
	return v
}

func (v value) items() []value {
	list, _ := v.any.([]any)
	out := make([]value, len(list))
	for i, item := range list {
		out[i] = value{item}
	}
	return out
}

// item is the i-th of a list.
func (v value) item(i int) value {
	list, _ := v.any.([]any)
	if i < 0 || i >= len(list) {
		return value{}
	}
	return value{list[i]}
}

func (v value) last() value { return v.item(len(v.items()) - 1) }

func (v value) keys() []string {
	fields, _ := v.any.(map[string]any)
	return slices.Sorted(maps.Keys(fields))
}

// raw is a string as it is, to compare with.
func (v value) raw() string {
	text, _ := v.any.(string)
	return text
}

// text is a string, number or boolean, for people.
func (v value) text() string {
	switch v := v.any.(type) {
	case string:
		return excerpt.Of(v, longestText)
	case bool:
		return strconv.FormatBool(v)
	case float64:
		return decimal(v)
	case int64, int:
		return fmt.Sprint(v)
	}
	return ""
}

// decimal avoids exponents where people would.
func decimal(f float64) string {
	if size := math.Abs(f); size != 0 && (size < 1e-6 || size >= 1e15) || math.IsNaN(f) {
		return strconv.FormatFloat(f, 'g', -1, 64)
	}
	return strconv.FormatFloat(f, 'f', -1, 64)
}

func (v value) number() (float64, bool) {
	switch v := v.any.(type) {
	case float64:
		return v, true
	case int64:
		return float64(v), true
	case int:
		return float64(v), true
	}
	return 0, false
}

// quantityForm leaves out exponents: 1e999999999 would be printed in full.
var quantityForm = regexp.MustCompile(`^[+-]?[0-9]{1,30}(\.[0-9]{1,30})?([numkMGTPE]|[KMGTPE]i)?$`)

// quantity is a number as Kubernetes writes it, as a decimal: 228419m is 228.419.
func (v value) quantity() string {
	text := v.text()
	if !quantityForm.MatchString(text) {
		return text
	}
	q, err := resource.ParseQuantity(text)
	if err != nil {
		return text
	}
	text = q.AsDec().String()
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text
}

// flag is a boolean, or nil.
func (v value) flag() *bool {
	if yes, ok := v.any.(bool); ok {
		return &yes
	}
	return nil
}

func (v value) isTrue() bool {
	yes, _ := v.any.(bool)
	return yes
}

// within puts limits into words.
func within(lower, upper string) string {
	switch {
	case lower != "" && upper != "":
		return lower + " to " + upper
	case lower != "":
		return "at least " + lower
	case upper != "":
		return "at most " + upper
	}
	return ""
}

// joined leaves out what is empty.
func joined(separator string, parts ...string) string {
	return excerpt.Of(strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), separator), longestText)
}
