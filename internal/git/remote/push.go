package remote

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/internal/repourl"
	"github.com/assaydev/assay/internal/span"
)

// Ref is a move of a ref.
type Ref struct {
	Name   string // in full: refs/heads/main
	Expect string // what it is now; empty: it must not exist
	New    string // what it shall be; empty: it is deleted
}

// Push moves all of the refs or none, and only if each still is what is
// expected. A ref that is what it shall be is not an error. A server that moves only
// one at a time gets them one by one, the last first, up to the first error: a
// ref never moves before those that follow it.
//
//   - ErrStale: a ref is not what was expected.
//   - *RefusedError: the server says no; another try will not help.
//   - *UnavailableError: the server did nothing; another try may help.
//   - *UnknownError: the connection or ctx ended after the request began.
func (r *Remote) Push(ctx context.Context, refs ...Ref) (err error) {
	ctx, end := span.Start(ctx, "push", span.Attribute{Key: "refs", Value: names(refs)})
	defer func() { end(err) }()
	if r.separate && len(refs) > 1 {
		return r.pushEach(ctx, refs)
	}
	args, err := pushArguments(refs)
	if err != nil {
		return err
	}
	r.opt.Step("push to " + names(refs))
	answer, err := r.push(ctx, args)
	if answer.class == unnegotiated && err != nil {
		// No ref of the server names the parent any more: git cannot know that
		// the server has it, and asks.
		answer, err = r.push(ctx, args, [2]string{"push.negotiate", "true"})
		if answer.class == unnegotiated && err != nil {
			return fmt.Errorf("push %s: %w", names(refs), err)
		}
	}
	switch {
	case err == nil:
		return nil
	case answer.class == separate && len(refs) > 1:
		r.separate = true
		r.opt.Step("the server does not push several refs at once: one after the other")
		return r.pushEach(ctx, refs)
	case answer.reason == "":
		return err
	case answer.class == stale && !slices.ContainsFunc(refs, func(ref Ref) bool { return ref.New == "" }):
		return ErrStale
	case answer.class == unknown || answer.class == refused || answer.class == unavailable || answer.class.isAway():
		return answer.error(err)
	}
	return r.compare(ctx, refs, answer, err) // git calls a ref that is already deleted stale
}

// pushEach begins with the last.
func (r *Remote) pushEach(ctx context.Context, refs []Ref) error {
	for _, ref := range slices.Backward(refs) {
		if err := r.Push(ctx, ref); err != nil {
			return err
		}
	}
	return nil
}

func pushArguments(refs []Ref) ([]string, error) {
	if len(refs) == 0 {
		return nil, errors.New("push: no refs") // git would choose some
	}
	args := []string{"push", "--porcelain", "--quiet", "--no-verify", "--recurse-submodules=no", "--signed=no"}
	if len(refs) > 1 {
		args = append(args, "--atomic")
	}
	for _, ref := range refs {
		if !strings.HasPrefix(ref.Name, "refs/") || ref.Expect == "" && ref.New == "" {
			return nil, fmt.Errorf("push %q: it is not a move of a ref", ref.Name)
		}
		args = append(args, "--force-with-lease="+ref.Name+":"+ref.Expect)
	}
	args = append(args, "origin")
	for _, ref := range refs {
		args = append(args, ref.New+":"+ref.Name)
	}
	return args, nil
}

// push runs git push. An answer without a reason is an error that is not the
// server's.
func (r *Remote) push(ctx context.Context, args []string, config ...[2]string) (answer, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	run, err := r.server(ctx, config...)
	if err == nil && ctx.Err() != nil {
		err = fmt.Errorf("push: %w", context.Cause(ctx)) // nothing was sent
	}
	if err != nil {
		return answer{}, err
	}
	_, err = run.Run(ctx, nil, args...)
	var failed *git.Error
	switch {
	case err == nil:
		return answer{}, nil
	case errors.As(err, &failed):
		a := classifyPush(r.scrub(string(failed.Stdout)), failed.Stderr)
		if failed.Code < 0 || a.reason == "" {
			return answer{}, &UnknownError{Err: err} // git was killed, and did not get to say what it did
		}
		return a, err
	case ctx.Err() != nil:
		return answer{}, &UnknownError{Err: err}
	}
	return answer{}, err
}

