package spec

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation"
)

// Engine is a kind of object that judges candidates, beside the built-in ones
// or in place of one of them. Its expressions are CEL.
type Engine struct {
	Group     string `json:"group,omitempty"`                    // API group of its objects; empty for the core group
	Kind      string `json:"kind" jsonschema:"minLength=1"`      // kind of its objects
	Concluded string `json:"concluded" jsonschema:"minLength=1"` // CEL: whether the object has said all that it will say
	Promote   string `json:"promote" jsonschema:"minLength=1"`   // CEL: whether a concluded object promotes the candidate
	Reject    string `json:"reject" jsonschema:"minLength=1"`    // CEL: whether a concluded object rejects the candidate
	Message   string `json:"message,omitempty"`                  // CEL: what the object says, as text for people
}

// Expression is one of an engine's, by the name of its field.
type Expression struct{ Field, Text string }

// Expressions lists those that the engine must have, and its message.
func (e Engine) Expressions() []Expression {
	return []Expression{{"concluded", e.Concluded}, {"promote", e.Promote}, {"reject", e.Reject}, {"message", e.Message}}
}

// longestExpression bounds a CEL expression of the plan, in bytes.
const longestExpression = 4096

func (w *walker) checkEngines(engines []Engine) {
	first := map[schema.GroupKind]int{}
	for i, e := range engines {
		at := fmt.Sprintf("spec.experiment.engines[%d]", i)
		if e.Group != "" && len(validation.IsDNS1123Subdomain(e.Group)) > 0 {
			w.at(child(at, "group"), "must be an API group without a version, as in argoproj.io")
		}
		if len(validation.IsDNS1035Label(strings.ToLower(e.Kind))) > 0 && e.Kind != "" {
			w.at(child(at, "kind"), "must be a kind, as in AnalysisRun")
		}
		gk := schema.GroupKind{Group: e.Group, Kind: e.Kind}
		if other, ok := first[gk]; ok {
			w.at(at, "is of the same group and kind as engines[%d]: keep one of them", other)
		} else {
			first[gk] = i
		}
		for _, x := range e.Expressions() {
			if len(x.Text) > longestExpression {
				w.at(child(at, x.Field), "has %d bytes, the limit is %d: write a shorter expression", len(x.Text), longestExpression)
			}
		}
	}
}
