// Package job is one call of the plugin, with all that its result depends on but its files:
// what `assay render` and `assay parameters` do with the same variables in the same
// directory, and give.
//
//  1. Wanted takes from a call's variables those that a job depends on.
//  2. Run renders or announces, from any tree of files, within the limits of the command.
//  3. Result says what to answer, what was read for it, and whether it may be kept.
//
// A Job and a Result go from one process to another as they are.
package job

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"

	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/memory"
	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/object/manifest"
	"github.com/assaydev/assay/internal/span"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/plugin"
	"github.com/assaydev/assay/plugin/flags"
	"github.com/assaydev/assay/render"
)

// Job is one call, without its files.
type Job struct {
	Command  flags.Command
	Dir      string            // of the environment in the repository, clean
	Env      map[string]string // the variables that count: those of Wanted
	Announce bool              // parameters are announced, and nothing is rendered
}

// Result is what a job gives.
type Result struct {
	Layout    spec.Layout
	Manifests []string              // one object each, as JSON
	Announced []plugin.Announcement // of a job that announces
	Warnings  []string
	Depends   []string // paths that decide the result: see envfs.FS.Depends
	Draws     bool     // it may be another the next time

	// Spans are the parts of the job: "render", with "inject" in it, and "print". None has an
	// error, for there is a result.
	Spans []span.Span
}

// Bytes is about how much memory it takes.
func (r *Result) Bytes() int64 {
	bytes := 512 + 128*len(r.Spans)
	for _, list := range [][]string{r.Manifests, r.Warnings, r.Depends} {
		for _, text := range list {
			bytes += len(text) + 16
		}
	}
	for _, a := range r.Announced {
		bytes += 256
		for name, value := range a.Map {
			bytes += len(name) + len(value) + 64
		}
		for _, item := range append(slices.Clone(a.Array), a.String, a.Title, a.Tooltip) {
			bytes += len(item) + 16
		}
	}
	return int64(bytes)
}

// Wanted are the variables of a call that it depends on, as lookup has them.
func Wanted(lookup func(string) (string, bool)) map[string]string {
	env := map[string]string{}
	// What is wrong with them is said when the job runs.
	_, _ = plugin.FromEnv(func(name string) (string, bool) {
		value, ok := lookup(name)
		if ok {
			env[name] = value
		}
		return value, ok
	})
	return env
}

// Key is the same for jobs that give the same from the same files.
func (j Job) Key() string {
	data, err := json.Marshal(j) // maps are sorted
	if err != nil {
		return "" // it holds texts and numbers alone
	}
	return string(data)
}

// Request is what the job renders, from tree.
func (j Job) Request(tree fs.FS) (render.Request, plugin.Call, error) {
	call, err := plugin.FromEnv(func(name string) (string, bool) {
		value, ok := j.Env[name]
		return value, ok
	})
	if err != nil {
		return render.Request{}, plugin.Call{}, err
	}
	req := j.Command.Request(j.Dir, j.Command.Name, call)
	req.FS = envfs.New(tree, j.Command.Files)
	return req, call, nil
}

// Run does the job. tree must be confined, and must not change. It returns when ctx ends.
func (j Job) Run(ctx context.Context, tree fs.FS) (*Result, error) {
	req, call, err := j.Request(tree)
	if err != nil {
		return nil, err
	}
	var res *Result
	if j.Announce {
		res, err = announce(ctx, req)
	} else {
		res, err = rendered(ctx, req, call)
	}
	if err != nil {
		return nil, err
	}
	res.Depends = req.FS.Depends()
	return res, nil
}

func rendered(ctx context.Context, req render.Request, call plugin.Call) (*Result, error) {
	var parts span.Recorder
	within, end := span.Start(parts.In(ctx), "render")
	made, err := render.Environment(within, req)
	if err != nil {
		return nil, err
	}
	end(nil)
	if err := call.Check(made.Plan); err != nil {
		return nil, err
	}
	res := &Result{Layout: made.Layout, Warnings: made.Warnings, Draws: made.Draws}
	_, end = span.Start(parts.In(ctx), "print")
	printer := object.NewPrinter(req.Dir, req.Limits.OutputBytes)
	output := made.Output()
	res.Manifests = make([]string, len(output))
	for i, o := range output {
		data, err := manifest.KnownJSON(ctx, o), error(nil)
		if data != nil {
			err = printer.Take(len(data))
		} else {
			data, err = printer.Compact(o, func() ([]byte, error) { return manifest.JSON(ctx, o) })
		}
		if err != nil {
			return nil, err
		}
		res.Manifests[i] = string(data)
	}
	end(nil)
	res.Spans = parts.Spans()
	return res, nil
}

// announce is bounded by ctx as render.Environment is.
func announce(ctx context.Context, req render.Request) (*Result, error) {
	type outcome struct {
		list []plugin.Announcement
		err  error
	}
	var parts span.Recorder
	_, end := span.Start(parts.In(ctx), "render")
	done := make(chan outcome, 1)
	go func() {
		var o outcome
		defer memory.Enter(ctx, req.String())()
		defer func() {
			if recover() != nil {
				o.err = fmt.Errorf("announce parameters of %s: a library broke down on these files; undo what was changed last in them, and report it to us", req.Dir)
			}
			done <- o
		}()
		o.list, o.err = plugin.Announce(ctx, req)
	}()
	select {
	case o := <-done:
		if o.err != nil {
			return nil, o.err
		}
		end(nil)
		return &Result{Announced: o.list, Spans: parts.Spans()}, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("announce parameters of %s: %w", req.Dir, context.Cause(ctx))
	}
}

// mostPlan is the most that is read of a plan to learn whether a job is plain.
const mostPlan = 32 << 10

// Plain reports whether what the job takes follows from the size of its files: no chart, no
// kustomization and no candidate has anything to say. It takes little itself.
func (j Job) Plain(tree fs.FS) (plain bool) {
	defer func() {
		if recover() != nil {
			plain = false
		}
	}()
	req, _, err := j.Request(tree)
	if err != nil {
		return true // it fails before it reads a file
	}
	marker, err := spec.CandidateFile(req.Name)
	if err != nil {
		return true // likewise
	}
	if _, err := fs.Lstat(tree, path.Join(j.Dir, marker)); !errors.Is(err, fs.ErrNotExist) {
		return false
	}
	plan, err := spec.PlanFile(req.Name)
	if err != nil {
		return true // likewise
	}
	switch info, err := fs.Lstat(tree, path.Join(j.Dir, plan)); {
	case err == nil && (!info.Mode().IsRegular() || info.Size() > mostPlan), err != nil && !errors.Is(err, fs.ErrNotExist):
		return false
	}
	layout, _, err := render.Inspect(req)
	if err != nil {
		return true // likewise
	}
	return layout == spec.Flat || j.Announce && layout != spec.Helm
}
