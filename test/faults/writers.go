package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/internal/history"
	"github.com/assaydev/assay/test/gitserver"
)

// environments are several, so that not every writer is in the way of every other.
const environments = 6

func environmentName(i int) string { return fmt.Sprintf("env-%d", i) }

// plain is the kind of a write that assay did not make; the others are called by
// their outcomes.
const plain = "plain"

// write is what a writer has put on the branch, as it was told.
type write struct {
	kind       string
	commit     string // its id, or the first digits
	file       string // of a plain write
	data       string
	experiment string // of a decision: what was decided on
	took       time.Duration
}

// writers lets many write to one branch, and looks at what the history holds in
// the end.
func writers(ctx context.Context, h *harness) (result, error) {
	h, err := h.raced(ctx)
	if err != nil {
		return result{}, err
	}
	tree := map[string]string{}
	for i := range environments {
		maps.Copy(tree, environment(environmentName(i), ways["push"]))
	}
	s, err := h.open(tree)
	if err != nil {
		return result{}, err
	}
	defer s.close()
	start, err := s.Tip("main")
	if err != nil {
		return result{}, err
	}
	s.git.Traffic()
	began := time.Now()
	all, err := h.writeAll(ctx, s)
	if err != nil {
		return result{}, err
	}
	took, pushes := time.Since(began), s.git.Traffic().Requests[gitserver.DiscoverPush]
	r := result{
		counts: fmt.Sprintf("writers=%d writes=%d", h.writers, len(all)),
		detail: fmt.Sprintf("%.1f pushes a write, %s; written in %s", float64(pushes)/float64(len(all)), medians(all), took.Round(time.Second)),
	}
	list, err := s.since(ctx, start, "main")
	if err != nil {
		return r, err
	}
	r.problems, err = s.account(ctx, start, list, all)
	return r, err
}

// writeAll runs the writers side by side. The first that fails ends all.
func (h *harness) writeAll(ctx context.Context, s *site) ([]write, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var group sync.WaitGroup
	lists := make([][]write, h.writers)
	for i := range h.writers {
		group.Go(func() {
			list, err := h.writer(s, i).writeAll(ctx)
			if lists[i] = list; err != nil {
				cancel(fmt.Errorf("writer %d: %w", i, err))
			}
		})
	}
	group.Wait()
	return slices.Concat(lists...), context.Cause(ctx)
}

// writer is one of those who share the branch.
type writer struct {
	*site
	h      *harness
	number int
	random *rand.Rand
	clone  string // for plain git
	round  int
}

func (h *harness) writer(s *site, number int) *writer {
	return &writer{
		site: s, h: h, number: number, random: rand.New(rand.NewPCG(h.seed, uint64(number))), //nolint:gosec // not for secrets
		clone: fmt.Sprintf("%s/clone-%d", s.temp, number),
	}
}

func (w *writer) writeAll(ctx context.Context) ([]write, error) {
	if err := os.Mkdir(w.clone, 0o755); err != nil {
		return nil, err
	}
	if _, err := w.inClone(ctx, "clone", "--quiet", w.withToken(), "."); err != nil {
		return nil, err
	}
	var list []write
	for w.round = range w.h.rounds {
		done, err := w.write(ctx)
		if err != nil {
			return list, fmt.Errorf("round %d: %w", w.round, err)
		}
		list = append(list, done)
	}
	return list, nil
}

// write is a round: one commit on the branch, of a kind that chance picks.
func (w *writer) write(ctx context.Context) (write, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, w.h.patience, errors.New("a write took longer than -patience"))
	defer cancel()
	start := time.Now()
	for {
		done, err := w.attempt(ctx)
		if err != nil || done.commit != "" {
			done.took = time.Since(start)
			return done, err
		}
	}
}

// attempt makes a write, or none where somebody else was faster to decide.
func (w *writer) attempt(ctx context.Context) (write, error) {
	chance := w.random.IntN(100)
	if chance < 25 {
		return w.plain(ctx)
	}
	tested, err := w.underTest(ctx)
	switch {
	case err != nil:
		return write{}, err
	case chance < 60 || len(tested) == 0:
		return w.candidate(ctx, environmentName(w.random.IntN(environments)))
	case chance < 80:
		return w.decide(ctx, decision.Promote, tested[w.random.IntN(len(tested))])
	}
	return w.decide(ctx, decision.Reject, tested[w.random.IntN(len(tested))])
}

// medians are the median times of the kinds of writes, for people.
func medians(all []write) string {
	byKind := map[string][]time.Duration{}
	for _, w := range all {
		byKind[w.kind] = append(byKind[w.kind], w.took)
		byKind["write"] = append(byKind["write"], w.took)
	}
	text := ""
	for _, kind := range slices.Sorted(maps.Keys(byKind)) {
		list := byKind[kind]
		slices.Sort(list)
		if text != "" {
			text += ", "
		}
		text += fmt.Sprintf("%d %s at %s", len(list), kind, list[len(list)/2].Round(time.Millisecond))
	}
	return "medians: " + text
}

// account holds the history against what the writers were told, and each of its
// commits against the laws.
func (s *site) account(ctx context.Context, start string, list []git.Entry, all []write) (problems []string, err error) {
	told := map[string]write{}
	for _, w := range all {
		found := 0
		for _, e := range list {
			if len(w.commit) >= 12 && e.ID[:len(w.commit)] == w.commit {
				told[e.ID] = w
				found++
			}
		}
		if found != 1 {
			problems = append(problems, fmt.Sprintf("%s %s is in the history %d times", w.kind, w.commit, found))
		}
	}
	parent := start
	for _, e := range list {
		w, ours := told[e.ID]
		switch {
		case !ours:
			err = errors.New("nobody was told of it")
		case !slices.Equal(e.Parents, []string{parent}):
			err = errors.New("the history is not linear there")
		default:
			err = s.asTold(ctx, e, w)
		}
		if ctx.Err() != nil {
			return problems, ctx.Err()
		}
		if err != nil {
			problems = append(problems, fmt.Sprintf("commit %s, %s: %v", git.Short(e.ID), e.Subject, err))
		}
		parent = e.ID
	}
	return problems, nil
}

// asTold is an error unless the commit is what its writer meant.
func (s *site) asTold(ctx context.Context, e git.Entry, w write) error {
	rec, ours := history.Parse(e)
	if w.kind != plain {
		if string(rec.Outcome) != w.kind || w.experiment != rec.Experiment {
			return fmt.Errorf("the writer was told of %s of %s", w.kind, w.experiment)
		}
		return s.lawful(ctx, e)
	}
	if ours {
		return errors.New("a plain commit tells of a decision")
	}
	changed, err := s.changed(e)
	if err != nil {
		return err
	}
	if len(changed) != 1 || changed[0][2:] != w.file {
		return fmt.Errorf("it changes %v, and the writer %s", changed, w.file)
	}
	data, err := s.Git("show", e.ID+":"+w.file)
	if err == nil && data+"\n" != w.data {
		err = fmt.Errorf("%s is not what the writer wrote", w.file)
	}
	return err
}
