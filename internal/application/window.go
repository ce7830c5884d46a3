package application

import (
	"fmt"

	"github.com/gobwas/glob"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/window"
)

// syncWindow is one of an AppProject's spec.syncWindows. What it says of manual syncs, and of
// syncs that run already, is not read: a promotion has an automated one begin.
type syncWindow struct {
	window.Window
	applications, clusters, namespaces []string // globs
	all                                bool     // of these three that are given all must match, and not one
}

// readWindows reads spec.syncWindows. What is not of the right type is empty, so that the window
// cannot be read where it counts.
func readWindows(o *unstructured.Unstructured) []syncWindow {
	var out []syncWindow
	list, _, _ := unstructured.NestedSlice(o.Object, "spec", "syncWindows")
	for _, item := range list {
		w, _ := item.(map[string]any)
		s := syncWindow{Window: window.Window{Kind: text(w, "kind"), Schedule: text(w, "schedule"), Duration: text(w, "duration"), TimeZone: text(w, "timeZone")}}
		s.applications, _, _ = unstructured.NestedStringSlice(w, "applications")
		s.clusters, _, _ = unstructured.NestedStringSlice(w, "clusters")
		s.namespaces, _, _ = unstructured.NestedStringSlice(w, "namespaces")
		s.all, _, _ = unstructured.NestedBool(w, "andOperator")
		out = append(out, s)
	}
	return out
}

// SyncWindows are the windows of the project that count for the automated syncs of an
// Application, by the rules of Argo CD's documentation, "Sync Windows". The error names the first
// that cannot be read: Argo CD does not sync either where it cannot read one.
func (p Project) SyncWindows(at Place) (window.Set, error) {
	set := window.Set{NeverIsAlways: true}
	for i, w := range p.windows {
		if !w.matches(at) {
			continue
		}
		if err := set.Add(w.Window); err != nil {
			return window.Set{}, fmt.Errorf("its AppProject %s has a sync window that cannot be read: spec.syncWindows[%d].%w", p.Name, i, err)
		}
	}
	return set, nil
}

// matches reports whether the window is about an Application. One that names nothing is about
// none.
func (w syncWindow) matches(at Place) bool {
	by := func(patterns []string, texts ...string) (given, matched bool) {
		for _, pattern := range patterns {
			g, err := glob.Compile(pattern)
			for _, text := range texts {
				matched = matched || err == nil && g.Match(text)
			}
		}
		return len(patterns) > 0, matched
	}
	var clusters []string
	for _, name := range []string{at.Target.Name, at.Target.Server} {
		if name != "" {
			clusters = append(clusters, name)
		}
	}
	one, every := false, true
	for _, of := range []struct {
		patterns, texts []string
	}{{w.applications, []string{at.Name}}, {w.clusters, clusters}, {w.namespaces, []string{at.Namespace}}} {
		given, matched := by(of.patterns, of.texts...)
		one = one || matched
		every = every && (matched || !given)
	}
	if w.all {
		return one && every
	}
	return one
}
