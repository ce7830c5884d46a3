//go:build e2e

package e2e_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// cli is the command as people run it: a process for each call, which knows
// nothing of the one before.
type cli struct{ binary string }

// buildCLI builds the command.
func buildCLI(t *testing.T) cli {
	t.Helper()
	c := cli{filepath.Join(t.TempDir(), "assay")}
	command(t, "./build", c.binary)
	return c
}

// run runs it in an empty directory, and returns its exit code and what it
// prints. Beside PATH and HOME it has this environment alone.
func (c cli) run(ctx context.Context, t *testing.T, env []string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	cmd := exec.CommandContext(ctx, c.binary, args...)
	cmd.Dir = t.TempDir()
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + cmd.Dir}, env...)
	var out, messages bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &messages
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	stdout, stderr = out.String(), messages.String()
	t.Logf("$ assay %s\n%s%s", strings.Join(args, " "), stdout, stderr)
	return cmd.ProcessState.ExitCode(), stdout, stderr
}
