// Command bench measures assay as a whole process, against helm, kustomize, plain
// git and itself.
//
//  1. It builds assay and the peers, and lays out environments in a temporary
//     folder: real ones from ASSAY_CORPUS, and generated ones; and on a Git server
//     on the loopback interface (remote.go).
//  2. Each figure is a pair of commands that run in turn, A B A B, so that
//     both see the same machine; the ratio is that of their medians.
//  3. Each figure is printed on a line of its own, with its bar. What the
//     processes took goes to stderr.
//
// A figure over its bar does not fail the run: the last line counts them.
package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
)

func main() {
	only := flag.String("groups", "", "measure the groups of figures whose names match this `regexp`: processes, markers, native-socket, native-repo, native-large, native-many, native-long, native-settings, yamledit, remote")
	requests := flag.Int("requests", 100_000, "`calls` of native-long")
	runs := flag.Int("runs", 0, "so many `runs` of each call of the native groups, to see that they work (default: as many as the figures need)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, *only, *requests, *runs)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, only string, requests, runs int) error {
	wanted, err := regexp.Compile(only)
	if err != nil {
		return fmt.Errorf("read -groups: %w", err)
	}
	dir, err := os.MkdirTemp("", "assay-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	tools, err := build(ctx, dir)
	if err != nil {
		return err
	}
	if tools.requests = requests; requests < longParts {
		return fmt.Errorf("-requests: give at least %d", longParts)
	}
	tools.runs = runs
	total, short := 0, 0
	show := func(results ...result) {
		for _, r := range results {
			total++
			if r.verdict() == "short" {
				short++
			}
			fmt.Fprintln(os.Stderr, r.detail)
			fmt.Printf("bench %s ratio=%.2f bar=%.2f %s\n", r.name, r.ratio, r.bar, r.verdict())
		}
	}
	for _, g := range []struct {
		name    string
		measure func() error
	}{
		{"processes", func() error { return tools.processes(ctx, dir, show) }},
		{"markers", func() error { return tools.markers(ctx, dir, show) }},
		{"native-socket", func() error { return tools.native(ctx, dir, show) }},
		{"native-repo", func() error { return tools.nativeRepo(ctx, dir, show) }},
		{"native-large", func() error { return tools.nativeLarge(ctx, dir, show) }},
		{"native-many", func() error { return tools.nativeMany(ctx, dir, show) }},
		{"native-long", func() error { return tools.nativeLong(ctx, dir, show) }},
		{"native-settings", func() error { return tools.nativeSettings(ctx, dir, show) }},
		{"yamledit", func() error {
			r, err := editFigure()
			if err == nil {
				show(r)
			}
			return err
		}},
		{"remote", func() error {
			results, err := tools.remoteFigure(ctx, dir)
			show(results...)
			return err
		}},
	} {
		if !wanted.MatchString(g.name) {
			continue
		}
		if err := g.measure(); err != nil {
			return fmt.Errorf("measure %s: %w", g.name, err)
		}
	}
	fmt.Printf("%d figures, %d short\n", total, short)
	return nil
}

// processes measures commands on directories.
func (t tools) processes(ctx context.Context, dir string, show func(...result)) error {
	if err := t.buildPeers(ctx); err != nil {
		return err
	}
	corpus := os.Getenv("ASSAY_CORPUS")
	if corpus == "" {
		fmt.Println("ASSAY_CORPUS is not set: figures on real environments are left out")
	}
	list, err := figures(t, dir, corpus)
	if err != nil {
		return fmt.Errorf("lay out environments: %w", err)
	}
	return measureAll(ctx, list, show)
}

// tools are the binaries under measurement.
type tools struct {
	module                        string // where the sources are
	assay, helm, helm4, kustomize string
	requests                      int // calls of native-long
	runs                          int // of the native groups; 0 for as many as they need
}

// times is how often a call of a native group runs, where so many are needed.
func (t tools) times(needed int) int { return cmp.Or(t.runs, needed) }

// build compiles assay as `make build` does.
func build(ctx context.Context, dir string) (tools, error) {
	module, err := output(ctx, "", "go", "list", "-m", "-f", "{{.Dir}}")
	if err != nil {
		return tools{}, err
	}
	t := tools{module: module, assay: filepath.Join(dir, "assay")}
	_, err = output(ctx, module, "./build", t.assay)
	return t, err
}

// buildPeers makes the peers, which come from the cache.
func (t *tools) buildPeers(ctx context.Context) error {
	paths, err := output(ctx, t.module, "test/components/build", "helm-3.18.6", "helm-4.2.4", "kustomize-5.8.1")
	if err != nil {
		return err
	}
	built := strings.Fields(paths)
	if len(built) != 3 {
		return fmt.Errorf("build helm and kustomize: got %d paths", len(built))
	}
	t.helm, t.helm4, t.kustomize = built[0], built[1], built[2]
	return nil
}

// output runs a command that prepares the measurement.
func output(ctx context.Context, dir, name string, args ...string) (string, error) {
	c := exec.CommandContext(ctx, name, args...)
	c.Dir, c.Stderr = dir, os.Stderr
	out, err := c.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w", name, args[0], err)
	}
	return strings.TrimSpace(string(out)), nil
}
