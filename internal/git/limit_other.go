//go:build !linux

package git

import "os/exec"

// limit does nothing: only Linux bounds another process.
func limit(*exec.Cmd, bool) {}
