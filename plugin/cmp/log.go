package cmp

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc/metadata"

	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/plugin/cmp/job"
	"github.com/assaydev/assay/plugin/cmp/worker"
)

// record is what is told of a call once it has ended. A call that was given up may still
// write to it.
type record struct {
	method string
	trace  string // the W3C trace's id, empty where the caller sends none
	start  time.Time

	mu sync.Mutex
	e  entry
}

// entry is what a record holds.
type entry struct {
	app, dir string
	in       *archive
	spent    map[string]time.Duration // by part
	times    job.Times
	cache    found // what the archive needed not be unpacked for
	where    found // how the result was come by
	files    int   // of the archive
	objects  int
	warnings []string
}

const (
	mostWarnings = 20  // of a call that are logged
	mostWarning  = 300 // bytes of one
)

func newRecord(ctx context.Context, method string) *record {
	return &record{method: method, trace: traceOf(ctx), start: time.Now(), e: entry{spent: map[string]time.Duration{}}}
}

// traceOf is the id in the header that W3C's trace context has.
func traceOf(ctx context.Context) string {
	headers, _ := metadata.FromIncomingContext(ctx)
	for _, value := range headers.Get("traceparent") {
		if parts := strings.Split(value, "-"); len(parts) == 4 && len(parts[1]) == 32 && strings.Trim(parts[1], "0123456789abcdef") == "" {
			return parts[1]
		}
	}
	return ""
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

// took measures a part of the call, until the function that it returns is called.
func (r *record) took(part string) func() {
	start := time.Now()
	return func() { r.note(func(e *entry) { e.spent[part] += time.Since(start) }) }
}

// finish tells of a call that has ended.
func (s *server) finish(r *record, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := &r.e
	took := time.Since(r.start)
	s.metrics.ended(r.method, e, took, err)
	millis := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	args := []any{
		"method", r.method, "app", excerpt.Of(e.app, 200), "path", excerpt.Of(e.dir, 300), "ms", millis(took),
		"receiveMs", millis(e.spent["receive"]), "makeMs", millis(e.spent["make"]), "renderMs", millis(e.times.Render),
		"injectMs", millis(e.times.Inject), "printMs", millis(e.times.Print), "sendMs", millis(e.spent["send"]),
		"cache", string(e.cache), "made", string(e.where), "files", e.files, "objects", e.objects, "warnings", len(e.warnings),
	}
	if len(e.warnings) > 0 {
		args = append(args, "said", e.said())
	}
	if e.in != nil {
		args = append(args, "bytes", e.in.count.Load())
	}
	if r.trace != "" {
		args = append(args, "traceID", r.trace)
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
