package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestMain is also the daemon, for tests of what ends its process.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "cmp" {
		main()
	}
	os.Exit(m.Run())
}

// TestTooLarge: a server that takes more memory than it may ends, and says so.
func TestTooLarge(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], "cmp", "--config-dir-path", "../..", "--socket-dir", t.TempDir(), "--in-process", "--memory-limit", "4Mi")
	cmd.Env = []string{}
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != exitFailed || !strings.Contains(string(out), `"msg":"takes too much memory: make what is rendered smaller, or raise --memory-limit","limitMiB":4`) {
		t.Errorf("%v: %s", err, out)
	}
}
