package remote

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/assaydev/assay/internal/git"
)

// Base is the tip that a change is made for.
type Base struct {
	Branch string
	Commit string
	Tree   *git.Tree // closed when the step returns
	Try    int       // from 1
}

// Change is what is to be committed.
type Change struct {
	Files   []git.File
	Message string
	// Ref is where the commit goes, with what is expected there; its New is not
	// read. A step that names one reads it at each try, and so finds a push of its
	// own that had no answer. Nil is the branch, from the base.
	Ref *Ref
	// Also are moves that land with it or not at all, as of an outcome's ref; on a
	// server that moves one ref at a time, before it.
	Also func(commit string) []Ref
}

// Landing is where an Update ended.
type Landing struct {
	Commit string // empty: there was nothing to do
	Parent string // the tip that it stands on
	Tries  int
}

// Update commits what step makes of a branch's tip. When the branch moves
// before the commit lands, it starts over: step sees the new tip, and decides
// anew. A step that returns no change ends it, as does one whose change alters
// nothing. A push to the branch without an answer is looked for there. It tries until
// ctx ends, and then returns a *GaveUpError, or until no connection to the server
// could be made for some time: an *UnreachableError.
func (r *Remote) Update(ctx context.Context, branch string, step func(context.Context, Base) (*Change, error)) (Landing, error) {
	turn, leave := r.opt.Turns.join(r.opt.URL + " " + branch)
	u := &update{remote: r, branch: branch, step: step, turn: turn, start: r.opt.Now()}
	defer leave()
	defer u.give()
	for {
		at, err := u.try(ctx)
		if err == nil {
			at.Tries = u.tries
			return at, nil
		}
		if err = u.consider(ctx, err); err != nil {
			return Landing{Tries: u.tries}, err
		}
		if !r.pause(ctx, u.inARow) {
			return Landing{Tries: u.tries}, u.gaveUp(ctx)
		}
	}
}

type update struct {
	remote *Remote
	branch string
	step   func(context.Context, Base) (*Change, error)
	turn   *turn
	holds  bool // the turn
	start  time.Time

	tries, moved, unavailable int
	inARow                    int           // tries that did not land, for the pause
	unanswered                bool          // a push may have landed
	pending                   []attempt     // such pushes to the branch
	unreached                 int           // tries in a row without a connection
	alone                     time.Time     // when the first of these ended
	patience                  time.Duration // how long they go on
	last                      error
}

// attempt is a push that may have landed.
type attempt struct {
	refs []Ref
	at   Landing
}

// try is one round from the tip to the push. What has something to write takes the turn, and keeps it. Where
// others had it meanwhile, the tip is another.
func (u *update) try(ctx context.Context) (Landing, error) {
	if at, found, err := u.lookFor(ctx); found || err != nil {
		return at, err
	}
	u.tries++
	r, given := u.remote, u.turn.given.Load()
	tip, err := r.Tip(ctx, u.branch)
	if err != nil {
		return Landing{}, err
	}
	change, err := u.decide(ctx, tip)
	if err != nil || change == nil {
		return Landing{Parent: tip}, err
	}
	if err := u.take(ctx); err != nil {
		return Landing{}, err
	}
	if u.turn.given.Load() != given {
		return u.try(ctx)
	}
	commit, err := r.Commit(ctx, tip, change.Files, change.Message)
	if errors.Is(err, ErrNoChange) {
		return Landing{Parent: tip}, nil
	}
	if err != nil {
		return Landing{}, err
	}
	ref := Ref{Name: "refs/heads/" + u.branch, Expect: tip}
	if change.Ref != nil {
		ref = *change.Ref
	}
	ref.New = commit
	refs := []Ref{ref}
	if change.Also != nil {
		refs = append(refs, change.Also(commit)...)
	}
	at := Landing{Commit: commit, Parent: tip}
	err = r.Push(ctx, refs...)
	var open *UnknownError
	if errors.As(err, &open) && change.Ref == nil {
		u.pending = append(u.pending, attempt{refs, at})
	}
	return at, err
}

// take takes the turn, unless the update has it.
func (u *update) take(ctx context.Context) error {
	if u.holds {
		return nil
	}
	err := u.turn.take(ctx)
	u.holds = err == nil
	return err
}

// give gives the turn back, if the update has it.
func (u *update) give() {
	if u.holds {
		u.turn.give()
	}
}

