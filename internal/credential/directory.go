package credential

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/scratch"
)

// maxDir leaves room for a socket's name: the system takes about 100 bytes.
const maxDir = 80

func (c *Credentials) onClose(f func() error) { c.closers = append(c.closers, f) }

// directory makes the private directory when something first needs it.
func (c *Credentials) directory() (string, error) {
	if c.dir != "" {
		return c.dir, nil
	}
	made, err := scratch.Make(c.temp, "assay-credential-")
	if err != nil {
		return "", fmt.Errorf("make a private directory: %w; is TMPDIR a directory that can be written?", excerpt.Cause(err))
	}
	dir := made.Path
	c.dir = dir
	c.secret.hide(dir)
	c.onClose(func() error { return excerpt.Cause(made.Remove()) })
	// Such names would need quoting that ssh and git do not share.
	if strings.ContainsAny(dir, "\"'\\%$\n") || len(dir) > maxDir {
		return "", fmt.Errorf("make a private directory: the name of the system's temporary directory is longer than %d bytes, or has a quote, a backslash, %% or $: set TMPDIR to another", maxDir)
	}
	return dir, nil
}

// write makes a file that this user alone can read, and returns its path.
func (c *Credentials) write(name string, data []byte) (string, error) {
	dir, err := c.directory()
	if err != nil {
		return "", err
	}
	full := filepath.Join(dir, name)
	if err := os.WriteFile(full, data, 0o600); err != nil {
		return "", fmt.Errorf("write %s: %w", name, excerpt.Cause(err))
	}
	return full, nil
}
