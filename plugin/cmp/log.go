package cmp

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"

	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/span"
	"github.com/assaydev/assay/plugin/cmp/worker"
)

// record is what is told of a call once it has ended. A call that was given up may still
// write to it.
type record struct {
	method string
	rpc    string            // the method's full name
	caller trace.SpanContext // of the caller's span; not valid where it sends none
	start  time.Time
	spans  span.Recorder

	mu sync.Mutex
	e  entry
}

// entry is what a record holds.
type entry struct {
	app, dir string
	in       *archive
	job      []span.Span // the parts of the job that was done for it
	cache    found       // what the archive needed not be unpacked for
	where    found       // how the result was come by
	files    int         // of the archive
	objects  int
	warnings []string
}

const (
	mostWarnings = 20  // of a call that are logged
	mostWarning  = 300 // bytes of one
)

func newRecord(ctx context.Context, method string) *record {
	rpc, _ := grpc.Method(ctx)
	return &record{method: method, rpc: strings.TrimPrefix(rpc, "/"), caller: callerOf(ctx), start: time.Now()}
}

func (r *record) note(set func(*entry)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	set(&r.e)
}

func (r *record) dir() (dir string) {
	r.note(func(e *entry) { dir = e.dir })
	return dir
}

// begun notes who calls.
func (r *record) begun(c *call, in *archive) {
	r.note(func(e *entry) { e.app, e.dir, e.in = c.app(), c.dir, in })
}

// since is how long the call took so far, for people.
func (r *record) since() time.Duration { return time.Since(r.start).Round(100 * time.Millisecond) }

// finish tells of a call that has ended.
func (s *server) finish(r *record, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := &r.e
	took := time.Since(r.start)
	spans := r.parts()
	spent := e.spent(spans)
	s.metrics.ended(r.method, e, took, spent, err)
	if s.opt.Trace != nil {
		s.opt.Trace(r.told(spans, err))
	}
	millis := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	args := []any{
		"method", r.method, "app", excerpt.Of(e.app, 200), "path", excerpt.Of(e.dir, 300), "ms", millis(took),
		"receiveMs", millis(spent["receive"]), "extractMs", millis(spent["extract"]), "makeMs", millis(spent["make"]), "renderMs", millis(spent["render"]),
		"injectMs", millis(spent["inject"]), "printMs", millis(spent["print"]), "sendMs", millis(spent["send"]),
		"cache", string(e.cache), "made", string(e.where), "files", e.files, "objects", e.objects, "warnings", len(e.warnings),
	}
	if len(e.warnings) > 0 {
		args = append(args, "said", e.said())
	}
	if e.in != nil {
		args = append(args, "bytes", e.in.count.Load())
	}
	if r.caller.IsValid() {
		args = append(args, "traceID", r.caller.TraceID().String())
	}
	level, message := slog.LevelInfo, "served"
	if err != nil {
		level, message = slog.LevelWarn, "failed"
		args = append(args, "error", excerpt.Of(statusOf(err).Error(), mostText))
	}
	var broken *panicError
	if errors.As(err, &broken) {
		level = slog.LevelError
		args = append(args, "panic", excerpt.Of(broken.value, 500), "stack", excerpt.Cut(broken.stack, 8000))
	}
	var ended *worker.EndedError
	if errors.As(err, &ended) {
		args = append(args, "worker", ended.Said)
	}
	s.opt.Log.Log(context.Background(), level, message, args...)
}

// said are the warnings for the log, as argocd-cmp-server has there what a command says.
func (e *entry) said() []string {
	list := make([]string, 0, min(len(e.warnings), mostWarnings))
	for _, text := range e.warnings[:cap(list)] {
		list = append(list, excerpt.Of(text, mostWarning))
	}
	return list
}
