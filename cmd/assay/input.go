package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/assaydev/assay/internal/excerpt"
)

// maxInput bounds a file that a flag names.
const maxInput = 1 << 20

// readInput reads a file that a flag names, or stdin.
func (a *app) readInput(name string) ([]byte, error) {
	if name == "-" && a.read != nil {
		return a.read, nil // a command on a server may ask again
	}
	from := a.stdin
	if name != "-" {
		file, err := os.Open(name) //nolint:gosec // the file that the user names
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%s does not exist", name)
		}
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", name, excerpt.Cause(err))
		}
		defer func() { _ = file.Close() }()
		from = file
	}
	data, err := io.ReadAll(io.LimitReader(from, maxInput+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, excerpt.Cause(err))
	}
	if len(data) > maxInput {
		return nil, fmt.Errorf("%s is larger than 1 MiB: name a smaller file", name)
	}
	if name == "-" {
		a.read = data
	}
	return data, nil
}

// inputName names a file that readInput reads, for people.
func inputName(name string) string {
	if name == "-" {
		return "stdin"
	}
	return name
}
