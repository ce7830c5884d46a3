package main

import (
	"context"
	"fmt"
	"path"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/internal/history"
	"github.com/assaydev/assay/test/gitserver"
)

// stages are where the branch moves after it was fetched: before git looks at
// the refs for its push, and when the push arrives.
var stages = []gitserver.Stage{gitserver.DiscoverPush, gitserver.Push}

// mover is a repository whose branch somebody moves under a promotion.
type mover struct {
	*site
	h     *harness
	start string // the commit with the candidate
	moves atomic.Int64
}

func (h *harness) mover() (*mover, error) {
	tree := environment(shopDir, ways["push"])
	tree[path.Join(shopDir, "candidate.yaml")] = candidate("2.0.0")
	s, err := h.open(tree)
	if err != nil {
		return nil, err
	}
	m := &mover{site: s, h: h}
	if m.start, err = s.Tip("main"); err != nil {
		s.close()
		return nil, err
	}
	return m, nil
}

// move commits a change of the environment, which a promotion of an older tip
// would undo.
func (m *mover) move() error {
	value := int(m.moves.Add(1))
	_, err := m.Commit("main", "somebody's", gitserver.File{Path: path.Join(shopDir, "config.yaml"), Data: config("config", value)})
	return err
}

// movesAt lets the branch move before the next pushes, so many at each stage.
func (m *mover) movesAt(stage gitserver.Stage, times int) {
	m.git.Inject(stage, times, gitserver.Before(m.move))
}

func (m *mover) promote(more ...string) []string {
	return append([]string{"promote", "--path", shopDir, "--reason", "it is better"}, more...)
}

// movingLands lets the branch move a number of times, and then stay.
func movingLands(ctx context.Context, h *harness) (result, error) {
	m, err := h.mover()
	if err != nil {
		return result{}, err
	}
	defer m.close()
	for i, stage := range stages {
		m.movesAt(stage, (h.moves+i)/len(stages))
	}
	m.git.Traffic()
	start := time.Now()
	if _, err := m.h.run(ctx, m.site, m.promote("--timeout", h.patience.String())...); err != nil {
		return result{}, err
	}
	took, tries := time.Since(start), m.git.Traffic().Requests[gitserver.DiscoverPush]
	r := result{
		counts: fmt.Sprintf("moves=%d tries=%d", m.moves.Load(), tries),
		detail: fmt.Sprintf("landed after %s", took.Round(time.Millisecond)),
	}
	list, err := m.since(ctx, m.start, "main")
	if err != nil {
		return r, err
	}
	switch {
	case int(m.moves.Load()) != h.moves || tries != h.moves+1:
		r.problems = append(r.problems, "the branch did not move before each push but the last")
	case len(list) != h.moves+1:
		r.problems = append(r.problems, fmt.Sprintf("%d commits are new", len(list)))
	default:
		if err := m.lawful(ctx, list[h.moves]); err != nil {
			r.problems = append(r.problems, err.Error())
		}
	}
	return r, nil
}

// timesMoved is what the error says of the branch.
var timesMoved = regexp.MustCompile(`gave up after .*; the branch main moved (\d+) times?`)

// movingGivesUp lets the branch move without an end, at each of the stages.
func movingGivesUp(ctx context.Context, h *harness) (result, error) {
	var r result
	var details []string
	total := int64(0)
	for _, stage := range stages {
		m, err := h.mover()
		if err != nil {
			return r, err
		}
		said, err := m.giveUp(ctx, stage)
		if err != nil {
			r.problems = append(r.problems, fmt.Sprintf("the branch moves at %q: %v", stage, err))
		}
		first, _, _ := strings.Cut(said, "\n")
		details = append(details, first)
		total += m.moves.Load()
		m.close()
		if ctx.Err() != nil {
			return r, ctx.Err()
		}
	}
	r.counts = fmt.Sprintf("runs=%d moves=%d", len(stages), total)
	r.detail = "it says " + strings.Join(details, " and ")
	return r, nil
}

// giveUp promotes with a deadline on a branch that always moves.
func (m *mover) giveUp(ctx context.Context, stage gitserver.Stage) (said string, err error) {
	m.movesAt(stage, 1<<16)
	// On a slow machine a short time may not be enough for the first push.
	for timeout := 2 * time.Second; m.moves.Load() < 2; timeout *= 2 {
		p, err := m.h.start(ctx, m.site, m.promote("--timeout", timeout.String())...)
		if err != nil {
			return "", err
		}
		code := p.wait()
		p.orphans()
		said = strings.TrimSpace(p.stderr.String())
		if code != 1 || p.stdout.Len() > 0 {
			return said, fmt.Errorf("exit %d: %s%s", code, p.stdout.String(), said)
		}
		if m.moves.Load() < 2 {
			m.moves.Store(0)
		}
	}
	return said, m.untouched(ctx, said)
}

// untouched is an error unless nothing of the promotion is on the branch, and
// what was said tells how often that moved.
func (m *mover) untouched(ctx context.Context, said string) error {
	told := timesMoved.FindStringSubmatch(said)
	if told == nil {
		return fmt.Errorf("it does not say how often the branch moved: %s", said)
	}
	// The time may end while a push is under way, and before that is answered.
	if n, err := strconv.ParseInt(told[1], 10, 64); err != nil || n != m.moves.Load() && n != m.moves.Load()-1 {
		return fmt.Errorf("the branch moved %d times: %s", m.moves.Load(), said)
	}
	list, err := m.since(ctx, m.start, "main")
	if err != nil {
		return err
	}
	for _, e := range list {
		if _, ours := history.Parse(e); ours {
			return fmt.Errorf("commit %s is on the branch", git.Short(e.ID))
		}
	}
	_, err = m.Git("cat-file", "-e", "main:"+path.Join(shopDir, "candidate.yaml"))
	return err
}
