package helm

import (
	"reflect"
	"regexp"
)

// action is what a template does between its braces.
var action = regexp.MustCompile(`(?s)\{\{.*?\}\}`)

// drawing are the functions that do not give the same twice: random values, the
// time, and maps in no order. Whole objects of the SDK print addresses.
var drawing = regexp.MustCompile(`\b(rand\w*|uuidv4|shuffle|gen[A-Z]\w*|htpasswd|bcrypt|encryptAES|now|ago|date\w*|duration\w*|htmlDate\w*|keys|values)\b` +
	`|\.(Chart|Files|Capabilities|Release|Subcharts|Template)(\W?[^.\w]|$)`)

// evaluating runs text of values and files as a template.
var evaluating = regexp.MustCompile(`\btpl\b`)

// draws reports whether the templates of a chart may render otherwise the next
// time. It may say so of one that does not.
func draws(c chart, values map[string]any) bool {
	var texts [][]byte
	evaluates := false
	each(c, func(c chart) {
		for _, t := range c.templates() {
			texts = append(texts, t.data)
			evaluates = evaluates || evaluating.Match(t.data)
		}
	})
	if evaluates {
		each(c, func(c chart) {
			for _, f := range c.files() {
				texts = append(texts, f.data)
			}
		})
		texts = stringsIn(values, texts)
	}
	for _, text := range texts {
		for _, a := range action.FindAll(text, -1) {
			if drawing.Match(a) {
				return true
			}
		}
	}
	return false
}

// each visits a chart and its subcharts.
func each(c chart, visit func(chart)) {
	visit(c)
	for _, sub := range c.subcharts() {
		each(sub, visit)
	}
}

// stringsIn appends the texts in a value, whatever the SDK calls its maps.
func stringsIn(v any, texts [][]byte) [][]byte {
	switch r := reflect.ValueOf(v); r.Kind() {
	case reflect.String:
		return append(texts, []byte(r.String()))
	case reflect.Map:
		for it := r.MapRange(); it.Next(); {
			texts = stringsIn(it.Value().Interface(), texts)
		}
	case reflect.Slice:
		for i := range r.Len() {
			texts = stringsIn(r.Index(i).Interface(), texts)
		}
	default: // neither holds text
	}
	return texts
}
