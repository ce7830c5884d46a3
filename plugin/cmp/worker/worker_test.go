package worker

import (
	"context"
	"encoding/gob"
	"errors"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/assaydev/assay/plugin/cmp/job"
)

// TestMain is also the processes that the pools under test start.
func TestMain(m *testing.M) {
	if len(os.Args) < 2 {
		os.Exit(m.Run())
	}
	switch os.Args[1] {
	case "worker":
		if Serve(os.Stdin, os.Stdout, os.Exit) != nil {
			os.Exit(1)
		}
	case "hangs": // once it has answered
		var m toWorker
		if gob.NewDecoder(os.Stdin).Decode(&m) != nil || gob.NewEncoder(os.Stdout).Encode(toParent{Result: &job.Result{}}) != nil {
			os.Exit(1)
		}
		for range time.Tick(time.Hour) {
			runtime.Gosched()
		}
	case "breaks":
		var m toWorker
		_ = gob.NewDecoder(os.Stdin).Decode(&m)
		panic("a library broke down on what a file holds")
	default:
		os.Exit(m.Run())
	}
	os.Exit(0)
}

// crew is a pool under test.
type crew struct{ *Pool }

func newCrew(t *testing.T, mode string, warm int) crew {
	c := crew{New(func() *exec.Cmd { return exec.Command(os.Args[0], mode) }, warm, 0)}
	t.Cleanup(c.Close)
	return c
}

// ready waits until so many processes are.
func (c crew) ready(t *testing.T, n int) {
	t.Helper()
	until(t, "processes are ready", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return len(c.idle) == n
	})
}

// chart is a job with its files: a chart of one template.
func chart(template string) (job.Job, fstest.MapFS) {
	return job.Job{Dir: "app", Env: map[string]string{"ARGOCD_APP_NAME": "app", "ARGOCD_APP_NAMESPACE": "web"}}, fstest.MapFS{
		"app/Chart.yaml":       {Data: []byte("apiVersion: v2\nname: app\nversion: 1.0.0\n")},
		"app/templates/a.yaml": {Data: []byte(template)},
	}
}

const configMap = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: good}\n"

func (c crew) run(ctx context.Context, t *testing.T, template string, memory int64) (Outcome, error) {
	t.Helper()
	j, files := chart(template)
	j.Command.Timeout = time.Minute
	return c.Run(ctx, j, files, nil, memory)
}

func (c crew) works(t *testing.T) {
	t.Helper()
	out, err := c.run(t.Context(), t, configMap, 512<<20)
	if err != nil || len(out.Manifests) != 1 {
		t.Errorf("a job gives %v, %v", out, err)
	}
}

// until waits for a condition.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !holds(); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("it never came to be: %s", what)
		}
	}
}

// TestKilledWhileIdle: a process that the kernel ends while it waits costs no job, is not
// counted any more, and leaves no zombie.
func TestKilledWhileIdle(t *testing.T) {
	for _, jobs := range []int{0, 1} { // before and after it has done one
		c := newCrew(t, "worker", 2)
		c.ready(t, 2)
		for range jobs {
			c.works(t)
			c.ready(t, 2)
		}
		var idle []*os.Process
		c.mu.Lock()
		for _, w := range c.idle {
			idle = append(idle, w.cmd.Process)
		}
		c.mu.Unlock()
		for _, p := range idle {
			_ = p.Kill()
		}
		c.works(t)
		for _, p := range idle {
			until(t, "it is gone", func() bool { return errors.Is(syscall.Kill(p.Pid, 0), syscall.ESRCH) })
		}
		until(t, "those that ended are not counted", func() bool {
			c.mu.Lock()
			defer c.mu.Unlock()
			for w := range c.all {
				if slices.Contains(idle, w.cmd.Process) {
					return false
				}
			}
			return true
		})
		c.works(t)
	}
}

// TestBreaks: a job that breaks its process does so twice at most, and says no more to people
// than that.
func TestBreaks(t *testing.T) {
	c := newCrew(t, "breaks", 4)
	c.ready(t, 4)
	_, err := c.run(t.Context(), t, configMap, 512<<20)
	var ended *EndedError
	if !errors.As(err, &ended) || !strings.Contains(ended.Said, "panic: a library broke down") || strings.Contains(err.Error(), "panic") {
		t.Errorf("got %v", err)
	}
	if _, started := c.Count(); started > 4+2+1 { // the second try, and what replaces both
		t.Errorf("%d processes were started", started)
	}
}

// TestNeverReady: a process that does not get ready for the next job keeps no job waiting,
// neither beyond its deadline nor for long.
func TestNeverReady(t *testing.T) {
	c := newCrew(t, "hangs", 1)
	if _, err := c.run(t.Context(), t, configMap, 512<<20); err != nil {
		t.Fatal(err)
	}
	gone := errors.New("gone")
	ctx, leave := context.WithTimeoutCause(t.Context(), 10*time.Millisecond, gone)
	defer leave()
	if _, err := c.run(ctx, t, configMap, 512<<20); !errors.Is(err, gone) {
		t.Errorf("with a deadline: %v", err)
	}
	start := time.Now()
	if _, err := c.run(t.Context(), t, configMap, 512<<20); err != nil || time.Since(start) > mostReturn {
		t.Errorf("after %s: %v", time.Since(start), err)
	}
}

// TestEndedContext: a job that nobody waits for any more costs no process.
func TestEndedContext(t *testing.T) {
	c := newCrew(t, "worker", 1)
	c.ready(t, 1)
	ctx, leave := context.WithCancel(t.Context())
	leave()
	for range 20 {
		if _, err := c.run(ctx, t, configMap, 512<<20); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	}
	c.works(t)
	if _, started := c.Count(); started != 1 {
		t.Errorf("%d processes were started", started)
	}
}

// TestLeftOver: what a large job leaves behind neither ends a small one nor counts for it.
func TestLeftOver(t *testing.T) {
	c := newCrew(t, "worker", 1)
	c.ready(t, 1)
	large := `{{ $all := dict }}{{ range until 300 }}{{ $_ := set $all (toString .) (repeat 1000000 "x") }}{{ end }}` + configMap
	out, err := c.run(t.Context(), t, large, 1<<30)
	if err != nil || out.Peak < 250<<20 {
		t.Fatalf("the large one: a peak of %d MiB, %v", out.Peak>>20, err)
	}
	c.ready(t, 1)
	out, err = c.run(t.Context(), t, configMap, 128<<20)
	if err != nil || out.Peak == 0 || out.Peak > 100<<20 {
		t.Errorf("the small one: a peak of %d MiB, %v", out.Peak>>20, err)
	}
	if _, started := c.Count(); started != 1 {
		t.Errorf("%d processes were started: nothing is tested", started)
	}
}

// TestRefill: no more processes are kept ready than was asked for, whoever asks at once.
func TestRefill(t *testing.T) {
	c := crew{&Pool{
		command: func() *exec.Cmd { return exec.Command(os.Args[0], "worker") }, warm: 2,
		all: map[*process]bool{}, change: make(chan struct{}),
	}}
	t.Cleanup(c.Close)
	var all sync.WaitGroup
	for range 30 {
		all.Go(c.refill)
	}
	all.Wait()
	if _, started := c.Count(); started != 2 {
		t.Errorf("%d processes were started", started)
	}
}
