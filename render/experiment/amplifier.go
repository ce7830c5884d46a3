package experiment

import (
	"fmt"
	"math"
	"strings"
	"text/template"
)

// amplifiers are the functions that make much out of a small number. They are
// checked before they run.
func (g *guard) amplifiers(seq func(...int) (string, error)) template.FuncMap {
	return template.FuncMap{
		"repeat": g.repeat,
		"indent": func(spaces int, s string) (string, error) { return g.indent("indent", spaces, s) },
		"nindent": func(spaces int, s string) (string, error) {
			s, err := g.indent("nindent", spaces, s)
			return "\n" + s, err
		},
		"until": func(n int) ([]int, error) {
			if n < 0 {
				return g.count("until", 0, n, -1)
			}
			return g.count("until", 0, n, 1)
		},
		"untilStep": func(from, to, step int) ([]int, error) { return g.count("untilStep", from, to, step) },
		"seq": func(n ...int) (string, error) {
			if err := g.fits("seq", intBytes, span(n)); err != nil {
				return "", err
			}
			return seq(n...)
		},
	}
}

// intBytes is what a number in a list counts for.
const intBytes = 8

// fits reports whether the function's result, count times size bytes, is small enough.
func (g *guard) fits(name string, size, count int) error {
	if size >= 0 && count >= 0 && (size == 0 || count <= g.bytes/size) {
		return nil
	}
	return &limitError{fmt.Sprintf("the result of %s is larger than %d bytes", name, g.bytes)}
}

func (g *guard) repeat(count int, s string) (string, error) {
	if count < 0 {
		return "", fmt.Errorf("the count is negative")
	}
	if err := g.fits("repeat", len(s), count); err != nil {
		return "", err
	}
	return strings.Repeat(s, count), nil
}

func (g *guard) indent(name string, spaces int, s string) (string, error) {
	if spaces < 0 {
		return "", fmt.Errorf("the width is negative")
	}
	if err := g.fits(name, spaces, 1+strings.Count(s, "\n")); err != nil {
		return "", err
	}
	pad := strings.Repeat(" ", spaces)
	return pad + strings.ReplaceAll(s, "\n", "\n"+pad), nil
}

func (g *guard) count(name string, from, to, step int) ([]int, error) {
	out := []int{}
	if step == 0 {
		return out, nil
	}
	for i := from; (step > 0 && i < to) || (step < 0 && i > to); i += step {
		if out = append(out, i); len(out) > g.bytes/intBytes {
			return nil, g.fits(name, intBytes, len(out))
		}
	}
	return out, nil
}

// span is how far seq counts, whatever its step; math.MaxInt where that does
// not fit an int.
func span(n []int) int {
	if len(n) == 0 {
		return 0
	}
	from := 1
	if len(n) > 1 {
		from = n[0]
	}
	if d := math.Abs(float64(n[len(n)-1]) - float64(from)); d < math.MaxInt32 {
		return int(d)
	}
	return math.MaxInt
}