// compare reads the refs again where the server's words leave it open what
// happened. They may be about this very push: where a connection ends before the
// answer, curl sends the request a second time, and the server then finds the
// ref moved by the first.
func (r *Remote) compare(ctx context.Context, refs []Ref, a answer, failed error) error {
	now, err := r.list(ctx, refs)
	if err != nil {
		return &UnknownError{Err: fmt.Errorf("%s; read the refs again: %w", a.reason, err)}
	}
	same := true
	for _, ref := range refs {
		same = same && now[ref.Name] == ref.Expect
	}
	if same {
		return a.error(failed)
	}
	done, err := r.moved(ctx, refs, now)
	switch {
	case err != nil:
		return &UnknownError{Err: fmt.Errorf("%s: %w", a.reason, err)}
	case done:
		return nil
	}
	return ErrStale
}

// moved reports whether refs that are now like this were moved as wanted,
// and may have moved on since.
func (r *Remote) moved(ctx context.Context, refs []Ref, now map[string]string) (bool, error) {
	for _, ref := range refs {
		if now[ref.Name] == ref.New {
			continue
		}
		branch, isBranch := strings.CutPrefix(ref.Name, "refs/heads/")
		if !isBranch || now[ref.Name] == "" || now[ref.Name] == ref.Expect || ref.New == "" {
			return false, nil
		}
		landed, err := r.landed(ctx, branch, ref.Expect, ref.New)
		if errors.Is(err, ErrRewritten) {
			return false, nil // whether it ever was there, its new history has it not
		}
		if !landed || err != nil {
			return false, err
		}
	}
	return true, nil
}

// list reads refs, as the server has them now. It costs as much as the server
// has refs, as a push does.
func (r *Remote) list(ctx context.Context, refs []Ref) (map[string]string, error) {
	args := []string{"ls-remote", "--quiet", "--refs", "origin"}
	for _, ref := range refs {
		args = append(args, ref.Name)
	}
	return r.lsRemote(ctx, args...)
}

// Named reads the refs of these full names, as the server has them now. Those that
// it does not have are left out.
func (r *Remote) Named(ctx context.Context, names ...string) (map[string]string, error) {
	var refs []Ref
	for _, name := range names {
		refs = append(refs, Ref{Name: name})
	}
	return r.list(ctx, refs)
}

func (r *Remote) lsRemote(ctx context.Context, args ...string) (map[string]string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	run, err := r.server(ctx)
	if err != nil {
		return nil, err
	}
	out, err := run.Run(ctx, nil, args...)
	if err != nil {
		return nil, readingError(err)
	}
	if len(out) == 0 {
		if err := r.speaksGit(ctx, run); err != nil {
			return nil, err
		}
	}
	return parseRefs(string(out)), nil
}

// speaksGit returns an error where a page that says nothing of refs answered in
// place of a Git server: git takes it for an empty repository. Only a server of
// Git's protocol sends packets.
func (r *Remote) speaksGit(ctx context.Context, run git.Runner) error {
	if u, err := repourl.Parse(r.opt.URL); err != nil || !u.IsHTTP() {
		return nil
	}
	packets := false
	run.Said = func(said string) { packets = strings.Contains(said, "packet:") }
	if _, err := run.With("GIT_TRACE_PACKET=1").Run(ctx, nil, "ls-remote", "--quiet", "origin", "HEAD"); err != nil {
		return readingError(err)
	}
	if packets {
		return nil
	}
	return &RefusedError{Reason: "there is a page, and no list of refs", Hint: hintStrange, Strange: true}
}

// parseRefs reads lines of an id and a name.
func parseRefs(out string) map[string]string {
	refs := map[string]string{}
	for line := range strings.Lines(out) {
		if id, name, found := strings.Cut(strings.TrimSuffix(line, "\n"), "\t"); found {
			refs[name] = id
		}
	}
	return refs
}

func names(refs []Ref) string {
	list := make([]string, len(refs))
	for i, ref := range refs {
		list[i] = strings.TrimPrefix(ref.Name, "refs/heads/")
	}
	return strings.Join(list, ", ")
}
