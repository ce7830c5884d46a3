package process

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
)

// Run runs a program to its end and returns what it prints, without the last
// line break. A nil environment is this process's own.
func Run(ctx context.Context, dir string, env []string, name string, args ...string) (string, error) {
	c := exec.CommandContext(ctx, name, args...)
	c.Dir, c.Env = dir, env
	var out, messages bytes.Buffer
	c.Stdout, c.Stderr = &out, &messages
	if err := c.Run(); err != nil {
		return "", fmt.Errorf("%s: %w\n%s%s", filepath.Base(name), err, out.String(), messages.String())
	}
	return strings.TrimSpace(out.String()), nil
}

// FreeAddresses asks the kernel for n different ports on loopback that nobody
// uses.
func FreeAddresses(n int) ([]string, error) {
	var addresses []string
	for range n {
		// Held until all are known, so that no two are the same.
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close()
		addresses = append(addresses, l.Addr().String())
	}
	return addresses, nil
}

// Environment is the least that a component needs to see of the outside: the
// system's programs, and a home directory of its own.
func Environment(dir string) []string {
	return []string{"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=" + dir, "TMPDIR=" + dir}
}
