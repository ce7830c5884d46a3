package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/spec"
)

// The shares that have to be promoted, in percent.
const (
	shareImages = 95 // in every layout
	shareAll    = 85
)

const legend = `promoted / refused / wrong, and the most lines that a promotion changed; "-" where
no workload has a place for the kind. A promotion that changes more lines than these is wrong:
one for a scalar, for each place that holds it; what is new as a block, once; in a kustomization without an
entry to change, what kustomize edit writes: three lines for an image (images, name, newTag), and for a
patch of a base outside the environment the patch as given, under patches.`

// cell counts what became of one kind in one layout.
type cell struct{ promoted, refused, wrong, lines int }

func (c cell) String() string {
	if c == (cell{}) {
		return "-"
	}
	text := fmt.Sprintf("%d / %d / %d", c.promoted, c.refused, c.wrong)
	if c.promoted > 0 {
		text += fmt.Sprintf(", %d", c.lines)
	}
	return text
}

type table struct {
	cells    map[spec.Layout]map[string]cell
	envs     []string // with what is there
	beside   []string // what is not an environment
	reasons  []string
	problems []string
}

// list notes an environment: how many candidates each workload has, and which
// kinds it has no place for.
func (t *table) list(e *environment, cases []candidate) {
	for _, o := range e.base {
		if !object.IsWorkload(o) {
			continue
		}
		tried, absent := 0, []string{}
		for _, c := range cases {
			switch {
			case c.object != object.KeyOf(o):
			case len(c.ways) == 0:
				absent = append(absent, c.kind)
			default:
				tried++
			}
		}
		text := fmt.Sprintf("%s, %s, %s: %d kinds", e.name, e.layout, object.KeyOf(o), tried)
		if len(absent) > 0 {
			text += "; no place for " + strings.Join(absent, ", ")
		}
		t.envs = append(t.envs, text)
	}
}

func (t *table) add(e *environment, c candidate, r result) {
	if t.cells[e.layout] == nil {
		t.cells[e.layout] = map[string]cell{}
	}
	at := t.cells[e.layout][c.kind]
	switch {
	case r.wrong != nil:
		at.wrong++
		t.problems = append(t.problems, fmt.Sprintf("%s, %s of %s: %v", e.name, c.kind, c.object, r.wrong))
	case r.refused != nil:
		at.refused++
		t.reasons = append(t.reasons, fmt.Sprintf("%s, %s of %s: %v", e.name, c.kind, c.object, r.refused))
	default:
		at.promoted++
		at.lines = max(at.lines, r.lines)
	}
	t.cells[e.layout][c.kind] = at
}

func (t *table) print(w io.Writer) {
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(w, format, args...) }
	layouts := []spec.Layout{spec.Flat, spec.Helm, spec.Kustomize}
	say("%s\n\n%-16s", legend, "")
	for _, l := range layouts {
		say("%-18s", l)
	}
	say("\n")
	var all cell
	for _, kind := range kinds {
		say("%-16s", kind)
		for _, l := range layouts {
			c := t.cells[l][kind]
			all.promoted, all.refused = all.promoted+c.promoted, all.refused+c.refused
			say("%-18s", c)
		}
		say("\n")
	}
	say("\n%d of %d are promoted\n", all.promoted, all.promoted+all.refused+len(t.problems))
	for _, list := range []struct {
		title string
		lines []string
	}{
		{"workloads", t.envs}, {"directories without a workload", t.beside}, {"refused", t.reasons}, {"wrong", t.problems},
	} {
		say("\n%s: %d\n", list.title, len(list.lines))
		for _, line := range slices.Sorted(slices.Values(list.lines)) {
			say("  %s\n", strings.ReplaceAll(line, "\n", " "))
		}
	}
}

// verdict holds the shares.
func (t *table) verdict() error {
	if len(t.problems) > 0 {
		return fmt.Errorf("%d are wrong", len(t.problems))
	}
	var all cell
	var failed []error
	for layout, row := range t.cells {
		var images cell
		for kind, c := range row {
			all.promoted, all.refused = all.promoted+c.promoted, all.refused+c.refused
			if isImage(kind) {
				images.promoted, images.refused = images.promoted+c.promoted, images.refused+c.refused
			}
		}
		if share(images) < shareImages {
			failed = append(failed, fmt.Errorf("%s: %d of 100 image changes are promoted, and it should be %d", layout, share(images), shareImages))
		}
	}
	if share(all) < shareAll {
		failed = append(failed, fmt.Errorf("%d of 100 changes are promoted, and it should be %d", share(all), shareAll))
	}
	return errors.Join(failed...)
}

func share(c cell) int {
	if c.promoted+c.refused == 0 {
		return 100
	}
	return 100 * c.promoted / (c.promoted + c.refused)
}
