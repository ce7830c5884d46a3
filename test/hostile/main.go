// Command hostile runs assay on thousands of repositories that want more than they
// may have, under strace, and holds what it did against what it may do.
//
//  1. inputs crosses paths, the fields that take one, the layouts and the commands
//     (inputs.go). Each input gets a repository of its own, beside a directory that
//     is nobody's business.
//  2. A batch of them runs as one traced process: this program again, which starts
//     assay for each.
//  3. The trace is read (trace.go): no connection, no program but git, nothing
//     opened outside, nothing of .git read or written by assay itself but its own
//     record. What assay prints holds no secret, and .git's configuration and hooks
//     are as they were.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
)

// secret is what no output may hold.
const secret = "CANARY-5f1c9d"

// batchSize is how many inputs one trace is of.
const batchSize = 40

func main() {
	every := flag.Int("every", 1, "run each n-th input alone")
	batch := flag.String("batch", "", "run the inputs below a directory; for the traced process")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var err error
	if *batch != "" {
		err = runBatch(ctx, *batch)
	} else {
		err = run(ctx, *every)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "hostile:", err)
		os.Exit(1)
	}
}

// counts are what the closing line tells.
type counts struct {
	inputs, calls, refused int
	found                  []string
}

func run(ctx context.Context, every int) error {
	if _, err := exec.LookPath("strace"); err != nil {
		return errors.New("strace is needed: install it")
	}
	dir, err := os.MkdirTemp("", "assay-hostile-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return err
	}
	build := exec.CommandContext(ctx, "./build", filepath.Join(dir, "assay"))
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return fmt.Errorf("build assay: %w", err)
	}
	var list []input
	for i, in := range inputs() {
		if i%every == 0 {
			list = append(list, in)
		}
	}
	var (
		all   counts
		mutex sync.Mutex
		group sync.WaitGroup
		free  = make(chan struct{}, runtime.GOMAXPROCS(0))
	)
	for start := 0; start < len(list); start += batchSize {
		part := list[start:min(len(list), start+batchSize)]
		free <- struct{}{}
		group.Go(func() {
			defer func() { <-free }()
			got, err := traced(ctx, filepath.Join(dir, fmt.Sprintf("batch-%d", start)), filepath.Join(dir, "assay"), part)
			mutex.Lock()
			defer mutex.Unlock()
			if err != nil {
				got.found = append(got.found, err.Error())
			}
			all.inputs, all.calls, all.refused = all.inputs+got.inputs, all.calls+got.calls, all.refused+got.refused
			all.found = append(all.found, got.found...)
		})
	}
	group.Wait()
	for _, text := range all.found[:min(len(all.found), 40)] {
		fmt.Println(text)
	}
	fmt.Printf("hostile: %d inputs, %d refused, %d calls traced, %d found\n", all.inputs, all.refused, all.calls, len(all.found))
	if len(all.found) > 0 || all.inputs == 0 {
		return errors.New("not all holds")
	}
	return ctx.Err()
}

// errStrace is that strace itself broke down, as it may where a process ends while it is stopped.
var errStrace = errors.New("strace broke down")

// traced is trace, once more where strace broke down.
func traced(ctx context.Context, dir, assay string, list []input) (counts, error) {
	got, err := trace(ctx, dir, assay, list)
	if errors.Is(err, errStrace) {
		return trace(ctx, dir, assay, list)
	}
	return got, err
}

