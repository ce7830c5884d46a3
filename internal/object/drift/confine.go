package drift

import (
	"errors"
	"fmt"
	"regexp/syntax"
	"slices"
	"strings"

	"github.com/itchyny/gojq"
)

// confine refuses of jq what could make more than it was given: a limit of time alone does not
// limit memory. What is left goes through an object and chooses.
func confine(q *gojq.Query) error {
	switch {
	case q == nil:
		return nil
	case q.Meta != nil || len(q.Imports) > 0 || len(q.FuncDefs) > 0:
		return errors.New("it defines or imports functions, which is refused here")
	case q.Term != nil:
		return confineTerm(q.Term)
	case q.Left == nil || q.Right == nil: // nothing but a comment
		return errors.New("it chooses nothing")
	case !slices.Contains(operators, q.Op):
		return fmt.Errorf("it uses the operator %s, which is refused here", q.Op)
	case len(q.Patterns) > 1 || len(q.Patterns) == 1 && q.Patterns[0].Name == "":
		return errors.New("it takes a value apart with as, which is refused here: name one variable")
	}
	return firstOf(confine(q.Left), confine(q.Right))
}

var operators = []gojq.Operator{
	gojq.OpPipe, gojq.OpComma, gojq.OpEq, gojq.OpNe, gojq.OpGt, gojq.OpLt, gojq.OpGe, gojq.OpLe, gojq.OpAnd, gojq.OpOr, gojq.OpAlt,
}

// functions may be used, with these numbers of arguments.
var functions = map[string][]int{
	"select": {1}, "empty": {0}, "not": {0}, "type": {0}, "length": {0}, "keys": {0}, "has": {1}, "in": {1}, "IN": {1, 2},
	"any": {0, 1, 2}, "all": {0, 1, 2}, "first": {0, 1}, "last": {0, 1}, "nth": {1}, "isempty": {1}, "recurse": {0}, "getpath": {1},
	"startswith": {1}, "endswith": {1}, "ltrimstr": {1}, "rtrimstr": {1}, "ascii_downcase": {0}, "ascii_upcase": {0},
	"contains": {1}, "inside": {1}, "test": {1, 2},
	"arrays": {0}, "objects": {0}, "iterables": {0}, "booleans": {0}, "numbers": {0}, "strings": {0}, "nulls": {0}, "values": {0}, "scalars": {0},
}

func confineTerm(t *gojq.Term) error {
	var err error
	switch t.Type {
	case gojq.TermTypeIdentity, gojq.TermTypeRecurse, gojq.TermTypeNull, gojq.TermTypeTrue, gojq.TermTypeFalse, gojq.TermTypeNumber:
	case gojq.TermTypeIndex:
		err = confineIndex(t.Index)
	case gojq.TermTypeFunc:
		err = confineFunction(t.Func)
	case gojq.TermTypeString, gojq.TermTypeArray, gojq.TermTypeUnary:
		if !isLiteral(t) {
			err = errors.New("it makes a string, a list or a number of others, which is refused here")
		}
	case gojq.TermTypeIf:
		err = firstOf(confine(t.If.Cond), confine(t.If.Then), confine(t.If.Else))
		for _, other := range t.If.Elif {
			err = firstOf(err, confine(other.Cond), confine(other.Then))
		}
	case gojq.TermTypeTry:
		err = firstOf(confine(t.Try.Body), confine(t.Try.Catch))
	case gojq.TermTypeQuery:
		err = confine(t.Query)
	default:
		err = fmt.Errorf("it uses %s, which is refused here", t)
	}
	for _, suffix := range t.SuffixList {
		err = firstOf(err, confineIndex(suffix.Index))
	}
	return err
}

func confineIndex(i *gojq.Index) error {
	switch {
	case i == nil:
		return nil
	case i.Str != nil && i.Str.Queries != nil:
		return errors.New("it makes a string of others, which is refused here")
	}
	return firstOf(confine(i.Start), confine(i.End))
}

func confineFunction(f *gojq.Func) error {
	if strings.HasPrefix(f.Name, "$") {
		return nil // a variable
	}
	if !slices.Contains(functions[f.Name], len(f.Args)) {
		return fmt.Errorf("it uses the function %s/%d, which is refused here", f.Name, len(f.Args))
	}
	for _, argument := range f.Args {
		if err := confine(argument); err != nil {
			return err
		}
		// These compare each with each, in one step that no limit of time ends.
		if slices.Contains([]string{"contains", "inside", "test"}, f.Name) && (argument.Term == nil || !isLiteral(argument.Term)) {
			return fmt.Errorf("the function %s takes a literal here", f.Name)
		}
	}
	if f.Name == "test" {
		return confineRegexp(f.Args[0].Term)
	}
	return nil
}

// mostSteps is how many instructions a regular expression may take, as it is run over each string.
const mostSteps = 1000

func confineRegexp(t *gojq.Term) error {
	if t.Str == nil {
		return errors.New("the function test takes a string here")
	}
	parsed, err := syntax.Parse(t.Str.Str, syntax.Perl)
	if err != nil {
		return err
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err == nil && len(program.Inst) > mostSteps {
		err = errors.New("its regular expression repeats too much")
	}
	return err
}

// isLiteral reports whether a term is a value as it is written.
func isLiteral(t *gojq.Term) bool {
	if len(t.SuffixList) > 0 {
		return false
	}
	switch t.Type {
	case gojq.TermTypeNull, gojq.TermTypeTrue, gojq.TermTypeFalse, gojq.TermTypeNumber:
		return true
	case gojq.TermTypeString:
		return t.Str.Queries == nil
	case gojq.TermTypeUnary:
		return isLiteral(t.Unary.Term)
	case gojq.TermTypeArray:
		return t.Array.Query == nil || areLiterals(t.Array.Query)
	}
	return false
}

func areLiterals(q *gojq.Query) bool {
	if q.Term != nil {
		return len(q.FuncDefs) == 0 && isLiteral(q.Term)
	}
	return q.Op == gojq.OpComma && areLiterals(q.Left) && areLiterals(q.Right)
}

// firstOf is the first error.
func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
