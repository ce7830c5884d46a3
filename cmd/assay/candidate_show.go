package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/assaydev/assay/internal/cli"
	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/marker"
	"github.com/assaydev/assay/internal/visible"
	"github.com/assaydev/assay/promote"
	"github.com/assaydev/assay/promote/candidate"
)

func (a *app) candidateShowCommand() *cobra.Command {
	var where siteFlags
	format := formatText
	cmd := &cobra.Command{
		Use:   "show [DIR]",
		Short: "Show the candidate of an environment, and those that wait",
		Long: `Show lists the candidate under test with the ID of its experiment, and after it
those that wait: they have none yet, since it will depend on the baseline.
Without a candidate it prints nothing; in JSON, an empty list.

In YAML it prints the documents of the marker, in JSON also what becomes of each.`,
		Example: `  assay candidate show shop/prod

  # The tag and the ID under test
  assay candidate show shop/prod -o json | jq -r '.[0].spec.images[0].newTag, .[0].id'

  # On a server, without a clone
  assay candidate show --repo https://git.example.com/env.git --path shop/prod`,
		Args: cli.Takes(0, 1, "one directory"),
		RunE: a.do(func(ctx context.Context, args []string) error { return a.candidateShow(ctx, where, format, args) }),
	}
	where.bind(cmd)
	cli.BindChoice(cmd, &format, "output", "o", "format", formatText, formatYAML, formatJSON)
	where.bindHeaders(cmd)
	hideWriting(cmd)
	return cmd
}

func (a *app) candidateShow(ctx context.Context, where siteFlags, format string, args []string) error {
	s, err := a.site(ctx, where, args, editFlags{})
	if err != nil {
		return err
	}
	defer s.close()
	return s.Show(ctx, func(ctx context.Context, m *candidate.Marker) error {
		if len(m.Candidates) == 0 {
			a.notef("%s has no candidate", s.arg)
		}
		if format == formatYAML {
			data, err := marker.Encode(m.Candidates)
			a.data(data)
			return err
		}
		queue, err := m.Queue(ctx)
		if err != nil {
			return err
		}
		return a.printQueue(queue, format, where.bare)
	})
}

func (a *app) printQueue(queue []candidate.Queued, format string, bare bool) error {
	if format == formatJSON {
		data, err := visible.MarshalJSON(queue)
		a.data(data)
		return err
	}
	t := cli.Table{Head: []string{"STATE", "CANDIDATE", "ID", "CHANGE"}, Bare: bare}
	for _, q := range queue {
		t.Add(q.State, promote.Label(q.Candidate), q.ID, excerpt.Column(candidate.Describe(q.Spec.Change), 100))
		if q.Error != "" {
			a.notef("the candidate under test does not render: %s", q.Error)
		}
	}
	a.out.WriteString(t.String())
	return nil
}
