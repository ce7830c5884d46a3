package main

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/assaydev/assay/internal/cli"
	"github.com/assaydev/assay/plugin"
	"github.com/assaydev/assay/promote/compare"
	"github.com/assaydev/assay/render/helm"
)

// helmComparison is what two versions of Helm make of one chart, whose directory is as
// the user reaches it.
type helmComparison struct {
	compare.Chart
	Errors map[string]string `json:"errors,omitempty"` // by version
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
	found, err := compare.Helm(ctx, p.Request, versions, o.output(dir))
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("%s: there is no Helm chart at or below it: name a directory with charts", dir)
	}
	all := make([]helmComparison, len(found))
	for i, c := range found {
		c.Dir = p.on(c.Dir)
		all[i] = helmComparison{c, map[string]string{}}
		for version, err := range c.Failed {
			all[i].Errors[version] = message(err)
		}
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
