package main

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/spec"
)

// The results of a comparison.
const (
	equal    = "equal"
	random   = "random"
	bothFail = "both fail"
	differs  = "differs"
)

// runner renders cases. What the newest kustomize makes of one is kept: it says
// whether an older one differs by itself.
type runner struct {
	tools map[string]string
	cases []testCase
	mu    sync.Mutex
	kept  map[string]rendered
}

// compare renders every case with a pair and with assay.
func (r *runner) compare(ctx context.Context, p pair, t *table) error {
	lines := make([]line, len(r.cases))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, c := range r.cases {
		group.Go(func() (err error) {
			lines[i], err = r.one(ctx, p, c)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	t.add(p, lines)
	return nil
}

// line is one comparison.
type line struct {
	c      testCase
	result string
	detail string // the first difference
	cause  string // why it may differ; empty for one that is not explained
}

func (r *runner) one(ctx context.Context, p pair, c testCase) (line, error) {
	tool := p.kustomize
	if c.layout == spec.Helm {
		tool = p.helm
	}
	native, err := r.native(ctx, tool, c)
	if err != nil {
		return line{}, fmt.Errorf("%s: %s: %w", c.name, tool, err)
	}
	ours, err := r.assay(ctx, p.engine, c)
	if err != nil {
		return line{}, fmt.Errorf("%s: assay: %w", c.name, err)
	}
	l := line{c: c, result: equal}
	if native.failed != "" && ours.failed != "" {
		l.result = bothFail
		return l, nil
	}
	if l.detail = difference(native, ours); l.detail == "" {
		return l, nil
	}
	again, err := r.native(ctx, tool, c)
	if err != nil {
		return line{}, err
	}
	if difference(native, again) != "" {
		l.result = random
		return l, nil
	}
	l.result = differs
	l.cause, err = r.cause(ctx, c, tool, native, ours)
	return l, err
}

// difference is the first one between two renders.
func difference(a, b rendered) string {
	switch {
	case a.failed != "" && b.failed != "":
		return ""
	case a.failed != "":
		return "only natively it fails: " + a.failed
	case b.failed != "":
		return "only assay fails: " + b.failed
	}
	for _, key := range slices.Sorted(maps.Keys(a.objects)) {
		if b.objects[key] == nil {
			return key + " is there natively alone"
		}
		if at, from, to := first(a.objects[key].Object, b.objects[key].Object, ""); at != "" {
			return fmt.Sprintf("%s%s: natively %s, by assay %s", key, at, from, to)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(b.objects)) {
		if a.objects[key] == nil {
			return key + " is there by assay alone"
		}
	}
	return ""
}

// first finds where two values begin to differ.
func first(a, b any, at string) (where, from, to string) {
	if reflect.DeepEqual(a, b) {
		return "", "", ""
	}
	left, ok := a.(map[string]any)
	right, also := b.(map[string]any)
	if ok && also {
		keys := slices.Collect(maps.Keys(left))
		for key := range right {
			if _, ok := left[key]; !ok {
				keys = append(keys, key)
			}
		}
		slices.Sort(keys)
		for _, key := range keys {
			x, here := left[key]
			y, there := right[key]
			if here != there {
				return at + "." + key, shown(x, here), shown(y, there)
			}
			if where, from, to = first(x, y, at+"."+key); where != "" {
				return where, from, to
			}
		}
	}
	one, ok := a.([]any)
	two, also := b.([]any)
	if ok && also && len(one) == len(two) {
		for i := range one {
			if where, from, to = first(one[i], two[i], fmt.Sprintf("%s[%d]", at, i)); where != "" {
				return where, from, to
			}
		}
	}
	return at + " ", shown(a, true), shown(b, true)
}

func shown(v any, there bool) string {
	if !there {
		return "nothing"
	}
	return excerpt.Of(strings.TrimSpace(fmt.Sprintf("%v", v)), 60)
}
