package helm

import (
	"context"
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

type outcome struct {
	objs     []*unstructured.Unstructured
	warnings []string
	err      error
}

// runBounded runs f in a goroutine of its own, turns its panics into errors
// and does not wait for it once ctx is done. f checks ctx between its steps, so
// that an abandoned f ends with the step that it is in.
func runBounded(ctx context.Context, dir string, f func(context.Context) ([]*unstructured.Unstructured, []string, error)) ([]*unstructured.Unstructured, []string, error) {
	done := make(chan outcome, 1)
	go func() {
		var out outcome
		defer func() {
			if p := recover(); p != nil {
				// The panic's own text may hold values.
				out = outcome{err: fmt.Errorf("%s: rendering the chart panicked: a template or a function that it calls cannot handle its input", dir)}
			}
			done <- out
		}()
		out.objs, out.warnings, out.err = f(ctx)
	}()
	select {
	case out := <-done:
		return out.objs, out.warnings, out.err
	case <-ctx.Done():
		return nil, nil, stopped(ctx, dir)
	}
}

// stopped is the error of a render that ctx ended, or nil while it goes on.
func stopped(ctx context.Context, dir string) error {
	switch err := ctx.Err(); {
	case err == nil:
		return nil
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s: rendering the chart took too long: look for a template that loops or recurses, or raise the timeout: %w", dir, err)
	default:
		return fmt.Errorf("%s: render the chart: %w", dir, err)
	}
}
