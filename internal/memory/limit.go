package memory

import (
	"os"
	"path"
	"strconv"
	"strings"
)

// Limit is what a process may take, where nobody says it: three quarters of the
// smallest of what the system gives it, and no more than most. A soft limit is that
// of GOMEMLIMIT; 0 means that there is none.
func Limit(most, soft int64) int64 {
	for _, given := range []int64{soft, addressSpace(), controlGroup("/")} {
		if given > 0 {
			most = min(most, given/4*3)
		}
	}
	return most
}

// controlGroup is the memory that the container may take, 0 where there is no
// limit. Both versions of control groups show it to those inside.
func controlGroup(root string) int64 {
	dirs := []string{"sys/fs/cgroup", "sys/fs/cgroup/memory"}
	if data, err := os.ReadFile(path.Join(root, "proc/self/cgroup")); err == nil { //nolint:gosec // the system's own file
		for line := range strings.Lines(string(data)) {
			if parts := strings.SplitN(strings.TrimSpace(line), ":", 3); len(parts) == 3 {
				dirs = append(dirs, path.Join("sys/fs/cgroup", parts[1], parts[2]), path.Join("sys/fs/cgroup", parts[2]))
			}
		}
	}
	var least int64
	for _, dir := range dirs {
		for _, file := range []string{"memory.max", "memory.limit_in_bytes"} {
			data, err := os.ReadFile(path.Join(root, dir, file)) //nolint:gosec // the system's own files
			if err != nil {
				continue
			}
			// Without a limit it is max, or a number that no machine has.
			n, err := strconv.ParseInt(strings.TrimSpace(string(data)), 10, 64)
			if err == nil && n > 0 && n < 1<<60 && (least == 0 || n < least) {
				least = n
			}
		}
	}
	return least
}
