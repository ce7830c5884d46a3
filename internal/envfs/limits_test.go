package envfs_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/assaydev/assay/internal/envfs"
)

// counting counts how often a file, not a directory, is opened.
type counting struct {
	fstest.MapFS
	mu    sync.Mutex
	opens map[string]int
}

func (c *counting) Open(name string) (fs.File, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.opens[name]++
	return c.MapFS.Open(name)
}

func countingFS(files map[string]int) *counting {
	c := &counting{MapFS: fstest.MapFS{}, opens: map[string]int{}}
	for name, size := range files {
		c.MapFS[name] = &fstest.MapFile{Data: bytes.Repeat([]byte("x"), size)}
	}
	return c
}

func TestLimits(t *testing.T) {
	files := map[string]int{"a.yaml": 100, "b.yaml": 100, "c.yaml": 100}
	for _, tt := range []struct {
		name   string
		limits envfs.Limits
		read   []string
		want   string
	}{
		{name: "within", limits: envfs.Limits{FileBytes: 100, TotalBytes: 300, Files: 3}, read: []string{"a.yaml", "b.yaml", "c.yaml"}},
		{name: "again is free", limits: envfs.Limits{TotalBytes: 100, Files: 3}, read: []string{"a.yaml", "a.yaml", "a.yaml"}},
		{
			name: "file", limits: envfs.Limits{FileBytes: 99}, read: []string{"a.yaml"},
			want: "read a.yaml: it has 100 bytes, the limit is 99 bytes: make the environment smaller, or raise the limit",
		},
		{
			name: "total", limits: envfs.Limits{TotalBytes: 199}, read: []string{"a.yaml", "b.yaml"},
			want: "read b.yaml: the files read are too large together, the limit is 199 bytes: make the environment smaller, or raise the limit",
		},
		{
			name: "count", limits: envfs.Limits{Files: 2}, read: []string{"a.yaml", "b.yaml", "c.yaml"},
			want: "read c.yaml: too many files are read, the limit is 2: make the environment smaller, or raise the limit",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			base := countingFS(files)
			fsys := envfs.New(base, tt.limits)
			var err error
			for i, name := range tt.read {
				view := fsys
				if i > 0 {
					view = fsys.With(map[string][]byte{"new.yaml": make([]byte, 1000)})
				}
				if _, err = view.ReadFile(name); err != nil {
					break
				}
			}
			if tt.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			var limit *envfs.LimitError
			if !errors.As(err, &limit) || err.Error() != tt.want {
				t.Fatalf("got %v\nwant %s", err, tt.want)
			}
			if n := base.opens[limit.File]; n != 0 {
				t.Errorf("%s was opened %d times", limit.File, n)
			}
		})
	}
}

func TestReadsEachFileOnce(t *testing.T) {
	base := countingFS(map[string]int{"env/a.yaml": 10})
	fsys := envfs.New(base, envfs.Limits{})
	for range 3 {
		if _, err := fsys.With(map[string][]byte{"env/b.yaml": {}}).ReadFile("env/a.yaml"); err != nil {
			t.Fatal(err)
		}
	}
	if n := base.opens["env/a.yaml"]; n != 1 {
		t.Errorf("opened %d times", n)
	}
}

func TestContentsPastTheBoundAreReadAgain(t *testing.T) {
	base := countingFS(map[string]int{"a": 30 << 20, "b": 30 << 20, "c": 30 << 20})
	fsys := envfs.New(base, envfs.Limits{TotalBytes: 90 << 20})
	for range 2 {
		for _, name := range []string{"a", "b", "c"} {
			if data, err := fsys.ReadFile(name); err != nil || len(data) != 30<<20 {
				t.Fatal(len(data), err)
			}
		}
	}
	if base.opens["a"] != 1 || base.opens["b"] != 1 || base.opens["c"] != 2 {
		t.Errorf("opened %v", base.opens)
	}
}

// A sparse file has its size without the disk being filled.
func TestLargeFileIsNotRead(t *testing.T) {
	root := t.TempDir()
	file := filepath.Join(root, "big.yaml")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(file, 200<<20); err != nil {
		t.Fatal(err)
	}
	fsys := open(t, root)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := fsys.ReadFile("big.yaml")
	runtime.ReadMemStats(&after)
	if want := "read big.yaml: it has 209715200 bytes, the limit is 32 MiB"; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Fatal(err)
	}
	if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
		t.Errorf("refusing the file took %d bytes", n)
	}
}

func TestDirectoryBomb(t *testing.T) {
	base := fstest.MapFS{}
	for i := range 11 {
		base[fmt.Sprintf("env/%d.yaml", i)] = &fstest.MapFile{}
	}
	_, err := envfs.New(base, envfs.Limits{Files: 10}).ReadDir("env")
	var limit *envfs.LimitError
	if !errors.As(err, &limit) || limit.File != "env" || limit.Kind != envfs.FileCount {
		t.Errorf("got %v", err)
	}
}

func TestConcurrentReadsShareTheLimit(t *testing.T) {
	files := map[string]int{}
	for i := range 50 {
		files[fmt.Sprint(i)] = 10
	}
	fsys := envfs.New(countingFS(files), envfs.Limits{TotalBytes: 250})
	var wg sync.WaitGroup
	var mu sync.Mutex
	passed := 0
	for name := range files {
		wg.Go(func() {
			if _, err := fsys.ReadFile(name); err == nil {
				mu.Lock()
				defer mu.Unlock()
				passed++
			}
		})
	}
	wg.Wait()
	if passed != 25 {
		t.Errorf("%d files of 10 bytes passed a limit of 250", passed)
	}
}
