// Package span measures what a piece of work is made of, for traces. It knows no tracing
// system: the caller makes a Recorder, puts it into the context of the work, and reads the
// spans when that is done. Without one, Start costs a look into the context.
package span

import (
	"context"
	"sync"
	"time"
)

// most is how many spans one Recorder keeps. More are left out.
const most = 1000

// Span is one part of the work.
type Span struct {
	Name       string
	Parent     int // its index; -1 at the top
	Start, End time.Time
	Err        error // that it ended with
	Attributes []Attribute
}

// Attribute says more of a span.
type Attribute struct{ Key, Value string }

// Recorder keeps spans. It is safe for concurrent use.
type Recorder struct {
	mu    sync.Mutex
	spans []Span
}

// In is a context whose work is recorded.
func (r *Recorder) In(ctx context.Context) context.Context {
	return context.WithValue(ctx, key{}, at{r, -1})
}

// Spans are those so far, each after its parent. One that has not ended ends now.
func (r *Recorder) Spans() []Span {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make([]Span, len(r.spans))
	copy(all, r.spans)
	for i := range all {
		if all[i].End.IsZero() {
			all[i].End = time.Now()
		}
	}
	return all
}

type key struct{}

// at is where a context is among the spans.
type at struct {
	recorder *Recorder
	index    int
}

// Start begins a span below the context's. What is done with the context that it returns
// is below the new one. The caller ends it, with what went wrong.
func Start(ctx context.Context, name string, attributes ...Attribute) (within context.Context, end func(error)) {
	here, ok := ctx.Value(key{}).(at)
	if !ok {
		return ctx, func(error) {}
	}
	r := here.recorder
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.spans) == most {
		return ctx, func(error) {}
	}
	i := len(r.spans)
	r.spans = append(r.spans, Span{Name: name, Parent: here.index, Start: time.Now(), Attributes: attributes})
	return context.WithValue(ctx, key{}, at{r, i}), func(err error) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.spans[i].End, r.spans[i].Err = time.Now(), err
	}
}
