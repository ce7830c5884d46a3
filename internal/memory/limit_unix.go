//go:build unix

package memory

import "golang.org/x/sys/unix"

// addressSpace is the limit of the process's address space, 0 where there is none.
func addressSpace() int64 {
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_AS, &limit) != nil || limit.Cur >= 1<<60 {
		return 0
	}
	return int64(limit.Cur)
}
