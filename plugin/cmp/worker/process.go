package worker

import (
	"bufio"
	"bytes"
	"context"
	"encoding/gob"
	"io/fs"
	"os"
	"os/exec"
	"sync"
	"time"

	"github.com/assaydev/assay/plugin/cmp/job"
)

// process is one worker.
type process struct {
	cmd     *exec.Cmd
	encoder *gob.Encoder
	decoder *gob.Decoder
	answers *os.File // what decoder reads; its owner closes it
	stderr  *tail
	total   int64 // bytes that it took when it got ready; under the pool's lock

	ended chan struct{}
	err   error // of its end
}

func start(cmd *exec.Cmd) (*process, error) {
	w := &process{cmd: cmd, stderr: &tail{}, ended: make(chan struct{})}
	cmd.Stderr = w.stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	// Not StdoutPipe, which is closed at the end of the process, with what is in it.
	answers, out, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd.Stdout = out
	err = cmd.Start()
	_ = out.Close()
	if err != nil {
		_ = answers.Close()
		return nil, err
	}
	w.answers = answers
	w.encoder = gob.NewEncoder(flusher{bufio.NewWriterSize(in, 64<<10)})
	w.decoder = gob.NewDecoder(bufio.NewReaderSize(answers, 64<<10))
	return w, nil
}

// flusher sends each message at once: an encoder writes one at a time.
type flusher struct{ *bufio.Writer }

func (f flusher) Write(data []byte) (int, error) {
	n, err := f.Writer.Write(data)
	if err == nil {
		err = f.Flush()
	}
	return n, err
}

// run sends a job, and what it asks for, until it has ended.
func (w *process) run(ctx context.Context, j job.Job, tree fs.FS, before []string, memory, keep int64) (Outcome, error) {
	m := toWorker{Job: &j, Memory: memory, Keep: keep, Timeout: time.Hour, Paths: ahead(tree, j.Dir, before)}
	if deadline, ok := ctx.Deadline(); ok {
		m.Timeout = time.Until(deadline) + time.Second // who ends it is this process
	}
	if err := w.encoder.Encode(m); err != nil {
		return Outcome{}, err
	}
	for {
		var m toParent
		switch err := w.decoder.Decode(&m); {
		case err != nil:
			return Outcome{}, err
		case m.Need != "":
			if err := w.encoder.Encode(toWorker{Paths: []entry{describe(tree, m.Need, m.Content)}}); err != nil {
				return Outcome{}, err
			}
		case m.Result == nil:
			return Outcome{Peak: m.Peak}, &FailedError{m.Failure}
		default:
			return Outcome{m.Result, m.Peak}, nil
		}
	}
}

// kill ends the process at once, if it still runs.
func (w *process) kill() { _ = w.cmd.Process.Kill() }

// wait returns how it ended, to all who ask.
func (w *process) wait() error {
	<-w.ended
	return w.err
}

// tail keeps the beginning of what a process says, which is the cause.
type tail struct {
	mu   sync.Mutex
	data bytes.Buffer
}

const mostTail = 4 << 10

func (t *tail) Write(data []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if room := mostTail - t.data.Len(); room > 0 {
		t.data.Write(data[:min(room, len(data))])
	}
	return len(data), nil
}

func (t *tail) text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.data.String()
}
