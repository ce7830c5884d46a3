package envfs

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"

	"github.com/assaydev/assay/internal/excerpt"
)

// Limits bound what one render may read. A zero field means its default.
type Limits struct {
	FileBytes  int64 // one file, default 32 MiB
	TotalBytes int64 // all files together, default 256 MiB
	Files      int   // files read, and entries of one directory, default 50,000
}

// How many directories, and entries of them together, may be listed for each file that may
// be read. In Git, few objects are a tree of directories without end.
const (
	dirsPerFile    = 4
	entriesPerFile = 20
)

// longestPath is how long a path may be, in bytes: as on Linux.
const longestPath = 4096

const (
	defaultFileBytes  = 32 << 20
	defaultTotalBytes = 256 << 20
	defaultFiles      = 50_000
	keepBytes         = 64 << 20 // of contents kept for a second read
)

// LimitError says which limit a read would pass. Nothing was read.
type LimitError struct {
	File string // relative to the repo
	What string // what is too large or too many
	Max  int64
	Kind Limit
}

// Limit names one of Limits.
type Limit string

// The limits.
const (
	FileBytes  Limit = "file bytes"
	TotalBytes Limit = "total bytes"
	FileCount  Limit = "files"
)

func (e *LimitError) Error() string {
	return fmt.Sprintf("read %s: %s, the limit is %s: make the environment smaller, or raise the limit", e.File, e.What, amount(e.Max, e.Kind))
}

func amount(n int64, kind Limit) string {
	switch {
	case kind == FileCount:
		return fmt.Sprint(n)
	case n >= 1<<20 && n%(1<<20) == 0:
		return fmt.Sprintf("%d MiB", n>>20)
	default:
		return fmt.Sprintf("%d bytes", n)
	}
}

// WithDefaults fills in zero fields.
func (l Limits) WithDefaults() Limits {
	if l.FileBytes <= 0 {
		l.FileBytes = defaultFileBytes
	}
	if l.TotalBytes <= 0 {
		l.TotalBytes = defaultTotalBytes
	}
	if l.Files <= 0 {
		l.Files = defaultFiles
	}
	return l
}

// meter counts what was read, by real path, and keeps the first contents.
type meter struct {
	limits Limits

	mu      sync.Mutex
	total   int64
	charged map[string]int64
	listed  map[string]bool
	entries int // of those that were listed
	kept    map[string][]byte
	room    int64 // left for kept
}

func newMeter(l Limits) *meter {
	return &meter{limits: l.WithDefaults(), charged: map[string]int64{}, listed: map[string]bool{}, kept: map[string][]byte{}, room: keepBytes}
}

// read returns the content of the file at path, charged once.
func (m *meter) read(path string, size int64, open func() (io.ReadCloser, error)) ([]byte, error) {
	if data, ok := m.recall(path); ok {
		return data, nil
	}
	if err := m.charge(path, size); err != nil {
		return nil, err
	}
	file, err := open()
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := readAtMost(file, size, m.limits.FileBytes)
	if err != nil {
		return nil, pathError("read", path, excerpt.Cause(err))
	}
	// The file may have grown since its size was taken.
	if err := m.charge(path, int64(len(data))); err != nil {
		return nil, err
	}
	m.keep(path, data)
	return data, nil
}

// readAtMost reads up to one byte more than limit.
func readAtMost(r io.Reader, size, limit int64) ([]byte, error) {
	data := make([]byte, 0, min(size, limit)+1)
	r = io.LimitReader(r, limit+1)
	for {
		n, err := r.Read(data[len(data):cap(data)])
		data = data[:len(data)+n]
		if err == io.EOF {
			return data, nil
		}
		if err != nil {
			return nil, err
		}
		if len(data) == cap(data) {
			data = append(data, 0)[:len(data)]
		}
	}
}

// charge raises what path counts for to size.
func (m *meter) charge(path string, size int64) error {
	if size > m.limits.FileBytes {
		return &LimitError{path, fmt.Sprintf("it has %d bytes", size), m.limits.FileBytes, FileBytes}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	before, again := m.charged[path]
	if again && size <= before {
		return nil
	}
	if !again && len(m.charged) >= m.limits.Files {
		return &LimitError{path, "too many files are read", int64(m.limits.Files), FileCount}
	}
	if m.total+size-before > m.limits.TotalBytes {
		return &LimitError{path, "the files read are too large together", m.limits.TotalBytes, TotalBytes}
	}
	m.total += size - before
	m.charged[path] = size
	return nil
}

// list counts a directory that is listed with its entries, once.
func (m *meter) list(dir string, entries int) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.listed[dir] {
		return nil
	}
	if most := dirsPerFile * m.limits.Files; len(m.listed) >= most {
		return &LimitError{dir, "too many directories are listed", int64(most), FileCount}
	}
	if most := entriesPerFile * m.limits.Files; m.entries+entries > most {
		return &LimitError{dir, "too many files and directories are listed", int64(most), FileCount}
	}
	m.listed[dir] = true
	m.entries += entries
	return nil
}

// files are those that were charged, in order.
func (m *meter) files() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.charged))
}

func (m *meter) recall(path string) ([]byte, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	data, ok := m.kept[path]
	return data, ok
}

func (m *meter) keep(path string, data []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.kept[path]; !ok && int64(len(data)) <= m.room {
		m.kept[path] = data
		m.room -= int64(len(data))
	}
}
