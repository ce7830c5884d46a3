package render

import (
	"context"
	"errors"
	"fmt"

	"github.com/assaydev/assay/internal/leftover"
	"github.com/assaydev/assay/internal/memory"
)

// bounded does what executes an environment's templates, and returns when ctx ends,
// whatever one of them is doing: neither Helm's engine nor krusty can be interrupted,
// and what is abandoned ends with its limits. f itself returns no earlier than what it
// began has ended, for what goes on is not begun again. On error nothing else is returned.
func bounded[T any](ctx context.Context, req Request, doing string, f func() (T, error)) (T, error) {
	type outcome struct {
		of  T
		err error
	}
	var none T
	work, err := leftover.Begin(ctx, doing+" "+req.FS.Identity()+" "+req.String())
	if err != nil {
		return none, fmt.Errorf("%s %s: %w", doing, req.Dir, err)
	}
	done := make(chan outcome, 1)
	go func() {
		var o outcome
		defer func() { done <- o }()
		defer work.End()
		defer memory.Enter(ctx, req.String())()
		defer recovered(req.Dir, &o.err)
		o.of, o.err = f()
	}()
	select {
	case o := <-done:
		if ctx.Err() != nil {
			break
		}
		if o.err != nil {
			return none, o.err
		}
		return o.of, nil
	case <-ctx.Done():
	}
	work.GiveUp()
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return none, fmt.Errorf("%s %s: deadline passed; raise the caller's timeout, or make the environment smaller", doing, req.Dir)
	}
	return none, fmt.Errorf("%s %s: interrupted", doing, req.Dir)
}

// recovered turns a library's panic into an error. It says nothing of the
// panic's value, which may hold what is in the files.
func recovered(dir string, err *error) {
	if recover() != nil {
		*err = fmt.Errorf("render %s: a library broke down on these files; undo what was changed last in them, and report it to us", dir)
	}
}
