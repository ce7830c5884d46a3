package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"path"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/assaydev/assay/internal/digest"
	"github.com/assaydev/assay/internal/history"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/test/forgefake"
)

const (
	shopDir = "prod" // the environment
	mainRef = "refs/heads/main"
)

// ways are how a promotion reaches the branch, as the plan says it.
var ways = map[string]string{
	"pull-request": "{method: pull-request}",
	"merge":        "{method: pull-request, merge: auto}",
	"push":         "{method: push}",
}

// victim is a repository where the same promotion is made over and over.
type victim struct {
	*site
	h      *harness
	way    string
	start  string // the commit with the candidate
	id     string // of its experiment
	digest digest.Digest
	api    *httptest.Server
	forge  atomic.Pointer[forgefake.Forge]
}

// kills kills promotions.
func kills(way string) func(context.Context, *harness) (result, error) {
	return func(ctx context.Context, h *harness) (result, error) {
		v, err := h.victim(ctx, way)
		if err != nil {
			return result{}, err
		}
		defer v.close()
		whole, err := v.undisturbed(ctx)
		if err != nil {
			return result{}, err
		}
		return v.kill(ctx, whole)
	}
}

func (h *harness) victim(ctx context.Context, way string) (*victim, error) {
	tree := environment(shopDir, ways[way])
	tree[path.Join(shopDir, "candidate.yaml")] = candidate("2.0.0")
	s, err := h.open(tree)
	if err != nil {
		return nil, err
	}
	v := &victim{site: s, h: h, way: way}
	v.api = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { v.forge.Load().ServeHTTP(w, r) }))
	if v.start, err = s.Tip("main"); err == nil {
		res, e := s.render(ctx, v.start, shopDir)
		if err = e; err == nil {
			v.id, v.digest = res.ID, res.Digest
		}
	}
	if err != nil {
		v.close()
		return nil, err
	}
	return v, nil
}

func (v *victim) close() {
	v.api.Close()
	v.site.close()
}

// reset puts the repository back to its start, with a forge that knows nothing.
func (v *victim) reset() error {
	refs, err := v.refs()
	if err != nil {
		return err
	}
	var in strings.Builder
	for name := range refs {
		if name != mainRef {
			fmt.Fprintf(&in, "delete %s\n", name)
		}
	}
	fmt.Fprintf(&in, "update %s %s\n", mainRef, v.start)
	v.forge.Store(forgefake.NewGitHub(forgefake.Options{Git: v.Dir, Path: "shop/envs", Token: token}))
	_, err = v.GitWith(in.String(), "update-ref", "--stdin")
	return err
}

func (v *victim) promote(ctx context.Context) (*process, error) {
	return v.h.start(ctx, v.site, "promote", "--path", shopDir, "--reason", "it is better", "--forge", "github", "--forge-api", v.api.URL)
}

// undisturbed is how long a promotion takes, the median of some.
func (v *victim) undisturbed(ctx context.Context) (time.Duration, error) {
	runs := min(5, v.h.kills)
	var took []time.Duration
	for range runs {
		if err := v.reset(); err != nil {
			return 0, err
		}
		start := time.Now()
		p, err := v.promote(ctx)
		if err != nil {
			return 0, err
		}
		code := p.wait()
		took = append(took, time.Since(start))
		p.orphans()
		if code != 0 {
			return 0, fmt.Errorf("promote: exit %d: %s", code, p.stderr.String())
		}
		if err := v.once(ctx); err != nil {
			return 0, fmt.Errorf("a promotion that nobody kills: %w", err)
		}
	}
	slices.Sort(took)
	return took[runs/2], nil
}

