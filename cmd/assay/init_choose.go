package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/assaydev/assay/internal/scaffold"
	"github.com/assaydev/assay/internal/spec"
)

// choose settles what to write: flags first, then answers on a terminal, then
// defaults.
func (q *questions) choose(opt initOptions, s *surveyed) (scaffold.Options, error) {
	chosen := scaffold.Options{Environment: s.name, Engine: opt.engine, Load: opt.load, URL: opt.url, Prometheus: opt.prometheus, Helm: s.chart}
	var err error
	if chosen.Target, err = q.target(opt.target, s.targets); err != nil {
		return chosen, err
	}
	if chosen.Engine, err = q.pick("Engine that judges candidates", chosen.Engine, scaffold.Engines(), scaffold.Job); err != nil {
		return chosen, err
	}
	if chosen.Load, err = q.pick("Load that it needs", chosen.Load, scaffold.Loads(), scaffold.DefaultLoad(chosen.Engine)); err != nil {
		return chosen, err
	}
	if chosen.Prometheus != "" && chosen.Engine != scaffold.Analysis {
		return chosen, usagef("--prometheus is for --engine %s alone", scaffold.Analysis)
	}
	if chosen.URL == "" {
		if chosen.URL, err = q.text("URL of the candidate", chosen.Target.URL); err != nil {
			return chosen, err
		}
	}
	if chosen.URL == "" {
		return chosen, fmt.Errorf("no Service selects %s, so its candidate has no address: give one with --url", chosen.Target)
	}
	return chosen, nil
}

// chart settles how a chart is rendered.
func (q *questions) chart(opt initOptions, name string) (*spec.HelmSource, error) {
	chart := &spec.HelmSource{ReleaseName: opt.release, Namespace: opt.namespace, ValueFiles: opt.valueFiles}
	var err error
	if chart.ReleaseName == "" {
		if chart.ReleaseName, err = q.text("Release name (the Application's name)", name); err != nil {
			return nil, err
		}
	}
	if chart.Namespace == "" {
		chart.Namespace, err = q.text("Namespace (the Application's destination)", "default")
	}
	return chart, err
}

// questions asks on a terminal, and answers itself elsewhere.
type questions struct {
	ask bool
	in  *bufio.Reader
	out io.Writer
}

func (a *app) questions() *questions {
	return &questions{ask: isTerminal(a.stdin), in: bufio.NewReader(a.stdin), out: a.stderr}
}

// text asks for a line; an empty one is the default.
func (q *questions) text(prompt, fallback string) (string, error) {
	if !q.ask {
		return fallback, nil
	}
	if fallback != "" {
		prompt += " [" + fallback + "]"
	}
	_, _ = fmt.Fprintf(q.out, "%s: ", prompt)
	line, err := q.in.ReadString('\n')
	if err != nil && (line == "" || !errors.Is(err, io.EOF)) {
		return "", fmt.Errorf("no answer to %q: give it as a flag", prompt)
	}
	if line = strings.TrimSpace(line); line != "" {
		return line, nil
	}
	return fallback, nil
}

// pick asks for one of a few words, unless a flag gave it.
func (q *questions) pick(prompt, given string, words []string, fallback string) (string, error) {
	if given != "" {
		return given, nil
	}
	for {
		answer, err := q.text(prompt+" ("+strings.Join(words, ", ")+")", fallback)
		if err != nil || slices.Contains(words, answer) {
			return answer, err
		}
		_, _ = fmt.Fprintf(q.out, "%s is not one of them\n", answer)
	}
}

// target finds the workload to test.
func (q *questions) target(given string, targets []scaffold.Target) (scaffold.Target, error) {
	var names []string
	for _, t := range targets {
		names = append(names, t.String())
	}
	switch {
	case given != "":
		i := slices.IndexFunc(names, func(name string) bool { return strings.EqualFold(name, given) })
		if i < 0 {
			return scaffold.Target{}, noTarget(given, names)
		}
		return targets[i], nil
	case len(targets) == 1:
		return targets[0], nil
	case !q.ask:
		return scaffold.Target{}, fmt.Errorf("there are %d workloads: choose one with --target, of %s", len(names), listed(names))
	}
	for i, name := range names {
		_, _ = fmt.Fprintf(q.out, "  %d  %s\n", i+1, name)
	}
	for {
		answer, err := q.text("Workload to test", "1")
		if err != nil {
			return scaffold.Target{}, err
		}
		if i, err := strconv.Atoi(answer); err == nil && i >= 1 && i <= len(targets) {
			return targets[i-1], nil
		}
		if i := slices.Index(names, answer); i >= 0 {
			return targets[i], nil
		}
		_, _ = fmt.Fprintf(q.out, "%s is not one of them\n", answer)
	}
}

func noTarget(given string, names []string) error {
	if near := spec.Near(given, names); len(near) > 0 {
		return fmt.Errorf("--target %s: no such workload; did you mean %s?", given, strings.Join(near, " or "))
	}
	return fmt.Errorf("--target %s: no such workload; there is %s", given, listed(names))
}
