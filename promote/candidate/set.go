package candidate

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"helm.sh/helm/v3/pkg/strvals"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/render"
	"github.com/assaydev/assay/render/helm"
)

// Values are what value files and settings in the syntax of helm --set mean in this
// environment: the files laid over each other, and over them what the settings
// make of the values that there are. A list of which a setting changes an item comes
// whole. Numbers are written so that the chart, which reads them back from a file,
// renders what helm --set gives; where it does not, they are refused.
func (m *Marker) Values(ctx context.Context, files map[string]any, settings []string) (map[string]any, error) {
	bare := map[string]any{}
	for _, text := range settings {
		if err := strvals.ParseInto(text, bare); err != nil {
			return nil, fmt.Errorf("%s does not fit what is set before it", settingKey(text))
		}
	}
	layout, plan, err := render.Inspect(m.Request)
	if err != nil || layout != spec.Helm {
		return helm.Overlay(files, bare), err
	}
	// Helm 4 forgets a null of a chart's own values, but not where values are given
	// beside it: what is set can differ from the same in a file, whatever it is.
	forgets := helmVersion(plan) == helm.Version4
	if !forgets && !holds(bare, isListOrInteger) {
		return helm.Overlay(files, bare), nil
	}
	req := m.Request
	req.FS = req.FS.With(map[string][]byte{m.Path: nil})
	now, err := render.Values(ctx, req)
	if err != nil {
		return nil, err
	}
	set, err := over(helm.Overlay(now, files), bare, settings)
	if err != nil {
		return nil, err
	}
	integers := integersIn(nil, bare)
	if len(integers) > 0 {
		set, err = m.readBack(ctx, files, set, integers, forgets)
	} else if forgets {
		err = m.unforgotten(ctx, files, set)
	}
	if err != nil {
		return nil, err
	}
	return helm.Overlay(files, set), nil
}

// helmVersion is the version of Helm that a plan names, or is silent about.
func helmVersion(plan *spec.Plan) string {
	if plan == nil || plan.Spec.Helm == nil || plan.Spec.Helm.Version == "" {
		return helm.Version3
	}
	return plan.Spec.Helm.Version
}

// unforgotten refuses what is set where the files that hold it render otherwise. What
// does not render is refused where the marker is tried, with the change's own words.
func (m *Marker) unforgotten(ctx context.Context, files, set map[string]any) error {
	same, err := m.sameEffect(ctx, files, set, set)
	if same || err != nil {
		return ctx.Err()
	}
	keys := slices.Sorted(maps.Keys(set))
	return fmt.Errorf("%s: no value file can hold what Helm v4 makes of it when it is set: in a file of the chart it forgets nulls, which values that are set bring back; "+
		"write the nulls of this chart's values into a file under spec.helm.valueFiles first", strings.Join(keys, ", "))
}

// settingKey keeps a value, which may be secret, out of a message.
func settingKey(text string) string {
	key, _, _ := strings.Cut(text, "=")
	return excerpt.Cut(key, 100)
}

func isListOrInteger(v any) bool {
	_, isList := v.([]any)
	_, isInteger := v.(int64)
	return isList || isInteger
}

// holds reports whether some value below is one of those meant.
func holds(v any, meant func(any) bool) bool {
	if meant(v) {
		return true
	}
	values, _ := v.(map[string]any)
	for _, below := range values {
		if holds(below, meant) {
			return true
		}
	}
	return false
}

// over is what settings make of the values that there are, at the keys that they
// name.
func over(now, bare map[string]any, settings []string) (map[string]any, error) {
	after := runtime.DeepCopyJSON(now)
	for _, text := range settings {
		if err := strvals.ParseInto(text, after); err != nil {
			return nil, fmt.Errorf("%s does not fit the values that are there: give the whole value above it", settingKey(text))
		}
	}
	out, _ := project(bare, after).(map[string]any)
	return out, gaps(nil, out, now)
}

// project is what after has at the keys of bare.
func project(bare, after any) any {
	b, bareMap := bare.(map[string]any)
	a, afterMap := after.(map[string]any)
	if !bareMap || !afterMap {
		return after
	}
	out := make(map[string]any, len(b))
	for key, v := range b {
		out[key] = project(v, a[key])
	}
	return out
}

