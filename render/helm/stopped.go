package helm

import (
	"context"
	"errors"
	"fmt"
)

// recovered turns a panic under a chart's templates into an error. The panic's own
// text may hold values.
func recovered(dir string, err *error) {
	if recover() != nil {
		*err = fmt.Errorf("%s: rendering the chart panicked: a template or a function that it calls cannot handle its input", dir)
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
