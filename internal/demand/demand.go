// Package demand tells what a function of a template is about to make, from its
// arguments, so that it can be refused before it takes the memory.
package demand

import (
	"fmt"
	"math"
	"reflect"
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"
	"unicode/utf8"
)

// pieceBytes is what a piece of a text that is split counts for: the pieces of a
// text take more memory than the text.
const pieceBytes = 64

// longestPattern is the longest regular expression: its program is far larger.
const longestPattern = 16 << 10

// intBytes is what a number in a list counts for.
const intBytes = 8

// runeBytes is what a character counts for where a text is made of single ones.
const runeBytes = 4

// maxNesting bounds a value: one that holds itself has no end.
const maxNesting = 1000

// Steps of a function that takes long over little, since nothing ends one before its
// time: of a regular expression, and of items that are compared with each other.
const (
	mostSteps    = 1 << 30
	mostCompared = 1 << 27
)

// Of is what a function of sprig's or of Go's templates is about to make, at most and
// in bytes; 0 for those that make no more than they are given. Numbers past
// math.MaxInt stop there, and so does what one takes too long for.
func Of(name string, args []reflect.Value) int {
	text := func(i int) string {
		if i < len(args) && args[i].Kind() == reflect.String {
			return args[i].String()
		}
		return ""
	}
	name = strings.TrimPrefix(name, "must")
	name = strings.ToLower(name[:1]) + name[1:]
	if n := counted(name, args); n > 0 {
		return n
	}
	switch name {
	case "replace": // old, new, text
		return replaced(text(2), len(text(1)), strings.Count(text(2), text(0)))
	case "join": // separator, list
		return joined(len(text(0)), args)
	case "wrap", "wrapWith": // width, separator, text
		separator, whole := 1, text(1)
		if name == "wrapWith" {
			separator, whole = len(text(1)), text(2)
		}
		return replaced(whole, max(separator, 1), 2*(len(whole)/int(max(args[0].Int(), 1))+1))
	case "split", "splitList": // separator, text
		return product(pieceBytes, 1+strings.Count(text(1), text(0)))
	case "splitn": // separator, number, text
		return product(pieceBytes, 1+min(strings.Count(text(2), text(0)), int(max(args[1].Int(), 0))))
	case "printf":
		return printed(text(0), args)
	case "uniq": // each item is compared with each
		return compared(items(args, 0), items(args, 0))
	case "without": // list, items
		return compared(items(args, 0), items(args, 1))
	case "toPrettyJson":
		return pretty(args[0], 1, math.MaxInt32)
	case "regexMatch", "regexFind", "regexFindAll", "regexSplit", "regexReplaceAll", "regexReplaceAllLiteral":
		return expression(name, text(0), text(1), text(2))
	}
	return 0
}

// counted is for the functions that make much out of a small number.
func counted(name string, args []reflect.Value) int {
	number := func(i int) int {
		if i < len(args) && args[i].CanInt() {
			return int(args[i].Int())
		}
		return 0
	}
	switch name {
	case "repeat":
		return product(max(number(0), 0), args[1].Len())
	case "randAlphaNum", "randAlpha", "randAscii", "randNumeric": // runes, and the text made of them
		return product(runeBytes+1, max(number(0), 0))
	case "randBytes": // as base64
		return product(3, max(number(0), 0))
	case "indent", "nindent":
		return product(max(number(0), 0), 1+strings.Count(args[1].String(), "\n"))
	case "until":
		return steps(0, number(0), 1)
	case "untilStep":
		return steps(number(0), number(1), number(2))
	case "seq":
		if n := args[0].Len(); n > 0 {
			from := 1
			if n > 1 {
				from = int(args[0].Index(0).Int())
			}
			return steps(from, int(args[0].Index(n-1).Int()), 1)
		}
	}
	return 0
}

// steps is for a list of numbers.
func steps(from, to, step int) int {
	if step == 0 {
		return 0
	}
	n := math.Abs((float64(to) - float64(from)) / float64(step))
	if n > math.MaxInt32 {
		return math.MaxInt
	}
	return product(intBytes, int(n))
}

// product is a times b, or the largest number.
func product(a, b int) int {
	if a > 0 && b > math.MaxInt/a {
		return math.MaxInt
	}
	return a * b
}

// sum is a plus b, or the largest number.
func sum(a, b int) int {
	if a > math.MaxInt-b {
		return math.MaxInt
	}
	return a + b
}

// replaced is the length of a text with so many replacements of a length.
func replaced(text string, length, count int) int { return sum(len(text), product(length, count)) }

func joined(separator int, args []reflect.Value) int {
	return product(separator, items(args, len(args)-1))
}

