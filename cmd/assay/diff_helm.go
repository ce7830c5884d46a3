package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/assaydev/assay/internal/cli"
	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/object/diff"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/plugin"
	"github.com/assaydev/assay/render"
	"github.com/assaydev/assay/render/helm"
)

// helmComparison is what two versions of Helm make of one chart.
type helmComparison struct {
	spec.Environment                   // its directory as the user reaches it
	Equal            bool              `json:"equal"`
	Changes          []change          `json:"changes"`
	Errors           map[string]string `json:"errors,omitempty"` // by version
}

func (a *app) diffHelm(ctx context.Context, opt diffOptions, dirs []string) error {
	if opt.chosen() {
		return cli.Usagef("--helm is for directories here: leave it out with --repo and --app")
	}
	if len(opt.helms) != 2 || opt.helms[0] == opt.helms[1] || !knownHelm(opt.helms[0]) || !knownHelm(opt.helms[1]) {
		return cli.Usagef("--helm takes two versions of Helm, as %s,%s", helm.Version3, helm.Version4)
	}
	if len(dirs) == 0 {
		dirs = []string{"."}
	}
	versions := [2]string(opt.helms)
	all := []helmComparison{}
	for _, dir := range dirs {
		found, err := opt.compareHelm(ctx, dir, versions)
		if err != nil {
			return err
		}
		all = append(all, found...)
	}
	if opt.format != formatText {
		if err := a.structured(opt.format, all); err != nil {
			return err
		}
	} else {
		printHelm(&a.out, a.palette(opt.color), all, versions)
	}
	if slices.ContainsFunc(all, func(c helmComparison) bool { return len(c.Errors) == len(versions) }) {
		return errReported
	}
	return nil
}

func knownHelm(version string) bool { return version == helm.Version3 || version == helm.Version4 }

// compareHelm compares the charts at and below one directory.
func (o *diffOptions) compareHelm(ctx context.Context, dir string, versions [2]string) ([]helmComparison, error) {
	p, err := o.open(dir, plugin.Call{})
	if err != nil {
		return nil, err
	}
	defer p.close()
	charts, err := render.FindCharts(p.FS, p.Dir)
	if err != nil {
		return nil, err
	}
	if o.name != "" {
		charts = slices.DeleteFunc(charts, func(env spec.Environment) bool { return env.Name != o.name })
	}
	if len(charts) == 0 {
		return nil, fmt.Errorf("%s: there is no Helm chart at or below it: name a directory with charts", dir)
	}
	out := o.output(dir)
	var all []helmComparison
	for _, env := range charts {
		req := p.Request
		req.Environment = env
		c := helmComparison{Environment: spec.Environment{Dir: p.on(env.Dir), Name: env.Name}, Changes: []change{}, Errors: map[string]string{}}
		found, err := render.CompareHelm(ctx, req, versions)
		if ctx.Err() != nil {
			return nil, err
		}
		for i, version := range versions {
			if failed := cmp.Or(err, found.Errors[i]); failed != nil {
				c.Errors[version] = message(failed)
			}
		}
		for _, d := range found.Differences {
			text, err := diff.Between(versions[0], versions[1], d, out.max)
			if errors.Is(err, object.ErrTooLarge) {
				return nil, out.exceeded()
			}
			if err != nil {
				return nil, err
			}
			if err := out.take(len(text)); err != nil {
				return nil, err
			}
			c.Changes = append(c.Changes, change{d.Key.String(), diff.KindOf(d), text})
		}
		c.Equal = len(c.Changes) == 0 && len(c.Errors) == 0
		all = append(all, c)
	}
	return all, nil
}

func printHelm(w io.Writer, p cli.Palette, all []helmComparison, versions [2]string) {
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(w, format, args...) }
	equal, differ, failed := 0, 0, 0
	for _, c := range all {
		name := p.Bold(argument(c.Dir, c.Name))
		switch {
		case c.Equal:
			equal++
			say("%s: equal\n", name)
		case len(c.Errors) == len(versions):
			failed++
			say("%s: not rendered: %s\n", name, c.Errors[versions[0]])
		case len(c.Errors) > 0:
			differ++
			for _, version := range versions {
				if text := c.Errors[version]; text != "" {
					say("%s: not rendered with Helm %s alone: %s\n", name, version, text)
				}
			}
		default:
			differ++
			say("%s: differs\n", name)
			for _, item := range c.Changes {
				say("\n%s %s\n", p.Bold(item.Object), item.Change)
				p.Diff(w, item.Diff)
			}
			say("\n")
		}
	}
	verb := "differ"
	if differ == 1 {
		verb = "differs"
	}
	say("%d equal, %d %s, %d not rendered\n", equal, differ, verb, failed)
}
