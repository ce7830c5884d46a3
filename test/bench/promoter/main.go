// Command promoter measures Assay's promoter against a real API server and a real Git
// server: how long it takes from a conclusion to the commit, and whether it loses or repeats
// one where it is killed.
//
//  1. The stack runs without Argo CD: what that would write, the Application's status and the
//     objects of experiments, this command writes.
//  2. Each round puts a candidate under test, has its Job complete, and waits until main has the
//     promotion.
//  3. In rounds with kills there are two replicas, and one of them is ended at a random moment
//     after that, and started again.
//  4. At the end, the history of main is counted.
//
// It prints one line a figure, and exits with 1 where one is over its bar.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/assaydev/assay/internal/digest"
	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/render"
	"github.com/assaydev/assay/test/bench/bar"
	"github.com/assaydev/assay/test/e2e/stack"
)

// The bars.
const (
	mostMedian = 2 * time.Second
	mostWorst  = 10 * time.Second
)

func main() {
	rounds := flag.Int("rounds", 50, "conclusions that are timed")
	kills := flag.Int("kills", 100, "conclusions in which the promoter is killed")
	bar.Main(func(ctx context.Context) (int, error) { return run(ctx, *rounds, *kills) })
}

// bench is the stack with one environment.
type bench struct {
	*stack.Stack
	promoted []string // IDs
}

func run(ctx context.Context, rounds, kills int) (over int, err error) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	assayd, err := bar.Assayd(ctx, dir)
	if err != nil {
		return 0, err
	}
	at := filepath.Join(dir, "s")
	if err := os.Mkdir(at, 0o700); err != nil {
		return 0, err
	}
	s, err := stack.Start(ctx, stack.Options{Dir: at, Root: ".", Assayd: assayd})
	if err != nil {
		return 0, err
	}
	defer s.Stop()
	b := &bench{Stack: s}
	if err := b.prepare(ctx); err != nil {
		return 0, err
	}
	times, err := b.timed(ctx, rounds)
	if err != nil {
		return 0, err
	}
	slices.Sort(times)
	median, worst := times[len(times)/2], times[len(times)-1]
	over += bar.Figure("conclusion to commit, median of "+fmt.Sprint(rounds), median.Round(time.Millisecond), mostMedian)
	over += bar.Figure("conclusion to commit, worst of "+fmt.Sprint(rounds), worst.Round(time.Millisecond), mostWorst)
	if err := b.killed(ctx, kills); err != nil {
		return over, err
	}
	lost, twice, err := b.count()
	if err != nil {
		return over, err
	}
	fmt.Printf("%-45s %d lost, %d twice, of %d\n", fmt.Sprintf("promotions with %d kills, two replicas", kills), lost, twice, len(b.promoted))
	if lost+twice > 0 {
		over++
	}
	return over, nil
}

// prepare commits the environment, and has the cluster know it.
func (b *bench) prepare(ctx context.Context) error {
	_, err := b.Repo.Commit("Add the shop", map[string]string{
		"shop/web.yaml":              web("1.0.0"),
		"shop/assay.yaml":            "apiVersion: assay.dev/v1alpha1\nkind: Plan\nmetadata: {name: shop}\nspec: {promotion: {method: push}}\n",
		"shop/experiment/check.yaml": "apiVersion: batch/v1\nkind: Job\nmetadata: {name: check}\nspec: {backoffLimit: 0, template: {spec: {restartPolicy: Never, containers: [{name: check, image: \"example.com/check:1\"}]}}}\n",
	})
	if err != nil {
		return err
	}
	if err := b.Cluster.Apply(ctx, "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n"); err != nil {
		return err
	}
	return b.Cluster.Apply(ctx, `
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: shop, namespace: argocd}
spec:
  project: default
  destination: {server: "https://kubernetes.default.svc", namespace: shop}
  source: {repoURL: "`+b.Repo.URL+`", path: shop, targetRevision: main, plugin: {name: assay}}
  syncPolicy: {automated: {prune: true}}
`)
}

func web(tag string) string {
	return `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "example.com/shop/web:` + tag + `"}]}
`
}