// kill kills promotions at random moments, and runs each again.
func (v *victim) kill(ctx context.Context, whole time.Duration) (result, error) {
	random := rand.New(rand.NewPCG(v.h.seed, 0)) //nolint:gosec // not for secrets
	r, left, killed := result{}, map[string]int{}, 0
	for i := range v.h.kills {
		moment := time.Duration(random.Int64N(int64(whole)))
		if err := v.reset(); err != nil {
			return r, err
		}
		first, err := v.promote(ctx)
		if err != nil {
			return r, err
		}
		if first.kill(moment) {
			killed++
			state, err := v.state()
			if err != nil {
				return r, err
			}
			left[state]++
		}
		again, err := v.promote(ctx)
		if err != nil {
			return r, err
		}
		code := again.wait()
		first.orphans()
		again.orphans()
		err = v.once(ctx)
		if code != 0 {
			err = fmt.Errorf("the second run: exit %d: %s", code, again.stderr.String())
		}
		if ctx.Err() != nil {
			return r, ctx.Err()
		}
		if err != nil {
			r.problems = append(r.problems, fmt.Sprintf("run %d, killed after %s: %v", i, moment.Round(time.Millisecond), err))
		}
	}
	r.counts = fmt.Sprintf("runs=%d killed=%d", v.h.kills, killed)
	r.detail = fmt.Sprintf("killed at a random moment of %s; the kill left %s", whole.Round(time.Millisecond), tally(left))
	return r, nil
}

// kill kills the process after a time, and reports whether it was still
// running. What it started goes on.
func (p *process) kill(after time.Duration) bool {
	timer := time.NewTimer(after)
	defer timer.Stop()
	select {
	case <-p.done:
		return false
	case <-timer.C:
		_ = p.cmd.Process.Kill()
		<-p.done
		return p.cmd.ProcessState.ExitCode() < 0
	}
}

// state is what a killed promotion has done so far, for people.
func (v *victim) state() (string, error) {
	refs, err := v.refs()
	if err != nil {
		return "", err
	}
	pulls := v.forge.Load().Pulls()
	switch {
	case refs[mainRef] != v.start:
		return "all on the branch", nil
	case len(pulls) > 0:
		return "a pull request", nil
	case len(refs) > 1:
		return "its branch", nil
	}
	return "nothing", nil
}

// once is an error unless the promotion was made exactly once.
func (v *victim) once(ctx context.Context) error {
	refs, err := v.refs()
	if err != nil {
		return err
	}
	env := spec.Environment{Dir: shopDir}
	claim, err := history.Ref("main", env, v.digest)
	if err != nil {
		return err
	}
	head := "refs/heads/assay/" + shopDir + "/" + v.id
	want, state, branch, commits := []string{mainRef}, "", mainRef, 1
	switch v.way {
	case "pull-request":
		want, state, branch = append(want, head, claim), "open", head
	case "merge":
		// The branch of a pull request is the forge's to delete. The claim is
		// concluded: the branch's own history tells of the promotion.
		want, state, branch, commits = append(want, head), "merged", mainRef, 2
	}
	if got := slices.Sorted(maps.Keys(refs)); !slices.Equal(got, slices.Sorted(slices.Values(want))) {
		return fmt.Errorf("the refs are %s", strings.Join(got, ", "))
	}
	if branch != mainRef && refs[mainRef] != v.start {
		return fmt.Errorf("main has moved")
	}
	if err := v.onePull(state); err != nil {
		return err
	}
	list, err := v.since(ctx, v.start, branch)
	if err != nil {
		return err
	}
	if len(list) != commits {
		return fmt.Errorf("%s has %d commits more than at the start, and not %d", branch, len(list), commits)
	}
	return v.lawful(ctx, list[0])
}

// onePull is an error unless there is exactly one pull request, in this state;
// none for the empty state.
func (v *victim) onePull(state string) error {
	pulls := v.forge.Load().Pulls()
	switch {
	case state == "" && len(pulls) == 0:
		return nil
	case state == "" || len(pulls) != 1:
		return fmt.Errorf("there are %d pull requests", len(pulls))
	case pulls[0].State != state || len(pulls[0].Comments) > 0:
		return fmt.Errorf("the pull request is %s, with %d comments", pulls[0].State, len(pulls[0].Comments))
	}
	return nil
}

// tally lists how often each was, the most frequent first.
func tally(counts map[string]int) string {
	names := slices.SortedFunc(maps.Keys(counts), func(a, b string) int { return cmp.Or(counts[b]-counts[a], cmp.Compare(a, b)) })
	var out []string
	for _, name := range names {
		out = append(out, fmt.Sprintf("%s %d times", name, counts[name]))
	}
	return strings.Join(out, ", ")
}
