package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"

	"github.com/assaydev/assay/internal/cli"
	"github.com/assaydev/assay/internal/memory"
	"github.com/assaydev/assay/internal/tgz"
	"github.com/assaydev/assay/plugin/cmp"
	"github.com/assaydev/assay/plugin/cmp/worker"
)

const (
	// Where argocd-cmp-server looks for its configuration, and makes its socket.
	configDir = "/home/argocd/cmp-server/config"
	socketDir = "/home/argocd/cmp-server/plugins"
	// mostPlugin is what the server and its workers may take where nothing says less.
	mostPlugin = 2 << 30
	// workerCommand is the hidden command that a worker runs.
	workerCommand = "cmp-worker"
)

// cmpFlags are the flags of the plugin's server.
type cmpFlags struct {
	config, sockets string
	memory, cache   cli.ByteSize
	noCache         bool
	renders         int
	archive         tgz.Limits
	metric          string
	pprof           loopback
	drain, stall    time.Duration
	inProcess       bool
	debug           bool
}

func (d *daemon) cmpCommand() *cobra.Command {
	var f cmpFlags
	cmd := &cobra.Command{
		Use:   "cmp",
		Short: "Serve Argo CD's config management plugin without running a program for each call",
		Long: `Cmp takes the place of argocd-cmp-server in the sidecar of argocd-repo-server. It
reads the same plugin.yaml, makes the same socket and gives what assay render
would print, to the byte; but it renders by itself, keeps what it rendered, and
writes nothing to disk.

The command in plugin.yaml has to be assay render: its flags are obeyed. What runs
another program (init, discover.find.command) is refused.

What holds templates is rendered in a process of its own, within a share of the
memory: a template that takes all of it, or never ends, takes down its own render.
A result is kept by the content of the files that it was rendered from, and never
if the chart draws random values.

Where OTEL_EXPORTER_OTLP_ENDPOINT names a collector, it sends a span of each call and
its parts there, within the caller's trace, by OTLP over HTTP and OpenTelemetry's
other variables.`,
		Example: `  # As manifests/cmp runs it
  assayd cmp --metrics-address :8085

  # Beside a repo-server on a laptop
  assayd cmp --config-dir-path . --socket-dir /tmp/plugins`,
		Args: cli.Takes(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			traced, err := d.traced()
			if err != nil {
				return err
			}
			d.started = true
			return d.serveCMP(cmd.Context(), f, traced)
		},
	}
	f.bind(cmd)
	return cmd
}

func (f *cmpFlags) bind(cmd *cobra.Command) {
	s := cmd.Flags()
	s.StringVar(&f.config, "config-dir-path", configDir, "`directory` of plugin.yaml")
	s.StringVar(&f.sockets, "socket-dir", "", "`directory` of the socket (default: $ARGOCD_PLUGINSOCKFILEPATH, else "+socketDir+")")
	s.Var(&f.memory, "memory-limit", "what the server and its renders may take together (default 2Gi, or three quarters of what the system gives if that is less)")
	s.Var(&f.cache, "cache-bytes", "of the memory, what results and archives that are kept may take (default a quarter)")
	s.BoolVar(&f.noCache, "no-cache", false, "keep nothing, and render for each call")
	s.Var((*cli.Count)(&f.renders), "renders", "renders that run at once (default one for each processor, or fewer where memory is short)")
	s.BoolVar(&f.inProcess, "in-process", false, "render everything in the server's own process: one bad template can end it")
	s.Var((*cli.ByteSize)(&f.archive.Bytes), "max-archive-bytes", "bytes of an archive, unpacked (default 256Mi)")
	s.Var((*cli.Count)(&f.archive.Files), "max-archive-files", "files and directories of an archive (default 200000)")
	s.StringVar(&f.metric, "metrics-address", "", "`address` of /metrics and /healthz, as :8085 (default: none)")
	s.Var(&f.pprof, "pprof-address", "loopback `address` of /debug/pprof, as 127.0.0.1:6060 (default: none)")
	s.DurationVar(&f.drain, "drain", 20*time.Second, "how long calls may go on once the server is told to stop")
	s.DurationVar(&f.stall, "stall", 30*time.Second, "how long a caller may send nothing before its archive is complete")
	s.BoolVarP(&f.debug, "verbose", "v", false, "log more")
	cli.Exclude(s, "no-cache", "cache-bytes")
}

