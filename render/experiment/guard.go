package experiment

import (
	"bytes"
	"context"
	"fmt"
	"reflect"
	"text/template"
	"text/template/parse"

	"github.com/assaydev/assay/internal/demand"
)

// maxSteps bounds the loop bodies and template calls of one file, deadline or not.
const maxSteps = 100_000

// guard bounds the execution of one template. text/template cannot be
// interrupted, so a call of the guard is planted in every loop and definition,
// and the size of every function's result is checked.
type guard struct {
	ctx   context.Context //nolint:containedctx // it lives as long as one execution
	bytes int
	steps int
}

// limitError ends an execution.
type limitError struct{ reason string }

func (e *limitError) Error() string { return e.reason }

// guardFunction is called at the planted places. It prints nothing. showFunction is the
// last of every pipeline that prints.
const (
	guardFunction = "assayGuard"
	showFunction  = "assayShow"
)

func (g *guard) step() (string, error) {
	g.steps--
	if g.steps < 0 {
		return "", &limitError{fmt.Sprintf("loops more than %d times: shorten the loop", maxSteps)}
	}
	if err := g.ctx.Err(); err != nil {
		return "", &limitError{"does not end in time: " + err.Error()}
	}
	return "", nil
}

// show gives a value on that is small enough to be printed. It may hold one part many
// times, which has grown since.
func (g *guard) show(v reflect.Value) (reflect.Value, error) {
	left := g.bytes
	if demand.Weigh(v, &left); left < 0 {
		return v, &limitError{fmt.Sprintf("writes more than %d bytes: make it smaller", g.bytes)}
	}
	return v, nil
}

// instrument plants a call of the guard in every definition and loop body, and where
// something is printed.
func (g *guard) instrument(t *template.Template) {
	for _, defined := range t.Templates() {
		if defined.Tree == nil || defined.Root == nil {
			continue
		}
		plantIn(defined.Tree, defined.Root)
		plant(defined.Tree, defined.Root)
	}
}

// plantIn walks down to the loops and to what prints.
func plantIn(tree *parse.Tree, list *parse.ListNode) {
	if list == nil {
		return
	}
	for _, n := range list.Nodes {
		var branch *parse.BranchNode
		switch n := n.(type) {
		case *parse.IfNode:
			branch = &n.BranchNode
		case *parse.WithNode:
			branch = &n.BranchNode
		case *parse.RangeNode:
			branch = &n.BranchNode
		case *parse.ActionNode:
			if len(n.Pipe.Decl) == 0 {
				n.Pipe.Cmds = append(n.Pipe.Cmds, callOf(tree, showFunction, n.Pos))
			}
			continue
		default:
			continue
		}
		plantIn(tree, branch.List)
		plantIn(tree, branch.ElseList)
		if n.Type() == parse.NodeRange {
			plant(tree, branch.List)
		}
	}
}

func plant(tree *parse.Tree, list *parse.ListNode) {
	action := &parse.ActionNode{
		NodeType: parse.NodeAction, Pos: list.Pos,
		Pipe: &parse.PipeNode{NodeType: parse.NodePipe, Pos: list.Pos, Cmds: []*parse.CommandNode{callOf(tree, guardFunction, list.Pos)}},
	}
	list.Nodes = append([]parse.Node{action}, list.Nodes...)
}

func callOf(tree *parse.Tree, name string, at parse.Pos) *parse.CommandNode {
	return &parse.CommandNode{NodeType: parse.NodeCommand, Pos: at, Args: []parse.Node{parse.NewIdentifier(name).SetTree(tree).SetPos(at)}}
}

// bounded wraps a template function: a result larger than the limit is an
// error, and where the arguments tell it, before there is one. Without it a value
// that is doubled in a short loop fills the memory.
func (g *guard) bounded(name string, fn any) any {
	f := reflect.ValueOf(fn)
	t := f.Type()
	in := make([]reflect.Type, t.NumIn())
	for i := range in {
		in[i] = t.In(i)
	}
	failure := reflect.TypeFor[error]()
	wrapped := reflect.FuncOf(in, []reflect.Type{t.Out(0), failure}, t.IsVariadic())
	return reflect.MakeFunc(wrapped, func(args []reflect.Value) []reflect.Value {
		if err := g.tooMuch(name, args); err != nil {
			return []reflect.Value{reflect.Zero(t.Out(0)), reflect.ValueOf(err).Convert(failure)}
		}
		call := f.Call
		if t.IsVariadic() {
			call = f.CallSlice
		}
		out := call(args)
		if len(out) == 1 {
			out = append(out, reflect.Zero(failure))
		}
		left := g.bytes
		if demand.Weigh(out[0], &left); left < 0 {
			err := &limitError{fmt.Sprintf("the result of %s is larger than %d bytes", name, g.bytes)}
			out[1] = reflect.ValueOf(err).Convert(failure)
		}
		return out
	}).Interface()
}

// tooMuch is the error of a function that would make too much. What it is given counts:
// a value may hold one part many times that has grown since.
func (g *guard) tooMuch(name string, args []reflect.Value) error {
	left := g.bytes
	for _, arg := range args {
		if left >= 0 {
			demand.Weigh(arg, &left)
		}
	}
	if left < 0 || demand.Of(name, args) > g.bytes {
		return &limitError{fmt.Sprintf("the result of %s is larger than %d bytes", name, g.bytes)}
	}
	return nil
}

// limited is a buffer that takes so much and no more.
type limited struct {
	bytes.Buffer
	max int
}

func (l *limited) Write(p []byte) (int, error) {
	if l.Len()+len(p) > l.max {
		return 0, &limitError{fmt.Sprintf("writes more than %d bytes: make it smaller", l.max)}
	}
	return l.Buffer.Write(p)
}
