// Command faults holds what assay promises about branches on servers against
// others who write there, kills, and a branch that moves.
//
//  1. It builds assay, and starts real Git servers on the loopback interface
//     (harness.go).
//  2. writers: many writers, by assay and by plain git, share a branch. Every
//     commit of its history is held against the laws (writers.go, laws.go). All of
//     assay runs under the race detector if this program does.
//  3. kill-*: a promotion is killed at a random moment and run again (kill.go).
//  4. moving-*: the branch moves between a fetch and its push, every time
//     (moving.go).
//
// Each figure is a line of its own on stdout; what happened on the way goes to
// stderr. It fails if any figure falls short. `make test` runs the same figures,
// scaled down.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"time"
)

func main() {
	var opt options
	flag.IntVar(&opt.writers, "writers", 8, "writers that share the branch")
	flag.IntVar(&opt.rounds, "rounds", 50, "commits of each writer")
	flag.IntVar(&opt.kills, "kills", 200, "kills of a promotion, for each way to the branch")
	flag.IntVar(&opt.moves, "moves", 20, "moves of the branch under a promotion")
	flag.Uint64Var(&opt.seed, "seed", 1, "what random choices begin with; moments and the order of writers differ all the same")
	flag.DurationVar(&opt.patience, "patience", 10*time.Minute, "the longest that one write may take")
	flag.StringVar(&opt.figures, "figures", "", "run the figures whose names match this `regexp`")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	short, err := run(ctx, opt, os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "faults:", err)
	}
	if err != nil || short > 0 {
		os.Exit(1)
	}
}

// options scale the figures.
type options struct {
	writers, rounds, kills, moves int
	seed                          uint64
	patience                      time.Duration
	figures                       string
}

// result is what a figure came to.
type result struct {
	counts   string   // what was done, for the line
	detail   string   // for people
	problems []string // what broke a promise
}

// run measures the figures and returns how many fall short.
func run(ctx context.Context, opt options, stdout, stderr io.Writer) (short int, err error) {
	only, err := regexp.Compile(opt.figures)
	if err != nil {
		return 0, fmt.Errorf("read -figures: %w", err)
	}
	h, err := build(ctx, opt)
	if err != nil {
		return 0, err
	}
	defer h.close()
	total := 0
	for _, f := range figures {
		if !only.MatchString(f.name) {
			continue
		}
		total++
		start := time.Now()
		r, err := f.measure(ctx, h)
		if err != nil {
			return short, fmt.Errorf("measure %s: %w", f.name, err)
		}
		verdict := "ok"
		if len(r.problems) > 0 {
			verdict, short = "short", short+1
		}
		fmt.Fprintf(stderr, "%s: %s; %s in all\n", f.name, r.detail, time.Since(start).Round(time.Second))
		for _, p := range r.problems {
			fmt.Fprintf(stderr, "%s: %s\n", f.name, p)
		}
		fmt.Fprintf(stdout, "faults %s %s broken=%d %s\n", f.name, r.counts, len(r.problems), verdict)
	}
	fmt.Fprintf(stdout, "%d figures, %d short\n", total, short)
	return short, nil
}

type figure struct {
	name    string
	measure func(context.Context, *harness) (result, error)
}

var figures = []figure{
	{"writers", writers},
	{"kill-pull-request", kills("pull-request")},
	{"kill-push", kills("push")},
	{"kill-merge", kills("merge")},
	{"moving-lands", movingLands},
	{"moving-gives-up", movingGivesUp},
}
