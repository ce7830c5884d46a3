package process

import "syscall"

// attributes puts a child into a process group of its own and ends it with
// this process, however that dies.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
