package helm

import (
	"bytes"
	"reflect"
	"regexp"
	"slices"
)

// drawing are the functions that do not give the same twice: random values, the
// time, and maps in no order. Whole objects of the SDK print addresses.
var drawing = regexp.MustCompile(`\b(rand\w*|uuidv4|shuffle|gen[A-Z]\w*|htpasswd|bcrypt|encryptAES|now|ago|date\w*|duration\w*|htmlDate\w*|keys|values)\b` +
	`|\.(Chart|Files|Capabilities|Release|Subcharts|Template)(\W?[^.\w]|$)`)

// telling is in every text that drawing matches: to look for it is cheaper.
var telling = [][]byte{
	[]byte("rand"), []byte("uuidv4"), []byte("shuffle"), []byte("gen"), []byte("htpasswd"), []byte("bcrypt"), []byte("encryptAES"), []byte("now"), []byte("ago"), []byte("date"),
	[]byte("duration"), []byte("htmlDate"), []byte("keys"), []byte("values"),
	[]byte(".Chart"), []byte(".Files"), []byte(".Capabilities"), []byte(".Release"), []byte(".Subcharts"), []byte(".Template"),
}

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
			evaluates = evaluates || bytes.Contains(t.data, []byte("tpl")) && evaluating.Match(t.data)
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
	return slices.ContainsFunc(texts, drawsIn)
}

// drawsIn reports whether what a text does between its braces may give something else the
// next time.
func drawsIn(text []byte) bool {
	told := slices.DeleteFunc(slices.Clone(telling), func(word []byte) bool { return !bytes.Contains(text, word) })
	if len(told) == 0 {
		return false
	}
	for {
		_, rest, found := bytes.Cut(text, []byte("{{"))
		action, after, ends := bytes.Cut(rest, []byte("}}"))
		if !found || !ends {
			return false
		}
		if slices.ContainsFunc(told, func(word []byte) bool { return bytes.Contains(action, word) }) && drawing.Match(text[len(text)-len(rest)-2:len(text)-len(after)]) {
			return true
		}
		text = after
	}
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
