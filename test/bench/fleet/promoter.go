package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// promoter is the process that is measured.
type promoter struct {
	command *exec.Cmd
	looks   atomic.Int64
	ended   chan error
}

// start runs the promoter on a world. What it logs is counted, and kept in a file.
func start(ctx context.Context, assayd string, w *world, dir string) (*promoter, error) {
	log, err := os.Create(filepath.Join(dir, "promoter.log"))
	if err != nil {
		return nil, err
	}
	c := exec.CommandContext(ctx, assayd, "promoter", "--kubeconfig", w.kubeconfig, "--health-address", "", "--workers", "8")
	c.Env = []string{"PATH=" + os.Getenv("PATH"), "TMPDIR=" + dir, "HOME=" + dir}
	out, err := c.StderrPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		return nil, err
	}
	p := &promoter{command: c, ended: make(chan error, 1)}
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
	tick := time.NewTicker(200 * time.Millisecond)
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

// held is what the process has open: descriptors and threads.
func (p *promoter) held() (int, error) {
	var n int
	for _, what := range []string{"fd", "task"} {
		list, err := os.ReadDir(fmt.Sprintf("/proc/%d/%s", p.command.Process.Pid, what))
		if err != nil {
			return 0, err
		}
		n += len(list)
	}
	return n, nil
}

func (p *promoter) stop() {
	_ = p.command.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(30 * time.Second):
		_ = p.command.Process.Kill()
	}
}
