//go:build !unix

package git

import "os/exec"

// group does nothing where there are no process groups: git alone is ended.
func group(*exec.Cmd) {}
