package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/assaydev/assay/test/e2e/process"
)

// promoter is the process that is measured.
type promoter struct {
	command *exec.Cmd
	metrics string // URL
	profile string // of the heap, likewise
	looks   atomic.Int64
	ended   chan error
}

// start runs the promoter on a world. What it logs is counted, and kept in a file.
func start(ctx context.Context, n size, w *world, dir string) (*promoter, error) {
	log, err := os.Create(n.log)
	if err != nil {
		return nil, err
	}
	free, err := process.FreeAddresses(2)
	if err != nil {
		return nil, err
	}
	c := exec.CommandContext(ctx, n.assayd, "promoter", "--kubeconfig", w.kubeconfig, "--health-address", "", "--metrics-address", free[0], "--pprof-address", free[1], "--workers", "8")
	c.Env = []string{"PATH=" + os.Getenv("PATH"), "TMPDIR=" + dir, "HOME=" + dir}
	out, err := c.StderrPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		return nil, err
	}
	p := &promoter{command: c, metrics: "http://" + free[0] + "/metrics", profile: "http://" + free[1] + "/debug/pprof/heap", ended: make(chan error, 1)}
	go func() {
		lines := bufio.NewScanner(out)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			if strings.Contains(lines.Text(), `"msg":"looked"`) {
				p.looks.Add(1)
			}
			fmt.Fprintln(log, lines.Text())
		}
		p.ended <- errors.Join(c.Wait(), log.Close())
	}()
	return p, nil
}

// looked is how often an environment was looked at to the end.
func (p *promoter) looked() int { return int(p.looks.Load()) }

// until waits for a condition for at most 20 minutes.
func (p *promoter) until(ctx context.Context, holds func() bool) error {
	return p.every(ctx, 200*time.Millisecond, holds)
}

// soon is until for what is quick to find out.
func (p *promoter) soon(ctx context.Context, holds func() bool) error {
	return p.every(ctx, 10*time.Millisecond, holds)
}

func (p *promoter) every(ctx context.Context, pause time.Duration, holds func() bool) error {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	limit := time.After(20 * time.Minute)
	for !holds() {
		select {
		case <-tick.C:
		case <-limit:
			return errors.New("not within 20 minutes")
		case err := <-p.ended:
			return fmt.Errorf("the promoter ended: %w", err)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// memory is what is resident now, and was at most, in bytes.
func (p *promoter) memory() (now, peak int, err error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.command.Process.Pid))
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(string(status)) {
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		kib, _ := strconv.Atoi(fields[1])
		switch fields[0] {
		case "VmRSS:":
			now = kib << 10
		case "VmHWM:":
			peak = kib << 10
		}
	}
	return now, peak, nil
}

// holding is what the process has: descriptors and threads, goroutines, and bytes of the heap that are in use.
type holding struct{ open, goroutines, heap int }

// held collects garbage twice first, as what has a cleanup is freed by the second collection, so that the heap
// is what is in use. The profile of that goes to a file, unless it has no name.
func (p *promoter) held(ctx context.Context, file string) (h holding, err error) {
	var profile bytes.Buffer
	for range 2 {
		profile.Reset()
		if err := p.get(ctx, p.profile+"?gc=1", func(body io.Reader) error {
			_, err := profile.ReadFrom(body)
			return err
		}); err != nil {
			return h, err
		}
	}
	if file != "" {
		if err := os.WriteFile(file, profile.Bytes(), 0o644); err != nil {
			return h, err
		}
	}
	for _, what := range []string{"fd", "task"} {
		list, err := os.ReadDir(fmt.Sprintf("/proc/%d/%s", p.command.Process.Pid, what))
		if err != nil {
			return h, err
		}
		h.open += len(list)
	}
	if h.heap, err = p.metric(ctx, "go_gc_heap_live_bytes"); err != nil {
		return h, err
	}
	h.goroutines, err = p.metric(ctx, "go_goroutines")
	return h, err
}

// metric is one of the process's own.
func (p *promoter) metric(ctx context.Context, name string) (value int, err error) {
	err = p.get(ctx, p.metrics, func(body io.Reader) error {
		for lines := bufio.NewScanner(body); lines.Scan(); {
			if text, found := strings.CutPrefix(lines.Text(), name+" "); found {
				number, err := strconv.ParseFloat(text, 64)
				value = int(number)
				return err
			}
		}
		return fmt.Errorf("%s has no %s", p.metrics, name)
	})
	return value, err
}

// get reads an answer of the process's.
func (p *promoter) get(ctx context.Context, url string, read func(io.Reader) error) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, res.Status)
	}
	return read(res.Body)
}

func (p *promoter) stop() {
	_ = p.command.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(30 * time.Second):
		_ = p.command.Process.Kill()
	}
}
