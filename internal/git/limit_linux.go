package git

import (
	"os/exec"

	"golang.org/x/sys/unix"
)

// What one process of git may take. A server that sends a line, a list of refs or
// a pack without end would have it take all of the machine's.
const (
	mostMemory = 384 << 20
	mostFile   = 4 << 30
)

// limit bounds a command that has just started, and what it will start.
func limit(cmd *exec.Cmd) {
	for resource, most := range map[int]uint64{unix.RLIMIT_DATA: mostMemory, unix.RLIMIT_FSIZE: mostFile} {
		var now unix.Rlimit
		if unix.Prlimit(cmd.Process.Pid, resource, nil, &now) == nil && now.Cur > most {
			// A command that has ended already needs no limit.
			_ = unix.Prlimit(cmd.Process.Pid, resource, &unix.Rlimit{Cur: most, Max: min(now.Max, most)}, nil)
		}
	}
}
