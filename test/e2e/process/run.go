package process

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
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

// Ports that are given out lie below those that the kernel picks for outgoing connections: by
// default from 32768 on Linux, from 49152 on macOS.
const (
	lowestPort  = 10000
	highestPort = 32000
)

// given are the ports that this process was given. A component that starts may not listen yet.
var given sync.Map

// FreeAddresses are n ports on loopback that nobody listens on, and that were not given
// before in this process.
func FreeAddresses(n int) ([]string, error) {
	addresses := make([]string, 0, n)
	for range 100 * n {
		port := lowestPort + rand.IntN(highestPort-lowestPort) //nolint:gosec // it avoids collisions, and guards nothing
		if _, before := given.LoadOrStore(port, true); before {
			continue
		}
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			continue // somebody listens there
		}
		addresses = append(addresses, l.Addr().String())
		if err := l.Close(); err != nil {
			return nil, err
		}
		if len(addresses) == n {
			return addresses, nil
		}
	}
	return nil, fmt.Errorf("find %d free ports of 127.0.0.1 from %d to %d: there are %d", n, lowestPort, highestPort, len(addresses))
}

// Environment is the least that a component needs to see of the outside: the
// system's programs, and a home directory of its own.
func Environment(dir string) []string {
	return []string{"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=" + dir, "TMPDIR=" + dir}
}
