//go:build unix

package git

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
)

// group starts the command in a process group of its own, and ends the group
// with it: git's transports outlive git where it alone is killed.
func group(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error {
		err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		if errors.Is(err, syscall.ESRCH) {
			return os.ErrProcessDone
		}
		return err
	}
}
