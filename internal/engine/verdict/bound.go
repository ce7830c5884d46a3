package verdict

import (
	"errors"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"cel.dev/cel-go/interpreter"
)

// CEL's cost is counted after each step, and from the outside. That does not
// bound the steps that make much out of little: a comparison of lists within
// lists, which share their items, a list added to itself again and again, and
// the joining of one text many times. Here these are bounded before they run.

const (
	compareLimit = 1_000_000 // values that one expression may compare
	textLimit    = 64 << 10  // bytes of a text that is put together
	listLimit    = 100_000   // values of such a list
	bytesPerStep = 10        // of a text that a function makes
)

// refuseReplace keeps out the one function whose result is not bounded by
// what it is given.
func refuseReplace(a *cel.Ast) error {
	found := ast.MatchDescendants(ast.NavigateAST(a.NativeRep()), ast.FunctionMatcher("replace"))
	if len(found) > 0 {
		return errors.New("the function replace is refused, since its result may be of any size: compare with matches instead")
	}
	return nil
}

// textCost charges functions for the texts and lists that they go through:
// those that CEL does not know, and all where it knows no types, as in a status.
type textCost struct{}

func (textCost) CallCost(function, overload string, args []ref.Val, result ref.Val) *uint64 {
	switch function {
	case "join", "split", "substring", "trim", "lowerAscii", "upperAscii":
	case operators.Add: // bounded by itself, and loops add to their result
		return nil
	default:
		if overload != "" {
			return nil
		}
	}
	cost := uint64(1)
	for _, v := range append([]ref.Val{result}, args...) {
		cost += uint64(textSize(v)/bytesPerStep + length(v)) //nolint:gosec // sizes are not negative
	}
	return &cost
}

// bounded makes a decorator for one program. What it may compare is counted
// over all its evaluations.
func bounded() interpreter.InterpretableDecorator {
	budget := compareLimit
	return func(i interpreter.Interpretable) (interpreter.Interpretable, error) {
		call, ok := i.(interpreter.InterpretableCall)
		if !ok {
			return i, nil
		}
		switch call.Function() {
		case operators.Equals, operators.NotEquals, operators.In:
			return bound{call, comparison(call.Function(), &budget)}, nil
		case operators.Add:
			return bound{call, addValues}, nil
		case "join":
			return bound{call, joinTexts}, nil
		}
		return i, nil
	}
}

// bound is a call whose result is made by run, and charged as CEL charges it.
type bound struct {
	interpreter.InterpretableCall
	run func(args []ref.Val) ref.Val
}

func (b bound) Exec(frame *interpreter.ExecutionFrame) ref.Val {
	args := make([]ref.Val, len(b.Args()))
	for i, arg := range b.Args() {
		args[i] = arg.Exec(frame)
	}
	for _, arg := range args {
		if types.IsUnknownOrError(arg) {
			return arg
		}
	}
	result := b.run(args)
	if costs := frame.CostTracker(); costs != nil {
		costs.EvalVarArgs(frame, b.ID(), b, args, result)
	}
	return result
}

// Eval is for callers of CEL's first interface: without it they would reach the
// embedded call, which has no bound.
func (b bound) Eval(vars interpreter.Activation) ref.Val {
	return interpreter.EvalActivation(vars, b.Exec)
}

// comparison is ==, != or in, within a budget.
func comparison(function string, budget *int) func([]ref.Val) ref.Val {
	return func(args []ref.Val) ref.Val {
		for _, arg := range args {
			if !spend(budget, arg) {
				return types.NewErr("it compares more than %d values", compareLimit)
			}
		}
		switch function {
		case operators.Equals:
			return types.Equal(args[0], args[1])
		case operators.NotEquals:
			return types.Bool(types.Equal(args[0], args[1]) != types.True)
		}
		container, ok := args[1].(traits.Container)
		if !ok {
			return types.MaybeNoSuchOverloadErr(args[1])
		}
		return container.Contains(args[0])
	}
}

// addValues is +, with a bounded list or text.
func addValues(args []ref.Val) ref.Val {
	adder, ok := args[0].(traits.Adder)
	if !ok {
		return types.MaybeNoSuchOverloadErr(args[0])
	}
	if length(args[0])+length(args[1]) > listLimit {
		return types.NewErr("it makes a list of more than %d values", listLimit)
	}
	if textSize(args[0])+textSize(args[1]) > textLimit {
		return types.NewErr("it makes a text of more than %d bytes", textLimit)
	}
	return adder.Add(args[1])
}

// length is that of a list; 0 for anything else.
func length(v ref.Val) int {
	if l, ok := v.(traits.Lister); ok {
		if n, ok := l.Size().(types.Int); ok {
			return int(n)
		}
	}
	return 0
}

func textSize(v ref.Val) int {
	switch v := v.(type) {
	case types.String:
		return len(v)
	case types.Bytes:
		return len(v)
	}
	return 0
}

// joinTexts is CEL's own, with a bounded result.
func joinTexts(args []ref.Val) ref.Val {
	list, ok := args[0].(traits.Lister)
	if !ok {
		return types.MaybeNoSuchOverloadErr(args[0])
	}
	separator := types.String("")
	if len(args) == 2 {
		if separator, ok = args[1].(types.String); !ok {
			return types.MaybeNoSuchOverloadErr(args[1])
		}
	}
	var out strings.Builder
	for it, between := list.Iterator(), ""; it.HasNext() == types.True; between = string(separator) {
		item := it.Next()
		text, ok := item.(types.String)
		if !ok {
			return types.MaybeNoSuchOverloadErr(item)
		}
		if out.Len()+len(between)+len(text) > textLimit {
			return types.NewErr("it makes a text of more than %d bytes", textLimit)
		}
		out.WriteString(between)
		out.WriteString(string(text))
	}
	return types.String(out.String())
}

// spend takes a value's parts off the budget, and stops once that is used up.
func spend(budget *int, v ref.Val) bool {
	if *budget--; *budget < 0 {
		return false
	}
	switch v := v.(type) {
	case types.String, types.Bytes:
		*budget -= textSize(v) / bytesPerStep
	case *types.Optional:
		return !v.HasValue() || spend(budget, v.GetValue())
	case traits.Mapper:
		for it := v.Iterator(); it.HasNext() == types.True; {
			if !spend(budget, v.Get(it.Next())) {
				return false
			}
		}
	case traits.Lister:
		for it := v.Iterator(); it.HasNext() == types.True; {
			if !spend(budget, it.Next()) {
				return false
			}
		}
	}
	return *budget >= 0
}
