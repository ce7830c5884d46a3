package image

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// version is raised when the same recipe shall give another root file system.
const version = "1"

// slim is what the slim images of Debian leave out of their packages and lack.
const slim = `set -e
for path in doc man locale info groff lintian; do
	printf 'path-exclude=/usr/share/%s/*\n' "$path"
	rm -rf /usr/share/"$path"/*
done >/etc/dpkg/dpkg.cfg.d/docker
rm -rf /var/lib/apt/lists/* /var/cache/apt/archives/*.deb /var/log/*`

// Root returns a tar of the root file system without the files that COPY names. It is
// made on the first call, and found in the folder cache by what it is made of.
func (r Recipe) Root(ctx context.Context, cache string) (string, error) {
	key := sha256.Sum256([]byte(strings.Join(append([]string{version, runtime.GOARCH, r.Suite, slim}, r.Run...), "\n")))
	file := filepath.Join(cache, fmt.Sprintf("image-root-%x.tar", key[:6]))
	if _, err := os.Stat(file); err == nil {
		return file, nil
	}
	if err := r.make(ctx, file); err != nil {
		return "", fmt.Errorf("make the image's root file system: %w", err)
	}
	return file, nil
}

// make runs debootstrap and each RUN in a directory of its own.
func (r Recipe) make(ctx context.Context, file string) error {
	if err := NeedRoot(); err != nil {
		return err
	}
	debootstrap, err := exec.LookPath("debootstrap")
	if err != nil {
		return fmt.Errorf("%w (Debian: apt-get install debootstrap)", err)
	}
	dir, err := os.MkdirTemp("", "assay-image-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	root := filepath.Join(dir, "root")
	from, err := mirror(ctx)
	if err != nil {
		return err
	}
	if err := run(ctx, debootstrap, "--variant=minbase", r.Suite, root, from); err != nil {
		return fmt.Errorf("%w\nit needs the network, to reach a mirror of Debian", err)
	}
	for _, command := range append([]string{slim}, r.Run...) {
		if err := run(ctx, "chroot", root, "/bin/sh", "-c", command); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	// Two may make it at once: each writes its own file, the rename is atomic.
	part, err := os.CreateTemp(filepath.Dir(file), ".image-root.*")
	if err != nil {
		return err
	}
	_ = part.Close()
	if err := run(ctx, "tar", "-C", root, "--numeric-owner", "-cf", part.Name(), "."); err != nil {
		return errors.Join(err, os.Remove(part.Name()))
	}
	return os.Rename(part.Name(), file)
}

// NeedRoot is an error where this process is not root.
func NeedRoot() error {
	if os.Geteuid() != 0 {
		return errors.New("debootstrap, chroot and mount, which make the image and run it, need root: run this test as root")
	}
	return nil
}

// mirror is where this machine has its own packages from.
func mirror(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "apt-get", "indextargets", "--format", "$(REPO_URI)").Output()
	if err != nil {
		return "", fmt.Errorf("ask apt for a mirror of Debian: %w", err)
	}
	for line := range strings.Lines(string(out)) {
		if line = strings.TrimSpace(line); line != "" && !strings.Contains(line, "security") {
			return line, nil
		}
	}
	return "", errors.New("ask apt for a mirror of Debian: it names none: see /etc/apt/sources.list.d")
}

// run runs a program of the system's; an error holds the end of what it said.
func run(ctx context.Context, name string, args ...string) error {
	const most = 2 << 10
	c := exec.CommandContext(ctx, name, args...)
	c.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"}
	out, err := c.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", filepath.Base(name), err, out[max(0, len(out)-most):])
	}
	return nil
}
