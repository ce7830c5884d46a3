package cmp

import (
	"context"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"

	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/span"
)

// Trace is one call that has ended, for a tracing system.
type Trace struct {
	Caller     trace.SpanContext // of the caller's span; not valid where it sends none
	RPC        string            // as package.Service/Method
	Code       codes.Code
	App, Dir   string        // whose environment it is, and where it is in the repository
	Made       string        // where the result came from; empty where there is none
	Bytes      int64         // of the archive
	Waited     time.Duration // in which nothing came of it
	Objects    int
	Start, End time.Time
	Spans      []span.Span // the parts
	Err        error       // as the caller gets it
}

// measured are the parts that are counted.
var measured = [...]string{"receive", "extract", "make", "render", "inject", "print", "send"}

// callerOf is the span in the headers that W3C's trace context has.
func callerOf(ctx context.Context) trace.SpanContext {
	headers, _ := metadata.FromIncomingContext(ctx)
	carrier := propagation.MapCarrier{}
	for _, name := range (propagation.TraceContext{}).Fields() {
		carrier[name] = strings.Join(headers.Get(name), ",")
	}
	return trace.SpanContextFromContext(propagation.TraceContext{}.Extract(context.Background(), carrier))
}

// parts are the spans of the call, with those of the job that was done for it below "make".
// The lock is held.
func (r *record) parts() []span.Span {
	spans := r.spans.Spans()
	below := slices.IndexFunc(spans, func(s span.Span) bool { return s.Name == "make" })
	first := len(spans)
	for _, s := range r.e.job {
		if s.Parent < 0 {
			s.Parent = below
		} else {
			s.Parent += first
		}
		spans = append(spans, s)
	}
	return spans
}

// spent is how long the parts took. What is in a part that has a name of its own is not
// in the one above it twice: a render is less its injection, and unpacking is less the time
// in which nothing came.
func (e *entry) spent(spans []span.Span) map[string]time.Duration {
	took := map[string]time.Duration{}
	for _, s := range spans {
		took[s.Name] += s.End.Sub(s.Start)
	}
	took["render"] -= took["inject"]
	if e.in != nil {
		took["extract"] = max(took["extract"]-time.Duration(e.in.wait.Load()), 0)
	}
	return took
}

// told is the call for a tracing system. The lock is held.
func (r *record) told(spans []span.Span, err error) Trace {
	t := Trace{
		Caller: r.caller, RPC: r.rpc, Code: codeOf(err), App: excerpt.Of(r.e.app, 200), Dir: excerpt.Of(r.e.dir, 300), Made: string(r.e.source()),
		Objects: r.e.objects, Start: r.start, End: time.Now(), Spans: spans, Err: statusOf(err),
	}
	if r.e.in != nil {
		t.Bytes, t.Waited = r.e.in.count.Load(), time.Duration(r.e.in.wait.Load())
	}
	return t
}