// trace runs a batch under strace and looks at what it did.
func trace(ctx context.Context, dir, assay string, list []input) (counts, error) {
	defer func() { _ = os.RemoveAll(dir) }()
	for i, in := range list {
		if err := in.write(filepath.Join(dir, fmt.Sprint(i))); err != nil {
			return counts{}, fmt.Errorf("write %s: %w", in.name, err)
		}
	}
	self, err := os.Executable()
	if err != nil {
		return counts{}, err
	}
	log := filepath.Join(dir, "trace")
	cmd := exec.CommandContext(ctx, "strace", "-f", "-qq", "-y", "-s", "4096", "--seccomp-bpf", "-e", "signal=none", "-e",
		"trace=connect,execve,open,openat,openat2,creat,rename,renameat,renameat2,unlink,unlinkat,link,linkat,symlink,symlinkat,mkdir,mkdirat,chmod,fchmodat,truncate",
		"-o", log, self, "-batch", dir)
	home := filepath.Join(dir, "home")
	if err := os.MkdirAll(filepath.Join(home, "tmp"), 0o700); err != nil {
		return counts{}, err
	}
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "TMPDIR=" + filepath.Join(home, "tmp"), "GIT_CONFIG_NOSYSTEM=1", "ASSAY=" + assay}
	for _, who := range []string{"AUTHOR", "COMMITTER"} {
		cmd.Env = append(cmd.Env, "GIT_"+who+"_NAME=A", "GIT_"+who+"_EMAIL=a@example.com")
	}
	out, err := cmd.CombinedOutput()
	if err != nil && bytes.Contains(out, []byte("strace: ptrace(")) {
		err = errStrace
	}
	if err != nil {
		return counts{}, fmt.Errorf("run the batch: %w\n%s", err, out)
	}
	got := counts{inputs: len(list), refused: bytes.Count(out, []byte("refused\n"))}
	for line := range strings.Lines(string(out)) {
		if text, found := strings.CutPrefix(line, "found "); found {
			got.found = append(got.found, strings.TrimSpace(text))
		}
	}
	data, err := os.ReadFile(log)
	if err != nil {
		return got, err
	}
	watch := watcher{dir: dir, assay: assay}
	for line := range strings.Lines(string(data)) {
		watch.line(line)
	}
	got.calls = watch.calls
	for at, what := range watch.found {
		name := at
		var n int
		if _, err := fmt.Sscanf(at, "%d", &n); err == nil && n < len(list) {
			name = list[n].name
		}
		got.found = append(got.found, name+": "+what)
	}
	return got, nil
}

// runBatch starts assay on each input below dir, and tells what became of it.
func runBatch(ctx context.Context, dir string) error {
	for i := 0; ; i++ {
		at := filepath.Join(dir, fmt.Sprint(i))
		args, err := os.ReadFile(filepath.Join(at, "args"))
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		before, err := gitState(at)
		if err != nil {
			return err
		}
		cmd := exec.CommandContext(ctx, os.Getenv("ASSAY"), strings.Split(string(args), "\n")...)
		cmd.Dir = filepath.Join(at, "repo")
		out, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		switch {
		case err == nil:
		case errors.As(err, &exit) && exit.ExitCode() > 0 && exit.ExitCode() <= 3:
			fmt.Println("refused")
		default:
			fmt.Printf("found input %d ends with %v: %.300q\n", i, err, out)
		}
		if bytes.Contains(out, []byte(secret)) {
			fmt.Printf("found input %d prints the secret\n", i)
		}
		if bytes.ContainsAny(out, "\x1b\u202e") {
			fmt.Printf("found input %d prints what steers a terminal\n", i)
		}
		after, err := gitState(at)
		if err != nil {
			return err
		}
		if before != after {
			fmt.Printf("found input %d changes .git's configuration or hooks, or what is outside\n", i)
		}
	}
}

// gitState is what no command may change.
func gitState(at string) (string, error) {
	var out strings.Builder
	for _, name := range []string{"repo/.git/config", "repo/.git/HEAD", "repo/.git/hooks", "outside"} {
		err := filepath.WalkDir(filepath.Join(at, name), func(path string, entry os.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			data, err := os.ReadFile(path)
			_, _ = fmt.Fprintf(&out, "%s %q\n", path, data)
			return err
		})
		if err != nil {
			return "", err
		}
	}
	return out.String(), nil
}
