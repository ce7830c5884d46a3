//go:build linux

package worktree

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/test/envrepo"
)

const fullDir = "ASSAY_TEST_FULL_DIR"

// TestFullDisk runs TestOnFullDisk in a process that may mount a small disk.
func TestFullDisk(t *testing.T) {
	cmd := exec.Command(os.Args[0], "-test.run=^TestOnFullDisk$", "-test.v")
	cmd.Env = append(os.Environ(), fullDir+"="+t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if os.Geteuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
	}
	out, err := cmd.CombinedOutput()
	if errors.Is(err, syscall.EPERM) || strings.Contains(string(out), "mount: operation not permitted") {
		t.Skip("this system lets no process mount a small disk")
	}
	if err != nil || !strings.Contains(string(out), "the disk was full") {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestOnFullDisk promotes on a disk that has room for nothing. It is run by
// TestFullDisk.
func TestOnFullDisk(t *testing.T) {
	dir := os.Getenv(fullDir)
	if dir == "" {
		return
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=128k"); err != nil {
		t.Fatalf("mount: %v", err)
	}
	defer func() { _ = syscall.Unmount(dir, 0) }()
	for name, text := range envrepo.Shop() {
		envrepo.Put(t, dir, name, text)
	}
	filler := filepath.Join(dir, "filler")
	if err := os.WriteFile(filler, bytes.Repeat([]byte("x"), 1<<20), 0o600); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("fill the disk: %v", err)
	}
	t.Log("the disk was full")
	e, err := prepare(t, dir, decision.Promote)
	if err != nil {
		t.Fatal(err)
	}
	if err := at(dir).write(t.Context(), newRecord(e), e.Files, nil); err == nil || !strings.Contains(err.Error(), "no space left on device") {
		t.Errorf("error %v", err)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	envrepo.Same(t, "the tree", envrepo.Shop(), envrepo.Read(t, os.DirFS(dir)))
	if err := at(dir).write(t.Context(), newRecord(e), e.Files, nil); err != nil {
		t.Errorf("with room again: %v", err)
	}
}
