package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/assaydev/assay/internal/marker"
	"github.com/assaydev/assay/internal/spec"
)

func (a *app) candidateShowCommand() *cobra.Command {
	var env environment
	format := formatYAML
	cmd := &cobra.Command{
		Use:   "show [DIR]",
		Short: "Print the candidate of an environment",
		Long: `Show prints the candidate under test, and after it those that wait. Without a
candidate it prints nothing; in JSON, an empty list.`,
		Example: `  assay candidate show shop/prod

  # The tag under test
  assay candidate show shop/prod -o json | jq -r '.[0].spec.images[0].newTag'`,
		Args: cobra.MaximumNArgs(1),
		RunE: a.do(func(_ context.Context, args []string) error { return a.candidateShow(env, format, dirArg(args)) }),
	}
	env.bind(cmd)
	bindChoice(cmd, &format, "output", "o", "format", formatYAML, formatJSON)
	return cmd
}

func (a *app) candidateShow(env environment, format, dir string) error {
	m, err := env.openMarker(dir)
	if m != nil {
		defer m.close()
	}
	if err != nil {
		return err
	}
	if len(m.Candidates) == 0 {
		a.notef("%s has no candidate", dir)
	}
	if format == formatJSON {
		data, err := encodeJSON(append([]spec.Candidate{}, m.Candidates...))
		a.out.Write(data)
		return err
	}
	data, err := marker.Encode(m.Candidates)
	a.out.Write(data)
	return err
}
