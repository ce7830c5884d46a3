package git

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// What one process of git may take. A server that sends a line, a list of refs or
// a pack without end would have it take all of the machine's.
const (
	mostMemory = 384 << 20
	mostFile   = 4 << 30
)

// limit bounds a command that has just started, and what it will start. What speaks
// with a server may have started some already: on a busy machine git is faster than
// who started it.
func limit(cmd *exec.Cmd, server bool) {
	if server {
		limitTree(cmd.Process.Pid)
	} else {
		limitOne(cmd.Process.Pid)
	}
}

// limitTree bounds a process first, so that what it starts from then on is bounded
// too, and then those that it has started before.
func limitTree(pid int) {
	limitOne(pid)
	for _, child := range children(pid) {
		limitTree(child)
	}
}

func limitOne(pid int) {
	for resource, most := range map[int]uint64{unix.RLIMIT_DATA: mostMemory, unix.RLIMIT_FSIZE: mostFile} {
		var now unix.Rlimit
		if unix.Prlimit(pid, resource, nil, &now) == nil && now.Cur > most {
			// A command that has ended already needs no limit.
			_ = unix.Prlimit(pid, resource, &unix.Rlimit{Cur: most, Max: min(now.Max, most)}, nil)
		}
	}
}

// children are the processes that one has started.
func children(pid int) (list []int) {
	names, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, name := range names {
		data, err := os.ReadFile(name) //nolint:gosec // the system's own file
		if err != nil {
			continue // it has ended
		}
		// The name of the program, in parentheses, may hold anything.
		_, rest, _ := strings.Cut(string(data[bytes.LastIndexByte(data, ')')+1:]), " ")
		fields := strings.Fields(rest)
		if len(fields) < 2 || fields[1] != strconv.Itoa(pid) {
			continue
		}
		if child, err := strconv.Atoi(strings.Split(name, "/")[2]); err == nil {
			list = append(list, child)
		}
	}
	return list
}
