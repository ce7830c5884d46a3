package remote

import "context"

// Retry repeats f for as long as the server does not answer, or f finds that a ref
// moved before it wrote: what only reads, or may be done twice. Other errors end
// it; so does a server that no connection can be made to, with an
// *UnreachableError, and ctx, with a *GaveUpError.
func (r *Remote) Retry(ctx context.Context, f func(context.Context) error) error {
	u := &update{remote: r, start: r.opt.Now()}
	for {
		u.tries++
		err := f(ctx)
		if err == nil {
			return nil
		}
		if err = u.consider(ctx, err); err != nil {
			return err
		}
		if !r.pause(ctx, u.inARow) {
			return u.gaveUp(ctx)
		}
	}
}
