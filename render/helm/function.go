package helm

import (
	"fmt"
	"reflect"
	"text/template"
	_ "unsafe" // for go:linkname

	_ "github.com/Masterminds/sprig/v3" // whose functions they are

	"github.com/assaydev/assay/internal/demand"
)

// mostMade is what one function of a chart's templates may make: as much as all of
// them may print.
const mostMade = 128 << 20

// tooMuch begins the error.
const tooMuch = "the result would be larger than "

// sprigFunctions are what Helm's engine gives to templates. It takes them from
// sprig itself, and lets nobody else: a function that asks for more memory than the
// machine has would end the process without an error.
//
//go:linkname sprigFunctions github.com/Masterminds/sprig/v3.genericMap
var sprigFunctions map[string]any

// The functions are replaced before any template is rendered, and never again.
var _ = boundFunctions()

// boundFunctions makes each of them ask first. What they make stays the same.
func boundFunctions() bool {
	for name, fn := range map[string]any{"print": fmt.Sprint, "printf": fmt.Sprintf, "println": fmt.Sprintln, "html": template.HTMLEscaper, "js": template.JSEscaper, "urlquery": template.URLQueryEscaper} {
		sprigFunctions[name] = fn
	}
	for _, name := range []string{
		"repeat", "indent", "nindent", "until", "untilStep", "seq", "replace", "join", "wrap", "wrapWith", "split", "splitList", "splitn",
		"toPrettyJson", "mustToPrettyJson", "regexFindAll", "mustRegexFindAll", "regexSplit", "mustRegexSplit", "regexReplaceAll", "mustRegexReplaceAll",
		"regexReplaceAllLiteral", "mustRegexReplaceAllLiteral", "print", "printf", "println", "cat", "quote", "squote", "list", "tuple", "concat",
		"randAlphaNum", "randAlpha", "randAscii", "randNumeric", "randBytes", "uniq", "mustUniq", "without", "mustWithout",
		"regexMatch", "mustRegexMatch", "regexFind", "mustRegexFind",
	} {
		sprigFunctions[name] = asking(name, sprigFunctions[name])
	}
	return true
}

// asking wraps a function. Where it would make too much it panics, as functions of
// templates may: the engine makes an error of it.
func asking(name string, fn any) any {
	f := reflect.ValueOf(fn)
	variadic := f.Type().IsVariadic()
	return reflect.MakeFunc(f.Type(), func(args []reflect.Value) []reflect.Value {
		left := mostMade
		for _, arg := range args {
			if variadic && left >= 0 {
				demand.Weigh(arg, &left)
			}
		}
		if left < 0 || demand.Of(name, args) > mostMade {
			panic(fmt.Errorf(tooMuch+"%d MiB", mostMade>>20))
		}
		if variadic {
			return f.CallSlice(args)
		}
		return f.Call(args)
	}).Interface()
}