// test puts a candidate under test, as CI and Argo CD would, and returns its digest.
func (b *bench) test(ctx context.Context, tag string) (digest.Digest, error) {
	marker := "apiVersion: assay.dev/v1alpha1\nkind: Candidate\nmetadata: {name: " + tag + "}\nspec: {images: [{name: example.com/shop/web, newTag: " + tag + "}]}\n"
	if _, err := b.Repo.Commit("Try "+tag, map[string]string{"shop/candidate.yaml": marker}); err != nil {
		return "", err
	}
	tree, err := envfs.OpenDir(b.Repo.Dir, envfs.Limits{})
	if err != nil {
		return "", err
	}
	defer func() { _ = tree.Close() }()
	res, err := render.Environment(ctx, render.Request{FS: tree, Environment: spec.Environment{Dir: "shop"}, Namespace: "shop"})
	if err != nil {
		return "", err
	}
	applied := slices.Concat(res.Variant, res.Injected)
	for _, o := range applied {
		o.SetNamespace("shop")
	}
	text, err := object.MarshalYAML(applied)
	if err != nil {
		return "", err
	}
	if err := b.Cluster.Apply(ctx, string(text)); err != nil {
		return "", err
	}
	b.promoted = append(b.promoted, res.ID)
	return res.Digest, b.Cluster.Patch(ctx, "argoproj.io/v1alpha1", "Application", "argocd", "shop",
		`{"status":{"resources":[{"group":"batch","version":"v1","kind":"Job","namespace":"shop","name":"check-`+res.ID+`","status":"Synced"}]}}`)
}

// conclude has the Job complete.
func (b *bench) conclude(ctx context.Context, d digest.Digest) error {
	return b.Cluster.Conclude(ctx, `
apiVersion: batch/v1
kind: Job
metadata: {name: check-`+d.ID()+`, namespace: shop}
status:
  startTime: "2026-01-01T10:00:00Z"
  completionTime: "2026-01-01T10:01:00Z"
  succeeded: 1
  uncountedTerminatedPods: {}
  conditions:
  - {type: SuccessCriteriaMet, status: "True", reason: CompletionsReached, lastTransitionTime: "2026-01-01T10:01:00Z", lastProbeTime: "2026-01-01T10:01:00Z"}
  - {type: Complete, status: "True", reason: CompletionsReached, lastTransitionTime: "2026-01-01T10:01:00Z", lastProbeTime: "2026-01-01T10:01:00Z"}
`)
}

// landed waits until main has a version and no candidate.
func (b *bench) landed(tag string) error {
	return b.Until(2*time.Minute, "main has "+tag, func() error {
		if b.Repo.File("shop/web.yaml") != web(tag) || b.Repo.File("shop/candidate.yaml") != "" {
			return errors.New("it has not")
		}
		return nil
	})
}

// timed measures from the moment that the API server has the conclusion until a clone sees the
// promotion on the server, which is looked for ten times a second.
func (b *bench) timed(ctx context.Context, rounds int) ([]time.Duration, error) {
	if _, err := b.StartPromoter(stack.Shared...); err != nil {
		return nil, err
	}
	var times []time.Duration
	for i := range rounds {
		tag := fmt.Sprintf("2.%d.0", i)
		d, err := b.test(ctx, tag)
		if err != nil {
			return nil, err
		}
		if err := b.conclude(ctx, d); err != nil {
			return nil, err
		}
		began := time.Now()
		if err := b.landed(tag); err != nil {
			return nil, err
		}
		times = append(times, time.Since(began))
	}
	b.StopPromoter()
	return times, nil
}

// killed ends one of two replicas at a random moment after each conclusion, and starts it again.
func (b *bench) killed(ctx context.Context, kills int) error {
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a fixed sequence is wanted
	replicas := []string{"promoter-1", "promoter-2"}
	for _, name := range replicas {
		if _, err := b.StartReplica(name, stack.Shared...); err != nil {
			return err
		}
	}
	for i := range kills {
		tag, name := fmt.Sprintf("3.%d.0", i), replicas[random.IntN(len(replicas))]
		d, err := b.test(ctx, tag)
		if err != nil {
			return err
		}
		if err := b.conclude(ctx, d); err != nil {
			return err
		}
		moment := time.NewTimer(time.Duration(random.Int64N(int64(time.Second))))
		select {
		case <-moment.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		b.KillReplica(name)
		if _, err := b.StartReplica(name, stack.Shared...); err != nil {
			return err
		}
		if err := b.landed(tag); err != nil {
			return err
		}
	}
	b.StopPromoter()
	return nil
}

// count compares what was concluded with what main tells of.
func (b *bench) count() (lost, twice int, err error) {
	if _, err := b.Repo.Sync(); err != nil {
		return 0, 0, err
	}
	log, err := b.Repo.Git("log", "--format=%(trailers:key=Assay-Outcome,valueonly,separator=%x20) %(trailers:key=Assay-Experiment,valueonly,separator=%x20)")
	if err != nil {
		return 0, 0, err
	}
	found := map[string]int{}
	for line := range strings.Lines(log) {
		if id, ok := strings.CutPrefix(strings.TrimSpace(line), "promote "); ok {
			found[id]++
		}
	}
	for _, id := range b.promoted {
		switch n := found[id]; {
		case n == 0:
			lost++
		case n > 1:
			twice++
		}
	}
	return lost, twice, nil
}
