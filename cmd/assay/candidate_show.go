package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/assaydev/assay/internal/marker"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/promote"
	"github.com/assaydev/assay/render"
)

func (a *app) candidateShowCommand() *cobra.Command {
	var env environment
	var there server
	format := formatText
	cmd := &cobra.Command{
		Use:   "show [DIR]",
		Short: "Show the candidate of an environment, and those that wait",
		Long: `Show lists the candidate under test with the ID of its experiment, and after it
those that wait: they have none yet, since it depends on the baseline of then.
Without a candidate it prints nothing; in JSON, an empty list.

In YAML it prints the documents of the marker, in JSON also what becomes of each.`,
		Example: `  assay candidate show shop/prod

  # The tag and the ID under test
  assay candidate show shop/prod -o json | jq -r '.[0].spec.images[0].newTag, .[0].id'

  # On a server, without a clone
  assay candidate show --repo https://git.example.com/env.git --path shop/prod`,
		Args: cobra.MaximumNArgs(1),
		RunE: a.do(func(ctx context.Context, args []string) error { return a.candidateShow(ctx, env, there, format, args) }),
	}
	env.bindRender(cmd)
	there.bind(cmd)
	bindChoice(cmd, &format, "output", "o", "format", formatText, formatYAML, formatJSON)
	return cmd
}

func (a *app) candidateShow(ctx context.Context, env environment, there server, format string, args []string) error {
	if err := there.check(args, env); err != nil {
		return err
	}
	if there.chosen() {
		return a.showThere(ctx, there, env, format)
	}
	m, err := env.openMarker(dirArg(args))
	if m != nil {
		defer m.close()
	}
	if err != nil {
		return err
	}
	return a.showMarker(ctx, m, format)
}

func (a *app) showMarker(ctx context.Context, m *markerPlace, format string) error {
	if len(m.Candidates) == 0 {
		a.notef("%s has no candidate", m.arg)
	}
	if format == formatYAML {
		data, err := marker.Encode(m.Candidates)
		a.data(data)
		return err
	}
	queue, err := queueOf(ctx, m.Request, m.Candidates)
	if err != nil {
		return err
	}
	return a.printQueue(queue, format)
}

// The states of a candidate in a marker.
const (
	stateTested  = "under test"
	stateWaiting = "waiting"
)

// queued is a candidate in a marker, and what becomes of it.
type queued struct {
	spec.Candidate
	State string `json:"state"`
	ID    string `json:"id,omitempty"`    // of what is under test
	Error string `json:"error,omitempty"` // why it does not render
}

// stateOf is the state of document i of a marker.
func stateOf(i int) string {
	if i == 0 {
		return stateTested
	}
	return stateWaiting
}

// queueOf says what becomes of each candidate of an environment's marker. That
// one does not render is part of the answer.
func queueOf(ctx context.Context, req render.Request, candidates []spec.Candidate) ([]queued, error) {
	queue := make([]queued, len(candidates))
	for i, c := range candidates {
		queue[i] = queued{Candidate: c, State: stateOf(i)}
	}
	if len(queue) == 0 {
		return queue, nil
	}
	res, err := render.Environment(ctx, req)
	switch {
	case ctx.Err() != nil:
		return nil, err
	case err != nil:
		queue[0].Error = oneLine(err.Error())
	default:
		queue[0].ID = res.ID
	}
	return queue, nil
}

func (a *app) printQueue(queue []queued, format string) error {
	if format == formatJSON {
		data, err := encodeJSON(queue)
		a.data(data)
		return err
	}
	t := table{head: []string{"STATE", "CANDIDATE", "ID", "CHANGE"}}
	for _, q := range queue {
		t.add(q.State, promote.Label(q.Candidate), q.ID, cut(describe(q.Spec.Change), 100))
		if q.Error != "" {
			a.notef("the candidate under test does not render: %s", q.Error)
		}
	}
	a.out.WriteString(t.String())
	return nil
}
