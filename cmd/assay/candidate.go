package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/plugin"
)

func (a *app) candidateCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "candidate",
		Short: "Write, show or withdraw the candidate of an environment",
		Long: `Candidate works on the marker, candidate.yaml: the one file that says what is
under test in an environment. CI writes it; promotion and rejection remove it.`,
		Example: `  assay candidate set --tag 6.15.0 shop/prod
  assay candidate show shop/prod
  assay candidate clear shop/prod`,
		Args: subcommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.candidateSetCommand(), a.candidateShowCommand(), a.candidateClearCommand())
	return cmd
}

// marker is the candidate.yaml of a place, whether it exists or not.
type marker struct {
	*place
	name       string // relative to the repository
	data       []byte // nil: there is no file
	candidates []spec.Candidate
}

// openMarker opens the environment in dir and decodes its marker. Where that
// fails to decode, the marker is returned with the error. The caller closes it.
func (e *environment) openMarker(dir string) (*marker, error) {
	p, err := e.open(dir, plugin.Call{})
	if err != nil {
		return nil, err
	}
	m := &marker{place: p}
	if err := m.read(); err != nil {
		return m, err
	}
	return m, nil
}

func (m *marker) read() error {
	file, err := spec.CandidateFile(m.Name)
	if err != nil {
		return err
	}
	m.name = path.Join(m.Dir, file)
	data, err := m.FS.ReadFile(m.name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	m.data = data
	if m.candidates, err = spec.DecodeCandidates(m.name, data); err != nil {
		return err
	}
	if m.candidates == nil {
		return fmt.Errorf("%s is an ordinary manifest, of another apiVersion than %s: rename it, or choose a named environment with --env", m.name, spec.APIVersion)
	}
	return nil
}

// write replaces the marker.
func (m *marker) write(ctx context.Context, data []byte) error {
	return writeFiles(ctx, m.root, map[string][]byte{m.name: data})
}

func (m *marker) remove() error {
	root, err := os.OpenRoot(m.root)
	if err != nil {
		return fmt.Errorf("open repository: %w", err)
	}
	defer func() { _ = root.Close() }()
	if err := root.Remove(filepath.FromSlash(m.name)); err != nil {
		return fmt.Errorf("remove %s: %w", m.name, pathless(err))
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

// label names a candidate for people.
func label(c spec.Candidate) string { return called(c.Metadata.Name) }

func called(name string) string {
	if name == "" {
		return "without a name"
	}
	return name
}
