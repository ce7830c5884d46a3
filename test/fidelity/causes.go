package main

import (
	"context"
	"regexp"

	"github.com/assaydev/assay/internal/spec"
)

// newest are the versions that assay's own libraries are of.
var newest = map[spec.Layout]string{spec.Kustomize: "kustomize-5.8.1"}

// refused are errors of assay's by design, with what they protect from. The first
// that matches is the cause.
var refused = []struct {
	message *regexp.Regexp
	cause   string
}{
	{regexp.MustCompile(`nothing is fetched|is remote|is a URL|vendor`), "refused by design: nothing is fetched while rendering"},
	{regexp.MustCompile(`not a built-in plugin|is not run|no program|helmCharts`), "refused by design: no program is run, and no chart inflated"},
	{regexp.MustCompile(`leaves the repository|outside the repository|is absolute`), "refused by design: nothing outside the repository is read"},
	{regexp.MustCompile(`has no name|no metadata\.name|must have apiVersion`), "refused by design: every object has apiVersion, kind and a name"},
}

// cause says why a case may differ; empty if nothing does.
func (r *runner) cause(ctx context.Context, c testCase, tool string, native, ours rendered) (string, error) {
	if ours.failed != "" {
		for _, known := range refused {
			if known.message.MatchString(ours.failed) {
				return known.cause, nil
			}
		}
	}
	version, ok := newest[c.layout]
	if !ok || version == tool {
		return "", nil
	}
	r.mu.Lock()
	now, known := r.kept[c.name]
	r.mu.Unlock()
	if !known {
		var err error
		if now, err = r.native(ctx, version, c); err != nil {
			return "", err
		}
		r.mu.Lock()
		if r.kept == nil {
			r.kept = map[string]rendered{}
		}
		r.kept[c.name] = now
		r.mu.Unlock()
	}
	if difference(now, ours) == "" && difference(native, now) != "" {
		return version + " differs from " + tool + " itself", nil
	}
	return "", nil
}
