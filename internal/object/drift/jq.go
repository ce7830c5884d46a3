package drift

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/itchyny/gojq"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// What a jq path expression may take. Who writes an Application is not trusted with more.
const (
	mostText   = 2000      // bytes of an expression
	mostObject = 512 << 10 // bytes of an object as JSON
	mostParts  = 100_000   // of the paths that it gives
	mostTime   = time.Second
)

// expression is a jq path expression. Argo CD runs del of it, which is delpaths of all paths that
// it gives: here they are counted in between.
type expression struct{ paths, del *gojq.Code }

func compile(text string) (expression, error) {
	if strings.TrimSpace(text) == "" || len(text) > mostText {
		return expression{}, fmt.Errorf("it has to have 1 to %d bytes", mostText)
	}
	query, err := gojq.Parse(text)
	if err == nil {
		err = confine(query)
	}
	if err != nil {
		return expression{}, err
	}
	paths, err := gojq.Compile(&gojq.Query{Term: &gojq.Term{Type: gojq.TermTypeFunc, Func: &gojq.Func{Name: "path", Args: []*gojq.Query{query}}}})
	if err != nil {
		return expression{}, err
	}
	query, err = gojq.Parse("delpaths($paths)")
	if err != nil {
		return expression{}, err
	}
	del, err := gojq.Compile(query, gojq.WithVariables([]string{"$paths"}))
	return expression{paths, del}, err
}

// cut removes the fields whose paths the expression gives. One that fails on the object, as where
// it goes through what is not there, removes nothing: so it is in Argo CD.
func (e expression) cut(ctx context.Context, o *unstructured.Unstructured) error {
	data, err := json.Marshal(o.Object)
	if err != nil {
		return err
	}
	if len(data) > mostObject {
		return fmt.Errorf("the object is larger than %d KiB, and no expression is applied to such", mostObject>>10)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, mostTime, fmt.Errorf("it takes longer than %s", mostTime))
	defer cancel()
	fields := converted(o.Object, toJQ)
	paths, err := e.run(ctx, fields)
	if err != nil || len(paths) == 0 {
		return err
	}
	left, _ := e.del.RunWithContext(ctx, fields, paths).Next()
	if err, failed := left.(error); failed {
		return cmp.Or(context.Cause(ctx), err)
	}
	object, ok := left.(map[string]any)
	if !ok {
		return errors.New("it leaves nothing of the object")
	}
	o.Object, _ = converted(object, fromJQ).(map[string]any)
	return nil
}

// run are the paths that the expression gives; none where it fails on the object.
func (e expression) run(ctx context.Context, fields any) ([]any, error) {
	var paths []any
	parts := 0
	for each := e.paths.RunWithContext(ctx, fields); ; {
		path, more := each.Next()
		steps, _ := path.([]any)
		parts += 1 + len(steps)
		switch _, failed := path.(error); {
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case !more:
			return paths, nil
		case failed:
			return nil, nil
		case parts > mostParts:
			return nil, fmt.Errorf("its paths have more than %d parts", mostParts)
		}
		paths = append(paths, path)
	}
}

// converted is a copy of a value with its scalars changed.
func converted(value any, scalar func(any) any) any {
	switch v := value.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, one := range v {
			out[key] = converted(one, scalar)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, one := range v {
			out[i] = converted(one, scalar)
		}
		return out
	}
	return scalar(value)
}

// toJQ and fromJQ are about whole numbers: jq has them as int, and objects as int64.
func toJQ(value any) any {
	if n, ok := value.(int64); ok {
		return int(n)
	}
	return value
}

func fromJQ(value any) any {
	if n, ok := value.(int); ok {
		return int64(n)
	}
	return value
}
