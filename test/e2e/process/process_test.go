package process_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/assaydev/assay/test/e2e/process"
)

const limit = 10 * time.Second

func shell(name, script string) process.Command {
	return process.Command{Name: name, Path: "/bin/sh", Args: []string{"-c", script}, Env: []string{"PATH=" + os.Getenv("PATH")}}
}

func TestEarlyDeathEndsTheGroupWithTheLog(t *testing.T) {
	t.Parallel()
	group := process.NewGroup(t.Context(), t.TempDir())
	defer group.Stop()
	if err := group.Start(shell("server", "echo port is taken >&2; exit 3")); err != nil {
		t.Fatal(err)
	}
	err := group.Ready("server", limit, func(context.Context) error { return errors.New("not yet") })
	for _, want := range []string{"server died", "exit status 3", "port is taken"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error must say %q: %v", want, err)
		}
	}
	if group.Context().Err() == nil {
		t.Error("the group's context must end")
	}
}

func TestReadyWaitsForTheCondition(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	flag := filepath.Join(dir, "ready")
	group := process.NewGroup(t.Context(), dir)
	defer group.Stop()
	if err := group.Start(shell("server", "touch "+flag+"; exec tail -f /dev/null")); err != nil {
		t.Fatal(err)
	}
	calls := 0
	err := group.Ready("server", limit, func(context.Context) error {
		calls++
		_, err := os.Stat(flag)
		if err == nil && calls < 3 {
			err = errors.New("not yet")
		}
		return err
	})
	if err != nil || calls < 3 {
		t.Fatalf("after %d calls: %v", calls, err)
	}
}

func TestRestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	group := process.NewGroup(t.Context(), dir)
	defer group.Stop()
	if err := group.Start(shell("server", "echo pid $$; exec tail -f /dev/null")); err != nil {
		t.Fatal(err)
	}
	started := func(times int) func(context.Context) error {
		return func(context.Context) error {
			log, err := os.ReadFile(filepath.Join(dir, "server.log"))
			if n := strings.Count(string(log), "pid "); err == nil && n != times {
				err = fmt.Errorf("it was started %d times", n)
			}
			return err
		}
	}
	if err := group.Ready("server", limit, started(1)); err != nil {
		t.Fatal(err)
	}
	if err := group.Restart("server"); err != nil {
		t.Fatal(err)
	}
	if err := group.Ready("server", limit, started(2)); err != nil {
		t.Fatal(err)
	}
	if err := group.Context().Err(); err != nil {
		t.Errorf("the group has ended: %v", context.Cause(group.Context()))
	}
	if err := group.Restart("another"); !errors.Is(err, process.ErrStopped) {
		t.Errorf("of what does not run: %v", err)
	}
	group.Stop()
	if err := group.Restart("server"); !errors.Is(err, process.ErrStopped) {
		t.Errorf("after the end: %v", err)
	}
}

func TestPid(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	group := process.NewGroup(t.Context(), dir)
	defer group.Stop()
	if err := group.Start(shell("server", "echo pid $$; exec tail -f /dev/null")); err != nil {
		t.Fatal(err)
	}
	err := group.Ready("server", limit, func(context.Context) error {
		log, err := os.ReadFile(filepath.Join(dir, "server.log"))
		if want := fmt.Sprintf("pid %d\n", group.Pid("server")); err == nil && string(log) != want {
			err = fmt.Errorf("it says %q, want %q", log, want)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	if pid := group.Pid("another"); pid != 0 {
		t.Errorf("another has the pid %d", pid)
	}
}

func TestStopKillsWhatIgnoresIt(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	pids := filepath.Join(dir, "pids")
	group := process.NewGroup(t.Context(), dir)
	// Parent and child both ignore the polite signal.
	script := `trap '' TERM; tail -f /dev/null & echo $$ $! > ` + pids + `.new; mv ` + pids + `.new ` + pids + `; wait`
	if err := group.Start(shell("stubborn", script)); err != nil {
		t.Fatal(err)
	}
	if err := group.Ready("stubborn", limit, func(context.Context) error { _, err := os.Stat(pids); return err }); err != nil {
		t.Fatal(err)
	}
	group.Stop()
	group.Stop()
	data, err := os.ReadFile(pids)
	if err != nil {
		t.Fatal(err)
	}
	for _, field := range strings.Fields(string(data)) {
		pid, err := strconv.Atoi(field)
		if err != nil {
			t.Fatal(err)
		}
		deadline := time.Now().Add(limit)
		for alive(pid) {
			if time.Now().After(deadline) {
				t.Fatalf("process %d is still there", pid)
			}
			runtime.Gosched()
		}
	}
	if !errors.Is(context.Cause(group.Context()), process.ErrStopped) {
		t.Errorf("cause is %v", context.Cause(group.Context()))
	}
	if err := group.Start(shell("late", "exit 0")); !errors.Is(err, process.ErrStopped) {
		t.Errorf("a stopped group must start nothing, got %v", err)
	}
}

// alive reports whether a process runs; one that is dead but not yet reaped by
// init does not count.
func alive(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return false
	}
	_, state, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(state, "Z")
}

func TestFreeAddresses(t *testing.T) {
	var free []string
	for range 20 { // nobody listens on what the others were given
		five, err := process.FreeAddresses(5)
		if err != nil || len(five) != 5 {
			t.Fatalf("%v, %v", five, err)
		}
		free = append(free, five...)
	}
	for i, address := range free {
		if slices.Contains(free[:i], address) {
			t.Errorf("%s is there twice", address)
		}
		l, err := net.Listen("tcp", address)
		if err != nil {
			t.Errorf("%s is not free: %v", address, err)
			continue
		}
		defer l.Close()
	}
}
