// Package cmp serves Argo CD's gRPC service for config management plugins on the plugin's
// socket, from the plugin.yaml that argocd-cmp-server would read, without running a program
// for a call: what `assay render` would print is made here, to the byte.
//
//  1. ReadConfig reads plugin.yaml, and refuses what is not served (config.go).
//  2. Run makes the socket (socket.go) and serves until it is told to stop.
//  3. A call's archive is read as it streams, and verified (receive.go, internal/tgz), once for
//     all calls that bring it at the same time (trees.go). Nothing is written to disk.
//  4. What was rendered before is found by the archive's checksum, or by the content of the
//     files that the render read (result.go).
//  5. What is new waits for its turn (internal/gate), and is rendered by a job: plain manifests
//     here, and what holds templates in a process of its own (worker).
//  6. Each call ends with one line in the log, in the metrics, and in the caller's trace (log.go,
//     metrics.go, trace.go).
//
// The caller is Argo CD's repo-server. What it sends comes from repositories: the archive, the
// variables and the parameters are hostile.
package cmp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"

	"github.com/assaydev/assay/internal/cache"
	"github.com/assaydev/assay/internal/gate"
	"github.com/assaydev/assay/internal/memory"
	"github.com/assaydev/assay/internal/object/manifest"
	"github.com/assaydev/assay/internal/tgz"
	"github.com/assaydev/assay/plugin/cmp/contract"
	"github.com/assaydev/assay/plugin/cmp/worker"
)

// Options say what is served, and what it may take.
type Options struct {
	Config  Config
	Dir     string // of the socket
	Archive tgz.Limits

	// CacheBytes is what results and unpacked archives may take together; 0 keeps nothing.
	CacheBytes int64
	// Memory is what renders and the archives of calls that go on may take together, in bytes.
	Memory int64
	// Watcher, if there is one, is told of what is worked on.
	Watcher *memory.Watcher
	// Renders is how many run at once; 0 is one for each processor.
	Renders int
	// Drain is how long calls may go on once the server is told to stop.
	Drain time.Duration
	// Stall is how long a caller may send nothing before its archive is complete.
	Stall time.Duration

	// Worker starts a process that runs worker.Serve. Without it everything is rendered in
	// this process.
	Worker func() *exec.Cmd

	Metric string // address of /metrics; empty for none
	Pprof  string // loopback address of /debug/pprof; empty for none
	Log    *slog.Logger

	// Trace, if there is one, is told of each call once it has ended. It must not wait.
	Trace func(Trace)
}

const (
	// mostMessage is Argo CD's own bound of a message.
	mostMessage = 100 << 20
	// treeShare and plainShare are the parts of the memory for archives of calls that go on,
	// and for renders in this process.
	treeShare, plainShare = 8, 8
	// pingAfter is less than the repo-server's 20 seconds between pings.
	pingAfter = 10 * time.Second
	// mostKept is what a worker keeps for its next job: a quarter of what it may always take.
	mostKept = leastLimit / 4
	// historyBytes is for what is known of jobs: the paths that they read.
	historyBytes = 16 << 20
	// window is how many bytes of a stream may be on the way: an archive comes in pieces of
	// a KiB.
	window = 1 << 20
)