// decide asks the step. Where files could not be fetched for it, that is the
// error, whatever it made of that: it may have taken them for broken or for
// missing ones.
func (u *update) decide(ctx context.Context, tip string) (*Change, error) {
	ctx, reads := watched(ctx)
	tree, err := u.remote.Tree(ctx, tip)
	if err != nil {
		return nil, err
	}
	defer func() { _ = tree.Close() }()
	change, err := u.step(ctx, Base{Branch: u.branch, Commit: tip, Tree: tree, Try: u.tries})
	if failed := reads.failed.Load(); failed != nil {
		return nil, *failed
	}
	return change, err
}

// lookFor looks for pushes that may have landed.
func (u *update) lookFor(ctx context.Context) (Landing, bool, error) {
	for _, a := range u.pending {
		landed, err := u.remote.hasLanded(ctx, a.refs)
		if landed || err != nil {
			return a.at, landed, err
		}
	}
	return Landing{}, false, nil
}

// How long tries without a connection go on: a server that starts again is back by
// then, and a wrong host never is.
const (
	refusedPatience = 60 * time.Second
	noRoutePatience = 15 * time.Second
)

// unreachable looks at tries in a row without a connection, and returns the error
// that ends the update. It goes on where a push may have landed, since only the
// server can tell.
func (u *update) unreachable(away *UnavailableError) error {
	if away == nil || !away.Unreachable {
		u.unreached = 0
		return nil
	}
	now := u.remote.opt.Now()
	if u.unreached++; u.unreached == 1 {
		u.alone, u.patience = now, noRoutePatience
	}
	if !away.NoRoute {
		u.patience = refusedPatience // its host is there
	}
	after := now.Sub(u.alone)
	if u.unanswered || after < u.patience {
		return nil
	}
	return &UnreachableError{Reason: away.Reason, Tries: u.unreached, After: after, Err: away.Err}
}

// consider returns the error that ends the update, or nothing where another
// try may help.
func (u *update) consider(ctx context.Context, err error) error {
	var away *UnavailableError
	var open *UnknownError
	errors.As(err, &away)
	if ended := u.unreachable(away); ended != nil && ctx.Err() == nil {
		return ended
	}
	switch {
	case errors.Is(err, ErrStale):
		u.moved++
		u.remote.opt.Step(moving(u.branch) + " has moved: start over from what it is now")
	case errors.As(err, &open):
		u.unanswered = true
		u.unavailable++
		u.remote.opt.Step("the connection ended before the server answered")
	case away != nil:
		u.unavailable++
		u.remote.opt.Step("the server does not answer (" + away.Reason + "): try again")
	case ctx.Err() != nil:
		return u.gaveUp(ctx)
	default:
		return err
	}
	u.inARow++
	u.last = err
	if ctx.Err() != nil {
		return u.gaveUp(ctx)
	}
	u.remote.opt.Again(errors.Is(err, ErrStale))
	return nil
}

func (u *update) gaveUp(ctx context.Context) error {
	if errors.Is(u.last, context.Cause(ctx)) {
		u.last = nil
	}
	return &GaveUpError{
		Branch: u.branch, Tries: u.tries, Moved: u.moved, Unavailable: u.unavailable, After: u.remote.opt.Now().Sub(u.start),
		Pending: u.unanswered, Err: context.Cause(ctx), Last: u.last,
	}
}

// Bounds of the pause between tries: full jitter below a bound that doubles.
const (
	firstPause = 50 * time.Millisecond
	mostPause  = 5 * time.Second
)

// pause waits before try n+1, and reports false when ctx ended first.
func (r *Remote) pause(ctx context.Context, n int) bool {
	timer := time.NewTimer(jitter(n, r.opt.Random))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// Wait pauses before try n+1 of what a caller repeats, and returns the error of
// ctx where that ends first.
func (r *Remote) Wait(ctx context.Context, n int) error {
	r.pause(ctx, n)
	return context.Cause(ctx)
}

func jitter(n int, random func(int64) int64) time.Duration {
	if random == nil {
		random = rand.Int64N
	}
	bound := mostPause
	if shift := n - 1; shift < 10 {
		bound = min(mostPause, firstPause<<max(shift, 0))
	}
	return time.Duration(random(int64(bound)))
}

// hasLanded reports whether a push without an answer did its work.
func (r *Remote) hasLanded(ctx context.Context, refs []Ref) (bool, error) {
	r.opt.Step("look whether the push landed")
	now, err := r.list(ctx, refs)
	if err != nil {
		return false, fmt.Errorf("read %s: %w", names(refs), err)
	}
	return r.moved(ctx, refs, now)
}