// gaps refuses a list with items that nobody gave: an index beyond its end.
func gaps(path []string, is, was any) error {
	switch is := is.(type) {
	case map[string]any:
		was, _ := was.(map[string]any)
		for key, v := range is {
			if err := gaps(append(slices.Clip(path), key), v, was[key]); err != nil {
				return err
			}
		}
	case []any:
		was, _ := was.([]any)
		for i := len(was); i < len(is)-1; i++ {
			if is[i] == nil {
				return fmt.Errorf("%s: the list has %d items, and an item %d of it is set: give the whole list", strings.Join(path, "."), len(was), len(is)-1)
			}
		}
		for i := range min(len(is), len(was)) {
			if err := gaps(append(slices.Clip(path), strconv.Itoa(i)), is[i], was[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// integersIn are the paths to the integers, in the order of keys.
func integersIn(path []string, v any) [][]string {
	var out [][]string
	switch v := v.(type) {
	case int64:
		return [][]string{path}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			out = append(out, integersIn(append(slices.Clip(path), key), v[key])...)
		}
	case []any:
		for i, item := range v {
			out = append(out, integersIn(append(slices.Clip(path), strconv.Itoa(i)), item)...)
		}
	}
	return out
}

// mostForms bounds how many renders the form of the integers may take.
const mostForms = 16

// readBack writes integers in the form that renders what Helm makes of them when
// they are set: a number in a file is a floating-point one to a template, which
// prints a long one with an exponent. Numbers are preferred to text.
func (m *Marker) readBack(ctx context.Context, files, set map[string]any, integers [][]string, forgets bool) (map[string]any, error) {
	same, err := m.sameEffect(ctx, files, set, set)
	if same || err != nil {
		return set, err
	}
	mixed := set
	for i, path := range integers {
		alone := set
		for j, other := range integers {
			if j != i {
				alone = asText(alone, other)
			}
		}
		if i < mostForms && len(integers) > 1 {
			if same, err := m.sameEffect(ctx, files, alone, alone); same && err == nil {
				continue
			}
		}
		mixed = asText(mixed, path)
	}
	if same, err := m.sameEffect(ctx, files, mixed, set); same || err != nil {
		return mixed, err
	}
	if forgets {
		if err := m.unforgotten(ctx, files, set); err != nil {
			return nil, err
		}
	}
	names := make([]string, len(integers))
	for i, path := range integers {
		names[i] = strings.Join(path, ".")
	}
	return nil, fmt.Errorf("%s: no value file can hold what Helm v3 makes of a number that is set: this chart renders one that is read from a file otherwise, and text as well; "+
		"give it in a file of values, which is read as the environment's are", strings.Join(names, ", "))
}

// asText is a copy of values with the integer at a path as text.
func asText(v any, path []string) map[string]any {
	out, _ := textAt(v, path).(map[string]any)
	return out
}

func textAt(v any, path []string) any {
	switch v := v.(type) {
	case map[string]any:
		out := maps.Clone(v)
		out[path[0]] = textAt(v[path[0]], path[1:])
		return out
	case []any:
		out := slices.Clone(v)
		if i, err := strconv.Atoi(path[0]); err == nil && i < len(out) {
			out[i] = textAt(out[i], path[1:])
		}
		return out
	case int64:
		return strconv.FormatInt(v, 10)
	}
	return v
}

// sameEffect reports whether values written to the files render as others do that
// are laid over all. What a chart draws at random says nothing.
func (m *Marker) sameEffect(ctx context.Context, files, written, set map[string]any) (bool, error) {
	data, err := spec.EncodeCandidate(spec.Candidate{Spec: spec.CandidateSpec{Change: spec.Change{Values: helm.Overlay(files, written)}}})
	if err != nil {
		return false, err
	}
	req := m.Request
	req.FS = req.FS.With(map[string][]byte{m.Path: data})
	laid := helm.Overlay(files, set)
	got, want, err := render.Effect(ctx, req, laid)
	if err != nil {
		return false, err
	}
	differences := object.Diff(object.Applied(got), object.Applied(want))
	if len(differences) == 0 {
		return true, nil
	}
	req.Memo = nil // what is remembered would not differ
	gotAgain, wantAgain, err := render.Effect(ctx, req, laid)
	random := append(object.Diff(got, gotAgain), object.Diff(want, wantAgain)...) // with a random name, each side has objects of its own
	return !slices.ContainsFunc(differences, func(d object.Difference) bool {
		return !slices.ContainsFunc(random, func(r object.Difference) bool { return r.Key == d.Key })
	}), err
}
