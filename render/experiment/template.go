package experiment

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"strings"
	"text/template"
)

// data is what a template sees as its dot.
type data struct {
	ID, Name, Namespace string
	Parameters          map[string]any
	Targets             []Target
}

// dataFor is a copy of its own: a template may change maps with set and merge.
func dataFor(in Input, id string) data {
	d := data{ID: id, Name: in.Name, Namespace: in.Namespace, Parameters: map[string]any{}}
	for k, v := range in.Experiment.Parameters {
		d.Parameters[k] = plain(v)
	}
	for _, t := range in.Targets {
		d.Targets = append(d.Targets, Target{t.Baseline.copied(in.Namespace), t.Candidate.copied(in.Namespace)})
	}
	return d
}

func (v Version) copied(namespace string) Version {
	if v.Namespace == "" {
		v.Namespace = namespace
	}
	v.Object, _ = plain(v.Object).(map[string]any)
	return v
}

// plain copies a decoded value. Whole numbers become int64, because a
// template would print the float64 1000000 as 1e+06.
func plain(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[k] = plain(e)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = plain(e)
		}
		return out
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			return int64(v)
		}
	}
	return v
}

// execute runs one template. It ends when ctx does, however the template loops.
func execute(ctx context.Context, s Source, in Input, id string, opt Options) ([]byte, error) {
	left, right, err := delimiters(in)
	if err != nil {
		return nil, err
	}
	g := &guard{ctx: ctx, bytes: opt.OutputBytes, steps: maxSteps}
	tmpl, err := template.New(templateName).Delims(left, right).Option("missingkey=error").
		Funcs(functions(g)).Parse(string(s.Data))
	if err != nil {
		return nil, templateError(s, err, in)
	}
	g.instrument(tmpl)
	out := &limited{max: opt.OutputBytes}
	if err := tmpl.Execute(out, dataFor(in, id)); err != nil {
		return nil, templateError(s, err, in)
	}
	if i := bytes.Index(out.Bytes(), []byte("<no value>")); i >= 0 {
		line := 1 + bytes.Count(out.Bytes()[:i], []byte("\n"))
		return nil, fmt.Errorf("%s: line %d of its output has no value: a key that index or a parameter names is not set", s.File, line)
	}
	return out.Bytes(), nil
}

func delimiters(in Input) (left, right string, err error) {
	switch d := in.Experiment.Delimiters; {
	case len(d) == 0:
		return "{{", "}}", nil
	case len(d) != 2 || strings.TrimSpace(d[0]) == "" || strings.TrimSpace(d[1]) == "" || d[0] == d[1]:
		return "", "", fmt.Errorf(`%s: spec.experiment.delimiters: want two different strings, as in ["[[", "]]"]`, in.PlanFile)
	default:
		return d[0], d[1], nil
	}
}
