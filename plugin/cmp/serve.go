package cmp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"github.com/bmatcuk/doublestar/v4"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/gate"
	"github.com/assaydev/assay/internal/span"
	"github.com/assaydev/assay/internal/tgz"
	"github.com/assaydev/assay/plugin"
	"github.com/assaydev/assay/plugin/cmp/contract"
	"github.com/assaydev/assay/plugin/cmp/job"
	"github.com/assaydev/assay/plugin/cmp/worker"
	"github.com/assaydev/assay/plugin/flags"
)

// margin is left of the caller's deadline, so that it gets the answer.
const margin = 100 * time.Millisecond

// mostText caps what an error says: Argo CD carries it in a trailer.
const mostText = 2000

// CheckPluginConfiguration answers what plugin.yaml says.
func (s *server) CheckPluginConfiguration(context.Context, *emptypb.Empty) (*contract.CheckPluginConfigurationResponse, error) {
	return &contract.CheckPluginConfigurationResponse{IsDiscoveryConfigured: s.opt.Config.Discovers(), ProvideGitCreds: s.opt.Config.GitCreds}, nil
}

// GenerateManifest renders.
func (s *server) GenerateManifest(stream grpc.ClientStreamingServer[contract.AppStreamRequest, contract.ManifestResponse]) error {
	return answer(s, "generate", stream, func(ctx context.Context, c *call, in *archive, r *record) (*contract.ManifestResponse, error) {
		res, err := s.result(ctx, c, in, r, job.Job{Command: s.opt.Config.Generate})
		if err != nil {
			return nil, err
		}
		r.note(func(e *entry) { e.objects = len(res.Manifests) })
		return &contract.ManifestResponse{Manifests: res.Manifests}, nil
	})
}

// GetParametersAnnouncement lists the plugin's parameters.
func (s *server) GetParametersAnnouncement(stream grpc.ClientStreamingServer[contract.AppStreamRequest, contract.ParametersAnnouncementResponse]) error {
	return answer(s, "parameters", stream, func(ctx context.Context, c *call, in *archive, r *record) (*contract.ParametersAnnouncementResponse, error) {
		out := &contract.ParametersAnnouncementResponse{}
		if s.opt.Config.Parameters == nil {
			out.ParameterAnnouncements = announcements(s.opt.Config.Static)
			return out, in.finish(ctx, c)
		}
		res, err := s.result(ctx, c, in, r, job.Job{Command: *s.opt.Config.Parameters, Announce: true})
		if err != nil {
			return nil, err
		}
		// Those of plugin.yaml come last, so that they count.
		out.ParameterAnnouncements = append(announcements(res.Announced), announcements(s.opt.Config.Static)...)
		return out, nil
	})
}

func announcements(list []plugin.Announcement) []*contract.ParameterAnnouncement {
	var out []*contract.ParameterAnnouncement
	for _, a := range list {
		out = append(out, &contract.ParameterAnnouncement{
			Name: a.Name, Title: a.Title, Tooltip: a.Tooltip, Required: a.Required, ItemType: a.ItemType, CollectionType: a.CollectionType,
			String_: a.String, Array: a.Array, Map: a.Map,
		})
	}
	return out
}

// MatchRepository says whether the plugin is for a repository. The stream is read to its
// end: a caller that still sends does not get the answer.
func (s *server) MatchRepository(stream grpc.ClientStreamingServer[contract.AppStreamRequest, contract.RepositoryResponse]) error {
	return answer(s, "match", stream, func(ctx context.Context, c *call, in *archive, r *record) (*contract.RepositoryResponse, error) {
		if !s.opt.Config.Discovers() {
			return &contract.RepositoryResponse{}, in.finish(ctx, c)
		}
		held, err := s.trees.get(ctx, c, in, r)
		if err != nil {
			return nil, err
		}
		defer held.release()
		found, err := s.matches(ctx, held.tree.At(c.prefix), c.dir)
		return &contract.RepositoryResponse{IsSupported: found, IsDiscoveryEnabled: true}, err
	})
}

