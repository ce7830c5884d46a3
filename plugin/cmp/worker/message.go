package worker

import (
	"errors"
	"io"
	"io/fs"
	"path"
	"time"

	"github.com/assaydev/assay/plugin/cmp/job"
)

// toWorker is a message to a worker: a job with files that it will want, or the answer to
// what it needs.
type toWorker struct {
	Job     *job.Job
	Memory  int64
	Keep    int64 // bytes of decoded objects that may be kept for the next job
	Timeout time.Duration
	Paths   []entry
}

// toParent is a message from a worker: a path that it needs, how the job ended, or that it
// is ready for the next.
type toParent struct {
	Need    string
	Content bool // of the file at the path, too
	Result  *job.Result
	Failure string // of the job, as people are to read it
	Peak    int64  // bytes that the process has taken at most
	Ready   bool
	Total   int64 // bytes that it takes once it is ready
}

// entry is what is at a path.
type entry struct {
	Name     string
	Mode     fs.FileMode // 0 where there is nothing
	Missing  bool
	Size     int64
	Link     string
	Children []child // of a directory
	Content  bool    // Data is the file's
	Data     []byte
	Error    string // the content cannot be read
}

type child struct {
	Name string
	Mode fs.FileMode
	Size int64
}

// describe reads what is at a path of a tree.
func describe(tree fs.FS, name string, content bool) entry {
	info, err := fs.Lstat(tree, name)
	if err != nil {
		return entry{Name: name, Missing: true}
	}
	e := entry{Name: name, Mode: info.Mode(), Size: info.Size()}
	switch {
	case info.IsDir():
		list, err := fs.ReadDir(tree, name)
		if err != nil {
			e.Error = err.Error()
		}
		for _, d := range list {
			if at, err := d.Info(); err == nil {
				e.Children = append(e.Children, child{d.Name(), at.Mode(), at.Size()})
			}
		}
	case info.Mode()&fs.ModeSymlink != 0:
		e.Link, _ = fs.ReadLink(tree, name)
	case content:
		e.Content = true
		if e.Data, err = read(tree, name); err != nil {
			e.Error = err.Error()
		}
	}
	return e
}

func read(tree fs.FS, name string) ([]byte, error) {
	file, err := tree.Open(name)
	if err != nil {
		var at *fs.PathError
		if errors.As(err, &at) {
			err = at.Err
		}
		return nil, err
	}
	defer func() { _ = file.Close() }()
	return io.ReadAll(file)
}

// What is sent with a job of its environment's directory, at most.
const (
	mostAhead      = 2000
	mostAheadBytes = 8 << 20
)

// ahead is what a render of an environment will want: its directory, and what it read the
// last time. Anything else is sent as it is needed.
func ahead(tree fs.FS, dir string, before []string) []entry {
	var list []entry
	var bytes int64
	sent := map[string]bool{}
	send := func(name string, size int64) bool {
		if sent[name] {
			return true
		}
		if len(list) == mostAhead || bytes+size > mostAheadBytes {
			return false
		}
		sent[name] = true
		bytes += size
		list = append(list, describe(tree, name, true))
		return true
	}
	for at := dir; ; at = path.Dir(at) {
		send(at, 0)
		if at == "." {
			break
		}
	}
	_ = fs.WalkDir(tree, dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return fs.SkipAll
		}
		var size int64
		if info, err := d.Info(); err == nil {
			size = info.Size()
		}
		if !send(name, size) {
			return fs.SkipAll
		}
		return nil
	})
	for _, name := range before {
		info, err := fs.Lstat(tree, name)
		if err == nil {
			send(name, info.Size())
		}
	}
	return list
}
