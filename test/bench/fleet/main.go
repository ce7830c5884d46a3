// Command fleet measures Assay's promoter with many Applications and clusters, on API servers of
// package kubefake: how much memory it takes, what it asks for while nothing changes, and how long it takes
// to work off conclusions that come at once.
//
//  1. One API server is Argo CD's, three stand for all other clusters: each cluster Secret names one of
//     them under a path of its own (world.go).
//  2. The promoter runs as a process of its own, and looks at everything once. Lists and watches are counted.
//  3. While nothing changes, requests are counted.
//  4. All experiments conclude at once; main is read until it has all promotions, each of which has
//     to be there once. A minute later, memory is read.
//  5. Clusters come and go, and definitions of a kind: what the process has is compared with before.
//
// It prints one line a figure, and exits with 1 where one is over its bar.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/assaydev/assay/test/bench/bar"
)

// The bars.
const (
	mostResident = 150 << 20 // a minute after the last conclusion
	mostPeak     = 300 << 20
	mostLeft     = 20      // goroutines, and descriptors and threads, more than before
	mostKept     = 2 << 20 // live heap, likewise
)

// size is how much there is.
type size struct {
	apps, running, clusters, status int
	rounds, definitions             int
	idle                            time.Duration
	assayd, log, heaps              string
}

// heap is the file of a profile; empty where none is wanted.
func (n size) heap(when string) string {
	if n.heaps == "" {
		return ""
	}
	return filepath.Join(n.heaps, when+".pb.gz")
}

func main() {
	var n size
	flag.IntVar(&n.apps, "applications", 2000, "Applications, all of which use the plugin")
	flag.IntVar(&n.running, "running", 200, "experiments that run, and conclude at once")
	flag.IntVar(&n.clusters, "clusters", 50, "clusters that Applications deploy to")
	flag.IntVar(&n.status, "status", 6, "`KiB` of an Application's status")
	flag.IntVar(&n.rounds, "rounds", 1000, "clusters that come and go")
	flag.IntVar(&n.definitions, "definitions", 100, "definitions of a kind that come and go")
	flag.DurationVar(&n.idle, "idle", time.Minute, "how long nothing changes")
	flag.StringVar(&n.assayd, "assayd", "", "`file` of the daemon (default: the one that ships, built)")
	flag.StringVar(&n.log, "log", "", "`file` that gets what the daemon logs")
	flag.StringVar(&n.heaps, "heaps", "", "`directory` that gets profiles of the daemon's heap, before and after clusters come and go")
	bar.Main(func(ctx context.Context) (int, error) { return run(ctx, n) })
}

func run(ctx context.Context, n size) (over int, err error) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	if n.log == "" {
		n.log = filepath.Join(dir, "promoter.log")
	}
	if n.assayd == "" {
		if n.assayd, err = bar.Assayd(ctx, dir); err != nil {
			return 0, err
		}
	}
	w, err := newWorld(dir, n)
	if err != nil {
		return 0, err
	}
	defer w.stop()
	p, err := start(ctx, n, w, dir)
	if err != nil {
		return 0, err
	}
	defer p.stop()
	fmt.Printf("%d Applications with %d KiB of status, %d experiments, %d clusters\n", n.apps, n.status, n.running, n.clusters)
	began := time.Now()
	if err := p.until(ctx, func() bool { return p.looked() >= n.apps }); err != nil {
		return 0, fmt.Errorf("%d of %d environments were looked at: %w", p.looked(), n.apps, err)
	}
	fmt.Printf("%-45s %8s\n", "first look at everything", time.Since(began).Round(time.Second))
	opened := w.most()
	for _, what := range slices.Sorted(maps.Keys(opened)) {
		over += bar.Figure(what+", in one cluster", opened[what], 1)
	}
	asked, err := w.idle(ctx, n.idle)
	if err != nil {
		return 0, err
	}
	over += bar.Figure("requests while nothing changes, in "+n.idle.String(), total(asked), 0)
	for _, what := range slices.Sorted(maps.Keys(asked)) {
		fmt.Printf("  %-43s %8d\n", what, asked[what])
	}
	if err := w.conclude(); err != nil {
		return over, err
	}
	began = time.Now()
	if err := p.until(ctx, func() bool { return w.promoted() >= n.running }); err != nil {
		return over, fmt.Errorf("%d of %d promotions: %w", w.promoted(), n.running, err)
	}
	fmt.Printf("%-45s %8s\n", fmt.Sprintf("%d conclusions at once, worked off", n.running), time.Since(began).Round(time.Second))
	lost, twice := w.count()
	over += bar.Figure("promotions lost", lost, 0) + bar.Figure("promotions twice", twice, 0)
	if err := pause(ctx, time.Minute); err != nil {
		return over, err
	}
	resident, peak, err := p.memory()
	if err != nil {
		return over, err
	}
	over += bar.Figure("resident a minute later, bytes", resident, mostResident) + bar.Figure("resident at the peak, bytes", peak, mostPeak)
	before, err := p.held(ctx, n.heap("before"))
	if err != nil {
		return over, err
	}
	if err := w.comeAndGo(ctx, p, n.rounds); err != nil {
		return over, err
	}
	if err := w.define(ctx, p, n.definitions); err != nil {
		return over, err
	}
	if err := pause(ctx, 30*time.Second); err != nil {
		return over, err
	}
	after, err := p.held(ctx, n.heap("after"))
	if err != nil {
		return over, err
	}
	fmt.Printf("after %d clusters and %d definitions that came and went:\n", n.rounds, n.definitions)
	return over + bar.Figure("  descriptors and threads more", after.open-before.open, mostLeft) +
		bar.Figure("  goroutines more", after.goroutines-before.goroutines, mostLeft) +
		bar.Figure("  live heap more, bytes", after.heap-before.heap, mostKept), nil
}

// total counts requests that are neither watches nor about the lease.
func total(asked map[string]int) (n int) {
	for what, times := range asked {
		if !strings.HasPrefix(what, "watch ") && !strings.Contains(what, "leases") {
			n += times
		}
	}
	return n
}

// pause waits, as nothing is to happen.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return errors.Join(ctx.Err(), errors.New("ended early"))
	}
}
