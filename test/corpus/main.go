// Command corpus promotes and rejects candidates of many kinds in every
// environment of ASSAY_CORPUS and of the examples, for real.
//
//  1. It finds the environments: directories that render a workload, and what
//     charts render, as flat files (environment.go).
//  2. For each workload it makes candidates of every kind that applies: images
//     (kinds.go), patches (patches.go, changes.go), and for charts the values that
//     have the wanted effect (values.go).
//  3. Each is promoted and rejected on the disk (try.go). What the files render
//     to afterwards is held against the laws, and against an oracle that does not
//     go through the edit.
//  4. It prints a table of layouts and kinds, and the reasons of what was
//     refused (table.go).
//
// It fails if anything is wrong, or if too little can be promoted.
package main

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"

	"github.com/assaydev/assay/examples"
	"github.com/assaydev/assay/internal/spec"
)

func main() {
	stderr := os.Stderr
	if null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0); err == nil {
		os.Stderr = null // Kustomize's notes on deprecated fields
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, stderr)
	stop()
	if err != nil {
		fmt.Fprintln(stderr, "corpus:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, stderr io.Writer) error {
	dir, err := os.MkdirTemp("", "assay-corpus-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	trees := map[string]fs.FS{"examples": examples.FS()}
	if corpus := os.Getenv("ASSAY_CORPUS"); corpus != "" {
		entries, err := os.ReadDir(corpus)
		if err != nil {
			return fmt.Errorf("read ASSAY_CORPUS: %w", err)
		}
		for _, e := range entries {
			if e.IsDir() {
				trees[e.Name()] = os.DirFS(corpus + "/" + e.Name())
			}
		}
	} else {
		fmt.Fprintln(stderr, "corpus: ASSAY_CORPUS is not set: the examples alone are tried")
	}
	envs, beside, err := find(ctx, dir, trees)
	if err != nil {
		return err
	}
	t := &table{cells: map[spec.Layout]map[string]cell{}, beside: beside}
	for _, e := range envs {
		cases, err := e.cases(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", e.name, err)
		}
		t.list(e, cases)
		for _, c := range cases {
			if len(c.ways) == 0 {
				continue
			}
			t.add(e, c, e.try(ctx, c))
			if err := ctx.Err(); err != nil {
				return err
			}
		}
	}
	t.print(os.Stdout)
	return t.verdict()
}
