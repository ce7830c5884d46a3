package image

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
)

// Sources say where the files of COPY are.
type Sources struct {
	Repository string            // the top of Assay's
	Built      map[string]string // what other stages have made, by its name there
}

// Unpack lays out the image in an empty directory.
func (r Recipe) Unpack(ctx context.Context, tar, dir string, from Sources) error {
	if err := NeedRoot(); err != nil {
		return err
	}
	if err := run(ctx, "tar", "-C", dir, "--numeric-owner", "-xpf", tar); err != nil {
		return err
	}
	for _, c := range r.Copy {
		for _, name := range c.From {
			if err := from.copy(c, name, dir); err != nil {
				return fmt.Errorf("COPY %s: %w", name, err)
			}
		}
	}
	return nil
}

func (s Sources) copy(c Copy, name, dir string) error {
	source := filepath.Join(s.Repository, name)
	if c.Stage != "" {
		built, found := s.Built[name]
		if !found {
			return fmt.Errorf("the stage %s has no such file", c.Stage)
		}
		source = built
	}
	to := c.To
	if strings.HasSuffix(to, "/") {
		to = path.Join(to, path.Base(name))
	}
	// A link of the image's, as /var/run is one, must not lead out of it.
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	to = strings.TrimPrefix(to, "/")
	if err := root.MkdirAll(path.Dir(to), 0o755); err != nil {
		return err
	}
	return copyFile(root, source, to)
}

func copyFile(root *os.Root, source, to string) error {
	in, err := os.Open(source)
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	mode := fs.FileMode(0o644)
	if info.Mode()&0o111 != 0 {
		mode = 0o755
	}
	out, err := root.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		_ = out.Close()
		return err
	}
	return out.Close()
}

// Compressed is the size of a directory as a registry keeps it, in bytes.
func Compressed(ctx context.Context, dir string) (int64, error) {
	var size counter
	zip := gzip.NewWriter(&size)
	c := exec.CommandContext(ctx, "tar", "-C", dir, "-c", ".")
	c.Stdout = zip
	if err := c.Run(); err != nil {
		return 0, fmt.Errorf("tar: %w", err)
	}
	return int64(size), zip.Close()
}

// counter counts what is written to it.
type counter int64

func (c *counter) Write(data []byte) (int, error) {
	*c += counter(len(data))
	return len(data), nil
}