// compared is for items that are compared with others.
func compared(n, others int) int {
	if product(n, others) > mostCompared {
		return math.MaxInt
	}
	return 0
}

// items are those of a list among the arguments; none of anything else.
func items(args []reflect.Value, i int) int {
	if i >= len(args) {
		return 0
	}
	list := args[i]
	for list.Kind() == reflect.Interface {
		list = list.Elem()
	}
	if list.Kind() != reflect.Slice && list.Kind() != reflect.Array {
		return 0
	}
	return list.Len()
}

// expression is for functions of regular expressions: pattern, text, replacement.
func expression(name, pattern, text, with string) int {
	if len(pattern) > longestPattern {
		return math.MaxInt
	}
	e, err := regexp.Compile(pattern)
	if err != nil {
		return 0 // the function says what is wrong
	}
	if product(instructions(pattern), len(text)) > mostSteps {
		return math.MaxInt
	}
	if name == "regexMatch" || name == "regexFind" {
		return 0
	}
	matches, matched := 0, 0
	e.ReplaceAllStringFunc(text, func(match string) string {
		matches++
		matched += len(match)
		return ""
	})
	switch name {
	case "regexFindAll", "regexSplit":
		return product(pieceBytes, matches+1)
	case "regexReplaceAll":
		// Each group that the replacement names is a part of the match.
		return sum(replaced(text, len(with), matches), product(matched, strings.Count(with, "$")))
	}
	return replaced(text, len(with), matches)
}

// instructions is how long the program of a pattern is, which is run for each byte at
// worst.
func instructions(pattern string) int {
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return 0
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return 0
	}
	return len(program.Inst)
}

var (
	widths  = regexp.MustCompile(`[0-9]+|\*`)
	indexed = regexp.MustCompile(`%[^%a-zA-Z]*\[`)
)

// widest is the largest width that fmt takes.
const widest = 1_000_000

// printed is for a format: the widths in it, and arguments that it names again.
func printed(format string, args []reflect.Value) int {
	need := len(format)
	for _, verb := range strings.Split(format, "%")[1:] {
		flags := strings.IndexFunc(verb, func(r rune) bool { return r == utf8.RuneError || r > '9' && r != '[' && r != ']' || r == '%' })
		if flags < 0 {
			flags = len(verb)
		}
		for _, width := range widths.FindAllString(verb[:flags], -1) {
			n, err := strconv.Atoi(width)
			if err != nil || width == "*" {
				n = widest
			}
			need = sum(need, min(n, widest))
		}
	}
	if !indexed.MatchString(format) {
		return need
	}
	total := math.MaxInt32
	for _, arg := range args[1:] {
		Weigh(arg, &total)
	}
	return sum(need, product(strings.Count(format, "%"), math.MaxInt32-total))
}

// pretty is the size of indented JSON, or more than most where it is larger.
func pretty(v reflect.Value, depth, most int) int {
	if depth > maxNesting {
		return most
	}
	for v.Kind() == reflect.Interface || v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	need := 2 * depth
	switch v.Kind() {
	case reflect.String:
		return 6*v.Len() + need
	case reflect.Slice, reflect.Array:
		for i := 0; i < v.Len() && need < most; i++ {
			need += pretty(v.Index(i), depth+1, most-need)
		}
	case reflect.Map:
		for iter := v.MapRange(); need < most && iter.Next(); {
			need += len(fmt.Sprint(iter.Key())) + pretty(iter.Value(), depth+1, most-need)
		}
	}
	return need
}

// Weigh takes the printed size of a value, roughly, from left. It stops when
// nothing is left, or the value is nested too deeply.
func Weigh(v reflect.Value, left *int) { weigh(v, left, maxNesting) }

func weigh(v reflect.Value, left *int, nesting int) {
	if nesting--; nesting < 0 {
		*left = -1
	}
	if *left--; *left < 0 || !v.IsValid() {
		return
	}
	switch v.Kind() {
	case reflect.Interface, reflect.Pointer:
		weigh(v.Elem(), left, nesting)
	case reflect.String:
		*left -= v.Len()
	case reflect.Slice, reflect.Array:
		for i := 0; i < v.Len() && *left >= 0; i++ {
			weigh(v.Index(i), left, nesting)
		}
	case reflect.Map:
		for iter := v.MapRange(); *left >= 0 && iter.Next(); {
			weigh(iter.Key(), left, nesting)
			weigh(iter.Value(), left, nesting)
		}
	case reflect.Struct:
		for i := 0; i < v.NumField() && *left >= 0; i++ {
			weigh(v.Field(i), left, nesting)
		}
	}
}
