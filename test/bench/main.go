// Command bench measures assay as a whole process, against helm, kustomize
// and itself.
//
//  1. It builds assay and the peers, and lays out environments in a temporary
//     folder: real ones from ASSAY_CORPUS, and generated ones.
//  2. Each figure is a pair of commands that run in turn, A B A B, so that
//     both see the same machine; the ratio is that of their medians.
//  3. Each figure is printed on a line of its own, with its bar. What the
//     processes took goes to stderr.
//
// A figure over its bar does not fail the run: the last line counts them.
package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "assay-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	tools, err := build(ctx, dir)
	if err != nil {
		return err
	}
	figures, err := figures(tools, dir, os.Getenv("ASSAY_CORPUS"))
	if err != nil {
		return fmt.Errorf("lay out environments: %w", err)
	}
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
	for _, f := range figures {
		results, err := f.measure(ctx)
		if err != nil {
			return fmt.Errorf("measure %s: %w", f.name, err)
		}
		show(results...)
	}
	edit, err := editFigure()
	if err != nil {
		return fmt.Errorf("measure yamledit: %w", err)
	}
	show(edit)
	if os.Getenv("ASSAY_CORPUS") == "" {
		fmt.Println("ASSAY_CORPUS is not set: figures on real environments are left out")
	}
	fmt.Printf("%d figures, %d short\n", total, short)
	return nil
}

// tools are the binaries under measurement.
type tools struct {
	assay, helm, kustomize string
}

// build compiles assay as `make build` does; the peers come from the cache.
func build(ctx context.Context, dir string) (tools, error) {
	module, err := output(ctx, "", "go", "list", "-m", "-f", "{{.Dir}}")
	if err != nil {
		return tools{}, err
	}
	t := tools{assay: filepath.Join(dir, "assay")}
	if _, err := output(ctx, module, "go", "build", "-trimpath", "-o", t.assay, "./cmd/assay"); err != nil {
		return tools{}, err
	}
	paths, err := output(ctx, module, "test/components/build", "helm-3.18.6", "kustomize-5.8.1")
	if err != nil {
		return tools{}, err
	}
	built := strings.Fields(paths)
	if len(built) != 2 {
		return tools{}, fmt.Errorf("build helm and kustomize: got %d paths", len(built))
	}
	t.helm, t.kustomize = built[0], built[1]
	return t, nil
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
