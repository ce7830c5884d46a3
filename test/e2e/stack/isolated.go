package stack

import (
	"errors"
	"os"
	"os/exec"
)

// inside is set in the process that has a network of its own.
const inside = "ASSAY_STACK_ISOLATED"

// ErrRoot says that only root can make a network.
var ErrRoot = errors.New("make a network: the stack needs one of its own, since Argo CD's controller listens on all addresses: run it as root, with unshare and ip installed (Debian: util-linux, iproute2)")

// Isolated reports whether the process has a network of its own, with nothing but loopback.
func Isolated() bool { return os.Getenv(inside) != "" }

// Isolate is the command that runs a program in a network of its own.
func Isolate(name string, args ...string) (*exec.Cmd, error) {
	for _, tool := range []string{"unshare", "ip"} {
		if _, err := exec.LookPath(tool); err != nil || os.Getuid() != 0 {
			return nil, ErrRoot
		}
	}
	script := append([]string{"--net", "--", "sh", "-c", `ip link set lo up && exec "$0" "$@"`, name}, args...)
	c := exec.Command("unshare", script...)
	c.Env = append(os.Environ(), inside+"=1")
	return c, nil
}
