package cli

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

// Input is what flags name to be read: files, and stdin as -.
type Input struct {
	Stdin io.Reader
	read  []byte // what stdin held
}

// Read reads a file that a flag names, or stdin.
func (in *Input) Read(name string) ([]byte, error) {
	if name == "-" && in.read != nil {
		return in.read, nil // a command may ask again
	}
	from := in.Stdin
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
		in.read = data
	}
	return data, nil
}

// InputName names what Input reads, for people.
func InputName(name string) string {
	if name == "-" {
		return "stdin"
	}
	return name
}
