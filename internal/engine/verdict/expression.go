package verdict

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/ext"

	"github.com/assaydev/assay/internal/engine"
	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/spec"
)

const (
	costLimit      = 1_000_000 // of one evaluation; built-in ones cost a few hundred
	costModel      = 0         // held, so that no library's update moves a verdict over the limit or under it
	interruptEvery = 100       // steps of a loop
	longestReason  = 200
	mostReasons    = 3
)

// expressions are an engine's by field, and what each must give.
func expressions(e engine.Engine) []expression {
	return []expression{
		{"candidate", e.Candidate, cel.StringType},
		{"concluded", e.Concluded, cel.BoolType},
		{"promote", e.Promote, cel.BoolType},
		{"reject", e.Reject, cel.BoolType},
		{"conflict", e.Conflict, cel.StringType},
		{"message", e.Message, cel.StringType},
		{"evidence", e.Evidence, cel.StringType},
	}
}

type expression struct {
	field, text string
	result      *cel.Type
}

// programs are an engine's compiled expressions by field.
type programs map[string]program

type program struct {
	cel.Program
	result *cel.Type
	quiet  bool // the object is a Secret: an error must not repeat its values
}

// environment declares what expressions see. It costs a fraction of a
// millisecond, and is made only when there is something to judge.
func environment() (*cel.Env, error) {
	return cel.NewEnv(
		cel.OptionalTypes(), ext.Strings(ext.StringsVersion(0)),
		cel.ParserRecursionLimit(100),
		cel.CostModelVersion(costModel),
		cel.Variable("object", cel.DynType),
		cel.Variable("children", cel.ListType(cel.DynType)),
		cel.Variable("doc", cel.MapType(cel.StringType, cel.DynType)),
		cel.Variable("expect", cel.MapType(cel.StringType, cel.DynType)),
	)
}

// compile compiles an engine's expressions. Its error is of the first that is
// not valid.
func compile(e engine.Engine) (programs, error) {
	env, err := environment()
	if err != nil {
		return nil, fmt.Errorf("prepare expressions: %w", err)
	}
	out := programs{}
	for _, x := range expressions(e) {
		if strings.TrimSpace(x.text) == "" {
			continue
		}
		p, err := x.compile(env)
		if err != nil {
			return nil, fmt.Errorf("spec.experiment.engines of the plan: %s of %s: %w", x.field, e.Name, err)
		}
		out[x.field] = program{p, x.result, e.Group == "" && e.Kind == "Secret"}
	}
	return out, nil
}

func (x expression) compile(env *cel.Env) (cel.Program, error) {
	ast, issues := env.Compile(x.text)
	if issues.Err() != nil {
		return nil, compileError(issues)
	}
	if out := ast.OutputType(); !out.IsExactType(x.result) && !out.IsExactType(cel.DynType) {
		return nil, fmt.Errorf("it gives %s, and must give %s", out, x.result)
	}
	if err := refuseReplace(ast); err != nil {
		return nil, err
	}
	return env.Program(ast,
		cel.CostLimit(costLimit), cel.CostTracking(textCost{}), cel.InterruptCheckFrequency(interruptEvery),
		cel.CustomDecorator(bounded()),
	)
}

// compileError says where in the expression, without repeating it.
func compileError(issues *cel.Issues) error {
	var reasons []string
	for _, e := range issues.Errors() {
		if len(reasons) == mostReasons {
			reasons = append(reasons, "and more")
			break
		}
		reasons = append(reasons, fmt.Sprintf("line %d, column %d: %s", e.Location.Line(), e.Location.Column()+1, excerpt.Of(e.Message, longestReason)))
	}
	return errors.New(strings.Join(reasons, "; "))
}

// eval gives a bool or a string, or says why it cannot.
func (p program) eval(ctx context.Context, vars map[string]any) (any, error) {
	value, _, err := p.ContextEval(ctx, vars)
	switch {
	case err != nil && p.quiet:
		return nil, errors.New("it cannot read the object as it is")
	case err != nil:
		return nil, errors.New(excerpt.Of(err.Error(), longestReason))
	case value.Type() != kindOf(p.result):
		return nil, fmt.Errorf("it gave %s, and must give %s", value.Type().TypeName(), p.result)
	}
	return value.Value(), nil
}

func kindOf(t *cel.Type) ref.Type {
	if t.IsExactType(cel.BoolType) {
		return types.BoolType
	}
	return types.StringType
}

// Check compiles the engines of a plan and reports what is wrong with their
// expressions, by file, line and field. The data is the plan's text.
func Check(file string, data []byte, engines []spec.Engine) error {
	var faults []string
	for i, custom := range engines {
		env, err := environment()
		if err != nil {
			return fmt.Errorf("prepare expressions: %w", err)
		}
		for _, x := range expressions(engine.With([]spec.Engine{custom})[0]) {
			if strings.TrimSpace(x.text) == "" {
				continue
			}
			if _, err := x.compile(env); err != nil {
				field := fmt.Sprintf("spec.experiment.engines[%d].%s", i, x.field)
				faults = append(faults, fmt.Sprintf("%s:%d: %s: %v", file, spec.PlanLine(file, data, field), field, err))
			}
		}
	}
	if len(faults) > mostReasons {
		faults = append(faults[:mostReasons], fmt.Sprintf("%s: and %d more", file, len(faults)-mostReasons))
	}
	if len(faults) == 0 {
		return nil
	}
	return errors.New(strings.Join(faults, "\n"))
}