// serveCMP runs the server.
func (d *daemon) serveCMP(ctx context.Context, f cmpFlags, traced bool) error {
	level := slog.LevelInfo
	if f.debug {
		level = slog.LevelDebug
	}
	logger := slog.New(slog.NewJSONHandler(d.stderr, &slog.HandlerOptions{Level: level}))
	config, err := cmp.ReadConfig(f.config)
	if err != nil {
		return err
	}
	sockets := f.sockets
	if sockets == "" {
		sockets = socketDir
		if dir, _ := d.env("ARGOCD_PLUGINSOCKFILEPATH"); dir != "" {
			sockets = dir
		}
	}
	limit := int64(f.memory)
	if limit == 0 {
		limit = memory.Limit(mostPlugin, d.softLimit())
	}
	kept := int64(f.cache)
	switch {
	case f.noCache:
		kept = 0
	case kept == 0:
		kept = limit / 4
	case kept > limit/2:
		return fmt.Errorf("--cache-bytes: %d MiB of the %d that there are leave too little for renders: give at most half, or raise --memory-limit", kept>>20, limit>>20)
	}
	opt := cmp.Options{
		Config: config, Dir: sockets, Archive: f.archive, CacheBytes: kept, Memory: limit - limit/8 - kept, Renders: f.renders,
		Drain: f.drain, Stall: f.stall, Metric: f.metric, Pprof: string(f.pprof), Log: logger, Watcher: memory.New(limit),
	}
	if !f.inProcess {
		program, err := os.Executable()
		if err != nil {
			return err
		}
		// Its environment is empty: it reads none, and shows none.
		opt.Worker = func() *exec.Cmd {
			cmd := exec.Command(program, workerCommand)
			cmd.Env = []string{}
			return cmd
		}
	}
	if traced {
		t, err := newTracer(ctx, "assay-cmp", logger)
		if err != nil {
			return err
		}
		defer t.close(ctx)
		opt.Trace = t.call
	}
	// GOMEMLIMIT is the whole container's, and the workers' share is not this process's.
	debug.SetMemoryLimit(limit - opt.WorkerMemory())
	go opt.Watcher.Watch(ctx, func(work []string) { tooLarge(logger, limit, work) })
	return cmp.Run(ctx, opt)
}

// tooLarge ends the process, which takes too much memory.
func tooLarge(logger *slog.Logger, limit int64, work []string) {
	logger.Error("takes too much memory: make what is rendered smaller, or raise --memory-limit", "limitMiB", limit>>20, "rendering", work)
	os.Exit(exitFailed)
}

// cmpWorkerCommand is what the server starts to render in.
func (d *daemon) cmpWorkerCommand() *cobra.Command {
	return &cobra.Command{
		Use:    workerCommand,
		Short:  "Render for assayd cmp, which starts it",
		Hidden: true,
		Args:   cli.Takes(0, 0, ""),
		RunE: func(*cobra.Command, []string) error {
			d.started = true
			preferVictim()
			if null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0); err == nil {
				// Libraries' own notes: between messages they would end the worker. What the
				// runtime says reaches the server all the same.
				os.Stdout, os.Stderr = null, null
			}
			return worker.Serve(os.Stdin, d.stdout, os.Exit)
		},
	}
}

// preferVictim has the kernel end this process first where memory is short. Where that is
// not to be had, the worker's own limit has to do.
func preferVictim() {
	file, err := os.OpenFile("/proc/self/oom_score_adj", os.O_WRONLY, 0)
	if err != nil {
		return
	}
	defer func() { _ = file.Close() }()
	_, _ = file.WriteString("1000")
}
