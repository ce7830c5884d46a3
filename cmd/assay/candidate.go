package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/assaydev/assay/internal/marker"
	"github.com/assaydev/assay/plugin"
	"github.com/assaydev/assay/promote"
	"github.com/assaydev/assay/promote/worktree"
)

func (a *app) candidateCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "candidate",
		Short: "Write, show or withdraw the candidate of an environment",
		Long: `Candidate works on the marker, candidate.yaml: the one file that says what is
under test in an environment. CI writes it; promotion and rejection remove it.`,
		Example: `  assay candidate set --tag 6.15.0 shop/prod
  assay candidate from origin/bump-web shop/prod
  assay candidate show shop/prod
  assay candidate clear shop/prod`,
		Args: subcommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.candidateSetCommand(), a.candidateFromCommand(), a.candidateShowCommand(), a.candidateClearCommand())
	return cmd
}

// markerPlace is an environment and its marker, whether it exists or not.
type markerPlace struct {
	*place
	marker.File
}

// openMarker opens the environment in dir and decodes its marker. Where that
// fails to decode, the marker is returned with the error. The caller closes it.
func (e *environment) openMarker(dir string) (*markerPlace, error) {
	p, err := e.open(dir, plugin.Call{})
	if err != nil {
		return nil, err
	}
	file, err := marker.Read(p.FS, p.Dir, p.Name)
	return &markerPlace{p, file}, err
}

// undisturbed refuses to touch a marker while a decision about it is half
// written.
func (m *markerPlace) undisturbed() error {
	record, err := worktree.Interrupted(m.root, m.Dir, m.Name)
	if err == nil && record != nil {
		err = fmt.Errorf("%s: %s was interrupted while it was written: run assay %s again with the same flags first",
			m.arg, record.What(), record.Outcome)
	}
	return err
}

// write gives the marker another content; nil removes it. A link is followed,
// unless it is what is removed.
func (m *markerPlace) write(ctx context.Context, verb string, data []byte) error {
	f := promote.File{Path: m.Path, Before: m.Data}
	if data != nil {
		var err error
		if f, err = promote.Before(m.FS, m.Path); err != nil {
			return err
		}
	}
	f.After = data
	return worktree.Replace(ctx, m.root, m.Dir, m.Name, verb, f)
}

func called(name string) string {
	if name == "" {
		return "without a name"
	}
	return name
}
