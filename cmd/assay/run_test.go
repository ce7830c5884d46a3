package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/promote"
)

func noEnv(string) (string, bool) { return "", false }

// TestDeadlineEndsAnyCommand runs one that never looks at its context.
func TestDeadlineEndsAnyCommand(t *testing.T) {
	never := make(chan struct{})
	defer close(never)
	stuck := func(context.Context, []string) error { <-never; return errors.New("never") }
	for _, test := range []struct {
		name    string
		timeout time.Duration
		ctx     func() (context.Context, context.CancelFunc)
		want    string
	}{
		{"--timeout", time.Millisecond, func() (context.Context, context.CancelFunc) { return context.WithCancel(t.Context()) }, "not done after 1ms: deadline passed"},
		{"a signal", time.Hour, func() (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancelCause(t.Context())
			cancel(fmt.Errorf("%s signal received", syscall.SIGTERM))
			return ctx, func() { cancel(nil) }
		}, "stopped: terminated signal received"},
	} {
		t.Run(test.name, func(t *testing.T) {
			ctx, cancel := test.ctx()
			defer cancel()
			a := &app{timeout: test.timeout}
			cmd := a.versionCommand()
			cmd.SetContext(ctx)
			if err := a.do(stuck)(cmd, nil); err == nil || err.Error() != test.want {
				t.Errorf("error %v, want %s", err, test.want)
			}
		})
	}
}

func TestPanicIsAnError(t *testing.T) {
	a := &app{timeout: time.Hour}
	cmd := a.versionCommand()
	cmd.SetContext(t.Context())
	err := a.do(func(context.Context, []string) error { panic("boom") })(cmd, nil)
	if err == nil || !strings.Contains(err.Error(), "internal error: boom") {
		t.Errorf("error %v", err)
	}
}

func TestErrorsAreShort(t *testing.T) {
	for _, err := range []error{
		errors.New(strings.Repeat("ü", 5000)),
		errors.New(strings.Repeat("line\n", 2000)),
		fmt.Errorf("%s: %w", strings.Repeat("x", 5000), errTimeout),
	} {
		var out bytes.Buffer
		(&app{}).printError(&out, err)
		if out.Len() > maxMessage || strings.Count(out.String(), "\n") > 2 {
			t.Errorf("%d bytes in %d lines", out.Len(), strings.Count(out.String(), "\n"))
		}
		if !strings.HasPrefix(out.String(), "assay: ") || !strings.HasSuffix(out.String(), "\n") {
			t.Errorf("message %q", out.String())
		}
	}
}

func TestExitCodes(t *testing.T) {
	for _, test := range []struct {
		args string
		want int
	}{
		{"version", exitDone},
		{"render --view nonsense", exitUsage},
		{"render a b", exitUsage},
		{"nonsense", exitUsage},
		{"version --timeout 0s", exitUsage},
		{"render --timeout soon", exitUsage},
		{"render --max-file-bytes -1", exitUsage},
		{"render --max-output-bytes 0", exitUsage},
		{"render --max-depth 0", exitUsage},
		{"diff --max-files -1", exitUsage},
		{"verify --max-documents=-5", exitUsage},
		{"render --max-depth x", exitUsage},
		{"render /nowhere", exitFailed},
		{"candidate set", exitUsage},
	} {
		t.Run(test.args, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			got := run(t.Context(), strings.Fields(test.args), noEnv, strings.NewReader(""), &stdout, &stderr)
			if got != test.want {
				t.Errorf("exit code %d, want %d: %s", got, test.want, stderr.String())
			}
			if got != exitDone && (stdout.Len() > 0 || stderr.Len() == 0) {
				t.Errorf("stdout %q, stderr %q", stdout.String(), stderr.String())
			}
		})
	}
}

// TestDemoLeavesNothing ends the demo wherever a deadline may.
func TestDemoLeavesNothing(t *testing.T) {
	for i := range 60 { // at many points of the tour
		timeout := fmt.Sprintf("%dus", 1+2000*i)
		dir := t.TempDir()
		t.Setenv("TMPDIR", dir)
		var stdout, stderr bytes.Buffer
		run(t.Context(), []string{"demo", "--timeout", timeout}, noEnv, strings.NewReader(""), &stdout, &stderr)
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("--timeout %s leaves %v, %v", timeout, left, err)
		}
	}
}

func TestWriteFailureFails(t *testing.T) {
	var stderr bytes.Buffer
	if got := run(t.Context(), []string{"version"}, noEnv, nil, brokenPipe{}, &stderr); got != exitFailed || !strings.Contains(stderr.String(), "write result") {
		t.Errorf("exit code %d: %s", got, stderr.String())
	}
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, syscall.EPIPE }

func secret(value string) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": "s"},
		"data": map[string]any{"same": "hunter2", "other": value}, "stringData": map[string]any{"plain": value},
	}}
}

// TestBrokenLawShows prints what a law does not allow, with Secrets masked.
func TestBrokenLawShows(t *testing.T) {
	var stderr bytes.Buffer
	a := &app{stderr: &stderr}
	before, after := secret("hunter3"), secret("hunter4")
	law := &promote.LawError{Law: 2, Differences: []object.Difference{{Key: object.KeyOf(before), Before: before, After: after}}}
	if err := a.explain(nil, fmt.Errorf("wrapped: %w", law)); !errors.Is(err, law) {
		t.Errorf("the error becomes %v", err)
	}
	if got := stderr.String(); !strings.Contains(got, "Secret/s\n--- baseline") || strings.Contains(got, "hunter") {
		t.Errorf("printed:\n%s", got)
	}
}

// TestEndOfAPatientCommand: its error tells what may have landed, also where it
// comes in the moment that the time is over.
func TestEndOfAPatientCommand(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	landed := errors.New("a push may have landed")
	for range 100 { // which of the two is looked at is drawn
		a := &app{}
		a.patient.Store(true)
		done := make(chan error, 1)
		done <- landed
		if err := a.end(ctx, time.Minute, done); !errors.Is(err, landed) {
			t.Fatalf("error %v", err)
		}
	}
}
