package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestTranscripts runs the transcripts of README and docs, in a repository that has
// this one's examples, and compares what is printed. Those of a page belong together.
func TestTranscripts(t *testing.T) {
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil || len(pages) == 0 {
		t.Fatal(pages, err)
	}
	bin := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// The test's own binary is the command, by its name.
	if err := os.Symlink(self, filepath.Join(bin, "assay")); err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, page := range append(pages, "../../README.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		blocks := regexp.MustCompile("(?ms)^ *```console\n(.*?)^ *```").FindAllStringSubmatch(string(text), -1)
		if len(blocks) == 0 {
			continue
		}
		t.Run(filepath.Base(page), func(t *testing.T) {
			dir := t.TempDir()
			if err := os.CopyFS(filepath.Join(dir, "examples"), os.DirFS("../../examples")); err != nil {
				t.Fatal(err)
			}
			shell := func(line string) string {
				cmd := exec.Command("bash", "-c", line+" 2>&1")
				cmd.Dir = dir
				cmd.Env = []string{"PATH=" + bin + string(os.PathListSeparator) + os.Getenv("PATH"), "HOME=" + dir, "XDG_STATE_HOME=" + filepath.Join(dir, ".state")}
				out, err := cmd.CombinedOutput()
				if err != nil {
					t.Errorf("%s: %v\n%s", line, err, out)
				}
				return string(out)
			}
			shell("git init -q -b main . && git add -A && git -c user.name=a -c user.email=a@example.com commit -qm start")
			for _, block := range blocks {
				for _, part := range regexp.MustCompile(`(?m)^\$ `).Split(block[1], -1)[1:] {
					seen++
					line, want, _ := strings.Cut(part, "\n")
					if diff := cmp.Diff(want, shell(line)); diff != "" {
						t.Errorf("$ %s\n%s", line, diff)
					}
				}
			}
		})
	}
	if seen < 2 {
		t.Errorf("ran only %d commands", seen)
	}
}
