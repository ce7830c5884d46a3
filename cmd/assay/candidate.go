package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/assaydev/assay/internal/marker"
	"github.com/assaydev/assay/plugin"
	"github.com/assaydev/assay/promote"
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

// undisturbed refuses to touch a marker that may not be written, or while a
// decision about it is half written.
func (m *markerPlace) undisturbed() error {
	info, err := os.Stat(filepath.Join(m.root, filepath.FromSlash(m.Path)))
	if err == nil && info.Mode().Perm()&0o200 == 0 { // a rename would replace it all the same
		return fmt.Errorf("%s: it is read-only: make it writable with chmod u+w", m.on(m.Path))
	}
	record, err := promote.Interrupted(m.root, m.Dir, m.Name)
	if err == nil && record != nil {
		err = fmt.Errorf("%s: a decision to %s its candidate was interrupted while it was written: run assay %s again with the same flags first",
			m.arg, record.Outcome, record.Outcome)
	}
	return err
}

// write replaces the marker.
func (m *markerPlace) write(ctx context.Context, data []byte) error {
	return writeFiles(ctx, m.root, map[string][]byte{m.Path: data})
}

func (m *markerPlace) remove() error {
	root, err := os.OpenRoot(m.root)
	if err != nil {
		return fmt.Errorf("open repository: %w", err)
	}
	defer func() { _ = root.Close() }()
	if err := root.Remove(filepath.FromSlash(m.Path)); err != nil {
		return fmt.Errorf("remove %s: %w", m.Path, pathless(err))
	}
	return nil
}

// pathless drops the machine's path from an error of the operating system.
func pathless(err error) error {
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		return pathError.Err
	}
	var linkError *os.LinkError
	if errors.As(err, &linkError) {
		return linkError.Err
	}
	return err
}

func called(name string) string {
	if name == "" {
		return "without a name"
	}
	return name
}
