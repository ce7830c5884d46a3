//go:build unix

package scratch

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

func TestMake(t *testing.T) {
	parent := t.TempDir()
	old := time.Now().Add(-2 * orphanAge)
	aged := func(path string) {
		if err := os.Chtimes(path, old, old); err != nil {
			t.Fatal(err)
		}
	}
	used, err := Make(parent, "assay-git-")
	if err != nil {
		t.Fatal(err)
	}
	aged(used.Path)
	at := func(name string) string { return filepath.Join(parent, name) }
	for _, name := range []string{"assay-git-dead/repository", "assay-git-young", "assay-index-other", "elsewhere"} {
		if err := os.MkdirAll(at(name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"assay-git-dead", "assay-index-other", "elsewhere"} {
		aged(at(name))
	}
	if err := os.WriteFile(at("assay-git-file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	aged(at("assay-git-file"))
	if err := os.Symlink("elsewhere", at("assay-git-link")); err != nil {
		t.Fatal(err)
	}
	d, err := Make(parent, "assay-git-")
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{
		used.Path: true, d.Path: true, at("assay-git-dead"): false, at("assay-git-young"): true, at("assay-index-other"): true,
		at("assay-git-file"): true, at("assay-git-link"): true, at("elsewhere"): true,
	} {
		if _, err := os.Lstat(path); (err == nil) != want {
			t.Errorf("%s is there: %v", filepath.Base(path), err == nil)
		}
	}
	if info, err := os.Stat(d.Path); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	for _, d := range []*Dir{d, used} {
		if err := d.Remove(); err != nil {
			t.Error(err)
		}
		if _, err := os.Lstat(d.Path); err == nil {
			t.Error("it is left")
		}
	}
	if _, err := Make(at("nowhere"), "assay-git-"); err == nil {
		t.Error("no error")
	}
}

// TestSweepTakesNamesAsTheyAre: a parent's name is not a pattern.
func TestSweepTakesNamesAsTheyAre(t *testing.T) {
	parent := filepath.Join(t.TempDir(), "[a-z")
	dead := filepath.Join(parent, "assay-git-dead")
	if err := os.MkdirAll(dead, 0o700); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-2 * orphanAge)
	if err := os.Chtimes(dead, old, old); err != nil {
		t.Fatal(err)
	}
	d, err := Make(parent, "assay-git-")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(dead); err == nil {
		t.Error("the abandoned directory is left")
	}
	if err := d.Remove(); err != nil {
		t.Error(err)
	}
}

// TestMakeWithoutALock: a directory that could not be locked would be removed
// while it is in use.
func TestMakeWithoutALock(t *testing.T) {
	parent := t.TempDir()
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	none := limit
	none.Cur = 0
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &none); err != nil {
		t.Fatal(err)
	}
	_, failed := Make(parent, "assay-git-")
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if !errors.Is(failed, syscall.EMFILE) {
		t.Errorf("error %v", failed)
	}
	if left, err := os.ReadDir(parent); err != nil || len(left) != 0 {
		t.Errorf("left is %v, %v", left, err)
	}
}