func (o Options) withDefaults() Options {
	set := func(to *time.Duration, value time.Duration) {
		if *to <= 0 {
			*to = value
		}
	}
	set(&o.Drain, 20*time.Second)
	set(&o.Stall, 30*time.Second)
	if o.Memory <= 0 {
		o.Memory = 1 << 30
	}
	if o.Renders <= 0 {
		o.Renders = runtime.GOMAXPROCS(0)
	}
	// Fewer run at once where memory is short.
	o.Renders = max(1, min(o.Renders, int(o.renderMemory()/leastLimit)))
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// renderMemory is what is left of Memory for renders that are not plain.
func (o Options) renderMemory() int64 { return o.Memory - o.Memory/treeShare - o.Memory/plainShare }

// WorkerMemory is what processes other than this one may take together.
func (o Options) WorkerMemory() int64 {
	if o.Worker == nil {
		return 0
	}
	return o.renderMemory()
}

// archive is what is kept of an archive: files that any command may read.
func (o Options) archive() tgz.Limits {
	limits := o.Archive
	limits.FileBytes = o.Config.Generate.Files.WithDefaults().FileBytes
	if o.Config.Parameters != nil {
		limits.FileBytes = max(limits.FileBytes, o.Config.Parameters.Files.WithDefaults().FileBytes)
	}
	return limits
}

// server answers calls.
type server struct {
	contract.UnimplementedConfigManagementPluginServiceServer
	opt     Options
	trees   *trees
	maker   *maker
	metrics *metrics
}

func newServer(opt Options) *server {
	s := &server{opt: opt}
	s.maker = &maker{
		archives: cache.New[key, key](opt.CacheBytes / 16),
		results:  cache.New[key, *made](opt.CacheBytes / 4),
		known:    manifest.NewKnown(opt.CacheBytes / 16 * 3),
		past:     cache.New[key, history](historyBytes),
		looks:    gate.New(runtime.GOMAXPROCS(0), 1),
		plain:    gate.New(opt.Renders, opt.Memory/plainShare),
		gate:     gate.New(opt.Renders, opt.renderMemory()),
		memory:   opt.renderMemory(), places: opt.Renders, plainMost: opt.Memory / plainShare,
	}
	s.trees = newTrees(opt.archive(), opt.Memory/treeShare, opt.CacheBytes/2, s.maker.gate)
	if opt.Worker != nil {
		s.maker.pool = worker.New(opt.Worker, opt.Renders, min(opt.CacheBytes/8, mostKept))
	}
	s.metrics = newMetrics(s)
	return s
}

// watched is a context under which the watcher is told of what is worked on.
func (s *server) watched(ctx context.Context) context.Context {
	if s.opt.Watcher == nil {
		return ctx
	}
	return s.opt.Watcher.With(ctx)
}

func (s *server) close() {
	if s.maker.pool != nil {
		s.maker.pool.Close()
	}
}

// Run serves until ctx ends, and then until calls that run have been answered, or Drain is
// over. The socket is removed.
func Run(ctx context.Context, opt Options) error {
	opt = opt.withDefaults()
	listener, err := listen(ctx, filepath.Join(opt.Dir, opt.Config.Socket))
	if err != nil {
		return err
	}
	s := newServer(opt)
	defer s.close()
	end, err := s.observe(ctx)
	if err != nil {
		_ = listener.Close()
		return err
	}
	defer end()
	opt.Log.Info("serving", "socket", listener.Addr().String(), "renders", opt.Renders, "memoryMiB", opt.Memory>>20, "cacheMiB", opt.CacheBytes>>20)
	return s.serve(ctx, listener)
}

func (s *server) serve(ctx context.Context, listener net.Listener) error {
	g := grpc.NewServer(
		grpc.MaxRecvMsgSize(mostMessage), grpc.MaxSendMsgSize(mostMessage),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: pingAfter, PermitWithoutStream: true}),
		grpc.InitialWindowSize(window), grpc.InitialConnWindowSize(window),
	)
	contract.RegisterConfigManagementPluginServiceServer(g, s)
	alive := health.NewServer()
	grpc_health_v1.RegisterHealthServer(g, alive)
	served := make(chan error, 1)
	go func() { served <- g.Serve(listener) }()
	select {
	case err := <-served:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	alive.Shutdown()
	drained := make(chan struct{})
	go func() {
		g.GracefulStop()
		close(drained)
	}()
	timer := time.NewTimer(s.opt.Drain)
	defer timer.Stop()
	select {
	case <-drained:
	case <-timer.C:
		g.Stop()
		<-drained
	}
	if err := <-served; err != nil && !errors.Is(err, grpc.ErrServerStopped) {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}
