package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"syscall"
	"time"
)

// command is a process to measure.
type command struct {
	name string // for people
	path string
	args []string
	dir  string

	line  string       // how a line starts that shows the work; default "kind: "
	reset func() error // before each run, where the command changes files

	received func() int64 // the bytes that servers sent since the last call, where there are any
}

// figure compares two commands. One with a bar for memory or for bytes gives two
// results.
type figure struct {
	name      string
	a, b      command
	bar       float64
	memoryBar float64
	bytesBar  float64 // of what servers sent
	repeats   int
	cpu       bool // the processor's time is compared, not the clock's
	apart     bool // the commands print other things
}

type result struct {
	name       string
	ratio, bar float64
	detail     string
}

func (r result) verdict() string {
	// As printed, so that a line never contradicts itself.
	if fmt.Sprintf("%.2f", r.ratio) == fmt.Sprintf("%.2f", r.bar) || r.ratio < r.bar {
		return "ok"
	}
	return "short"
}

const warmUps = 2

// sample is what one run took.
type sample struct {
	wall time.Duration
	cpu  time.Duration
	rss  int64 // peak, in bytes

	received int64 // from servers, in bytes
}

// measureAll measures figures one after the other, and shows each.
func measureAll(ctx context.Context, list []figure, show func(...result)) error {
	for _, f := range list {
		results, err := f.measure(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
		show(results...)
	}
	return nil
}

// measure runs both commands in turn.
func (f figure) measure(ctx context.Context) ([]result, error) {
	objectsA, err := f.a.objects(ctx)
	if err != nil {
		return nil, err
	}
	objectsB, err := f.b.objects(ctx)
	if err != nil {
		return nil, err
	}
	if !f.apart && objectsA < objectsB || objectsA == 0 || objectsB == 0 {
		return nil, fmt.Errorf("%s prints %d objects, %s %d: they do not do the same work", f.a.name, objectsA, f.b.name, objectsB)
	}
	var a, b []sample
	for i := range f.repeats + warmUps {
		first, err := f.a.run(ctx)
		if err != nil {
			return nil, err
		}
		second, err := f.b.run(ctx)
		if err != nil {
			return nil, err
		}
		if i >= warmUps {
			a, b = append(a, first), append(b, second)
		}
	}
	of := wall
	if f.cpu {
		of = cpu
	}
	tookA, tookB := median(a, of), median(b, of)
	results := []result{{
		name: f.name, bar: f.bar, ratio: tookA / tookB,
		detail: fmt.Sprintf("%s: %s %.1f ms for %d objects, %s %.1f ms for %d, %d runs each",
			f.name, f.a.name, tookA, objectsA, f.b.name, tookB, objectsB, f.repeats),
	}}
	if f.memoryBar > 0 {
		results = append(results, f.second("memory", f.memoryBar, "MiB", median(a, rss), median(b, rss), "at the peak"))
	}
	if f.bytesBar > 0 {
		results = append(results, f.second("bytes", f.bytesBar, "KiB", median(a, received), median(b, received), "from the server"))
	}
	if len(results) > 1 {
		results[0].name += "-time"
	}
	return results, nil
}

// second is a result beside that of the time.
func (f figure) second(what string, bar float64, unit string, a, b float64, of string) result {
	return result{
		name: f.name + "-" + what, bar: bar, ratio: a / b,
		detail: fmt.Sprintf("%s: %s %.1f %s, %s %.1f %s %s", f.name, f.a.name, a, unit, f.b.name, b, unit, of),
	}
}

func wall(s sample) float64 { return float64(s.wall) / float64(time.Millisecond) }
func cpu(s sample) float64  { return float64(s.cpu) / float64(time.Millisecond) }
func rss(s sample) float64  { return float64(s.rss) / (1 << 20) }

func received(s sample) float64 { return float64(s.received) / (1 << 10) }

func median(samples []sample, of func(sample) float64) float64 {
	values := make([]float64, len(samples))
	for i, s := range samples {
		values[i] = of(s)
	}
	slices.Sort(values)
	if half := len(values) / 2; len(values)%2 == 1 {
		return values[half]
	}
	half := len(values) / 2
	return (values[half-1] + values[half]) / 2
}

// run starts the process, waits for it and reads what the kernel counted. Its
// output is thrown away by the kernel, as a pipe would measure its reader too.
func (c command) run(ctx context.Context) (sample, error) {
	if err := c.again(); err != nil {
		return sample{}, err
	}
	cmd := c.prepare(ctx)
	var messages bytes.Buffer
	cmd.Stderr = &messages
	c.traffic()
	start := time.Now()
	err := cmd.Run()
	took := time.Since(start)
	if err != nil {
		return sample{}, fmt.Errorf("%s: %w\n%s", c.name, err, messages.String())
	}
	usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return sample{}, errors.New("this system does not count a process's memory")
	}
	return sample{wall: took, cpu: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), rss: usage.Maxrss << 10, received: c.traffic()}, nil
}

// traffic is what servers sent since the last call.
func (c command) traffic() int64 {
	if c.received == nil {
		return 0
	}
	return c.received()
}

// objects counts what the command prints, to show that it does the work. The
// output is never held: a child's peak starts at this process's own.
func (c command) objects(ctx context.Context) (int, error) {
	if err := c.again(); err != nil {
		return 0, err
	}
	cmd := c.prepare(ctx)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 0, err
	}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	count := 0
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if bytes.HasPrefix(lines.Bytes(), []byte(cmp.Or(c.line, "kind: "))) {
			count++
		}
	}
	if err := cmd.Wait(); err != nil {
		return 0, fmt.Errorf("%s: %w", c.name, err)
	}
	return count, nil
}

func (c command) again() error {
	if c.reset == nil {
		return nil
	}
	return c.reset()
}

func (c command) prepare(ctx context.Context) *exec.Cmd {
	cmd := exec.CommandContext(ctx, c.path, c.args...)
	cmd.Dir = c.dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + c.dir}
	return cmd
}