// matches reports whether a file of the environment's directory is the one that plugin.yaml
// looks for.
func (s *server) matches(ctx context.Context, tree fs.FS, dir string) (bool, error) {
	files := envfs.New(tree, s.opt.Config.Generate.Files) // which follows links
	if s.opt.Config.FileName == "" {
		return matchesBelow(ctx, files, dir, path.Clean(s.opt.Config.Glob))
	}
	below, err := fs.Sub(files, dir)
	if err != nil {
		return false, fmt.Errorf("match repository: %w", err)
	}
	found, err := fs.Glob(below, path.Clean(s.opt.Config.FileName))
	if err != nil {
		return false, fmt.Errorf("match repository: %w", err)
	}
	return len(found) > 0, nil
}

// matchesBelow looks for the first path of a pattern. As argocd-cmp-server does, it follows
// links only where the pattern names them: a directory may have many to itself.
func matchesBelow(ctx context.Context, files fs.FS, dir, pattern string) (found bool, err error) {
	base, rest := doublestar.SplitPattern(pattern)
	top := path.Join(dir, base)
	if !strings.ContainsAny(rest, `*?[{\`) {
		_, err := fs.Stat(files, path.Join(top, rest))
		return err == nil, nil
	}
	err = fs.WalkDir(files, top, func(name string, _ fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil:
			return fs.SkipDir // there is nothing to be found
		case name == top:
			return nil
		}
		if top != "." {
			name = strings.TrimPrefix(name, top+"/")
		}
		if found = doublestar.MatchUnvalidated(rest, name); found {
			return fs.SkipAll
		}
		return nil
	})
	return found, err
}

// result is what a job gives for the archive that comes.
func (s *server) result(ctx context.Context, c *call, in *archive, r *record, j job.Job) (*made, error) {
	j.Dir, j.Env = c.dir, job.Wanted(c.lookup)
	passed := errTimeout
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < j.Command.Timeout {
		passed = errDeadline // the caller's own
	}
	ctx, cancel := context.WithTimeoutCause(ctx, j.Command.Timeout, passed)
	defer cancel()
	if res, ok := s.maker.before(j, c); ok {
		r.note(func(e *entry) { e.cache, e.warnings = byArchive, res.Warnings })
		return res, in.finish(ctx, c)
	}
	held, err := s.trees.get(ctx, c, in, r)
	if err != nil {
		return nil, err
	}
	defer held.release()
	ctx, made := span.Start(ctx, "make")
	res, how, err := s.maker.make(ctx, j, held, c)
	made(err)
	switch {
	case errors.Is(err, errDeadline), err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded):
		return nil, passed
	case err != nil:
		return nil, err
	}
	r.note(func(e *entry) {
		e.where, e.warnings = how, res.Warnings
		if how == inWorker || how == inProcess {
			e.job = res.Spans
		}
	})
	return res, nil
}

// explain says of a call whose time was not enough what helps.
func explain(r *record, err error) error {
	var late *gate.LateError
	switch {
	case errors.As(err, &late):
		return &lateError{fmt.Sprintf("render %s: it would not be done in time: %s; give the sidecar more processors, or raise the repo-server's timeout for plugins", excerpt.Of(r.dir(), 300), late)}
	case errors.Is(err, errTimeout):
		return &lateError{fmt.Sprintf("not done after %s: %s\nhint: raise %s; under Argo CD keep it below the repo-server's own timeout for plugins", r.since(), errDeadline, flags.Timeout)}
	case errors.Is(err, errDeadline):
		return &lateError{fmt.Sprintf("not done after %s: %s, which the caller set\nhint: raise the repo-server's timeout for plugins", r.since(), errDeadline)}
	}
	return err
}

// lateError is a call whose time was not enough.
type lateError struct{ message string }

func (e *lateError) Error() string { return e.message }

// answer runs one call. Whatever becomes of it, the server lives on.
func answer[A any](s *server, method string, stream grpc.ClientStreamingServer[contract.AppStreamRequest, A], work func(context.Context, *call, *archive, *record) (*A, error)) error {
	r := newRecord(stream.Context(), method)
	ctx, cancel := r.spans.In(s.watched(stream.Context())), context.CancelFunc(func() {})
	if deadline, ok := ctx.Deadline(); ok {
		ctx, cancel = context.WithDeadlineCause(ctx, deadline.Add(-margin), errDeadline)
	}
	defer cancel()
	out, err := within(ctx, s.opt.Stall, func(ctx context.Context, alive *atomic.Int64) (*A, error) {
		c, err := begin(stream)
		if c == nil {
			return nil, err
		}
		in := newArchive(stream, c.size, alive)
		r.begun(c, in)
		var out *A
		if err == nil {
			out, err = work(ctx, c, in, r)
		}
		if err != nil {
			_ = in.drain() // who still sends sees the end of the stream, and not the error
		}
		return out, err
	})
	err = explain(r, err)
	if err == nil {
		err = fits(out)
	}
	if err == nil {
		_, sent := span.Start(ctx, "send")
		err = stream.SendAndClose(out)
		sent(err)
	}
	s.finish(r, err)
	return statusOf(err)
}

// received is when something came last of a stream that is complete.
const received = 1<<63 - 1

// within runs work until ctx ends, or nothing has come for too long. Receiving cannot be
// interrupted but by the end of the call, so that work that is left alone ends soon.
func within[A any](ctx context.Context, stall time.Duration, work func(context.Context, *atomic.Int64) (*A, error)) (*A, error) {
	type outcome struct {
		out *A
		err error
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(context.Canceled)
	var alive atomic.Int64
	alive.Store(time.Now().UnixNano())
	done := make(chan outcome, 1)
	go func() {
		var o outcome
		defer func() {
			if v := recover(); v != nil {
				o = outcome{err: &panicError{fmt.Sprint(v), string(debug.Stack())}}
			}
			done <- o
		}()
		o.out, o.err = work(ctx, &alive)
	}()
	tick := time.NewTicker(max(stall/4, time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case o := <-done:
			return o.out, o.err
		case <-ctx.Done():
			return nil, fmt.Errorf("the call has ended: %w", context.Cause(ctx))
		case now := <-tick.C:
			if last := alive.Load(); last != received && now.UnixNano()-last > int64(stall) {
				return nil, badCallf("nothing has come for %s: the archive is not complete", stall)
			}
		}
	}
}

// panicError is a fault of ours. What it holds is for the log alone.
type panicError struct{ value, stack string }

func (e *panicError) Error() string {
	return "internal error; please report it with the files that led to it"
}

// fits refuses an answer that one message does not hold.
func fits(out any) error {
	m, ok := out.(proto.Message)
	if !ok {
		return nil
	}
	if n := proto.Size(m); n > mostMessage {
		return fmt.Errorf("the output has %d MiB, and one message to Argo CD holds %d: make the environment smaller", n>>20, mostMessage>>20)
	}
	return nil
}

// statusOf is the error as the repo-server shows it: the cause first, and short.
func statusOf(err error) error {
	if err == nil {
		return nil
	}
	text := flags.OneLine(flags.Message(err), err)
	var late *lateError
	var failed *worker.FailedError // which is ready to be read
	switch {
	case errors.As(err, &late):
		text = flags.OneLine(late.message, err)
	case errors.As(err, &failed):
		text = failed.Message
	}
	text = "assay: " + text
	if len(text) > mostText {
		text = strings.ToValidUTF8(text[:mostText-4], "") + " ..."
	}
	return status.Error(codeOf(err), text)
}

// codeOf keeps to Unknown, as argocd-cmp-server has it, for what is wrong with an
// environment.
func codeOf(err error) codes.Code {
	var bad *badCall
	var archive *tgz.Error
	var late *lateError
	var broken *panicError
	switch {
	case err == nil:
		return codes.OK
	case errors.As(err, &bad), errors.As(err, &archive):
		return codes.InvalidArgument
	case errors.As(err, &late), errors.Is(err, errDeadline), errors.Is(err, context.DeadlineExceeded):
		return codes.DeadlineExceeded
	case errors.As(err, &broken):
		return codes.Internal
	case errors.Is(err, context.Canceled), errors.Is(err, io.ErrUnexpectedEOF):
		return codes.Canceled
	}
	return codes.Unknown
}
