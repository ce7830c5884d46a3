package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/assaydev/assay/test/e2e/process"
)

// `assayd cmp` over 100,000 calls: what it has after them is compared with what it had after the first
// tenth.
//
//  1. A commit comes in an archive of its own, and seven small directories of manifests are asked for in it;
//     their content is among few variants. One call of 64 is for a chart that draws random values, so that workers
//     render it. The caches are small: they are full long before the first tenth is over.
//  2. After each tenth the server is left alone, and collects its garbage. It is looked at: the live heap,
//     goroutines and descriptors, and what it takes with its workers.

const (
	longAtOnce   = 8
	longApps     = 7
	longVariants = 5
	longChart    = 512 // eight calls of so many, all at once, so that each worker renders within the first tenth
	longParts    = 10

	longLooks     = 10
	longLookEvery = 300 * time.Millisecond

	// longGrowth is what memory may be above that of the first tenth: it is never twice the same.
	longGrowth = 1.1
)

func (t tools) nativeLong(ctx context.Context, dir string, show func(...result)) error {
	s, err := t.servers(ctx, dir, "long")
	defer s.group.Stop()
	if err != nil {
		return err
	}
	free, err := process.FreeAddresses(2)
	if err != nil {
		return err
	}
	ours, err := s.startOurs("--cache-bytes", "16Mi", "--metrics-address", free[0], "--pprof-address", free[1])
	if err != nil {
		return err
	}
	l := longRun{server: ours, metrics: "http://" + free[0] + "/metrics", heap: "http://" + free[1] + "/debug/pprof/heap?gc=1"}
	if l.environments, err = longEnvironments(filepath.Join(s.dir, "chart")); err != nil {
		return err
	}
	var first, last holding
	start := time.Now()
	for part := range longParts {
		calls := t.requests / longParts
		if err := l.ask(ctx, part*calls, calls); err != nil {
			return err
		}
		if last, err = l.holds(ctx); err != nil {
			return err
		}
		if part == 0 {
			first = last
		}
		fmt.Fprintf(os.Stderr, "native-long: after %d calls and %s: %s\n", (part+1)*calls, time.Since(start).Round(time.Second), last)
	}
	detail := fmt.Sprintf("native-long: %d calls in %s: first %s, at the end %s", t.requests, time.Since(start).Round(time.Second), first, last)
	show(
		result{"native-long-memory", last.memory / first.memory, longGrowth, detail},
		result{"native-long-heap", last.heap / first.heap, longGrowth, detail},
		result{"native-long-goroutines", last.goroutines / first.goroutines, 1, detail},
		result{"native-long-descriptors", last.descriptors / first.descriptors, 1, detail},
	)
	return nil
}

// longEnvironments are the files of the repository but for its README: environments whose values have a
// mark in place of what changes.
func longEnvironments(chart string) (map[string]string, error) {
	files := map[string]string{}
	for i := range longApps {
		for name, text := range map[string]string{"deployment": deployment, "service": service, "config": configMap} {
			files[fmt.Sprintf("app-%d/%s.yaml", i, name)] = fmt.Sprintf(text, fmt.Sprintf("app-%d", i), shopImage)
		}
	}
	if err := writeChart(chart, 6); err != nil {
		return nil, err
	}
	charted, err := filesOf(chart)
	for name, text := range charted {
		files["chart/"+name] = text
	}
	files["chart/templates/secret.yaml"] = "apiVersion: v1\nkind: Secret\nmetadata: {name: drawn}\nstringData: {key: {{ randAlphaNum 20 }}}\n"
	return files, err
}

// longRun is the server, and what it is asked.
type longRun struct {
	server        pluginServer
	environments  map[string]string
	metrics, heap string
}

// ask makes calls, numbered from first.
func (l longRun) ask(ctx context.Context, first, calls int) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(longAtOnce)
	var data []byte
	for i := first; i < first+calls && ctx.Err() == nil; i++ {
		if i%longApps == 0 || data == nil {
			var err error
			if data, err = l.commit(i / longApps); err != nil {
				return errors.Join(err, g.Wait())
			}
		}
		dir, want, archive := fmt.Sprintf("app-%d", i%longApps), 3, data
		if i%longChart < longAtOnce {
			dir, want = "chart", 7
		}
		g.Go(func() error {
			objects, err := l.server.call(ctx, archive, dir)
			if err == nil && objects != want {
				err = fmt.Errorf("%d objects", objects)
			}
			if err != nil {
				err = fmt.Errorf("call %d for %s: %w", i, dir, err)
			}
			return err
		})
	}
	return g.Wait()
}

// commit is an archive like no other, of environments that came before.
func (l longRun) commit(number int) ([]byte, error) {
	files := map[string]string{"README.md": fmt.Sprintf("# commit %d\n", number)}
	level := fmt.Sprintf("level-%d", number%longVariants)
	for name, text := range l.environments {
		files[name] = strings.Replace(text, "LOG_LEVEL: info", "LOG_LEVEL: "+level, 1)
	}
	return packFiles(files)
}

// holding is what the server has: bytes of it and its workers, bytes of its live heap, goroutines
// and descriptors.
type holding struct{ memory, heap, goroutines, descriptors float64 }

func (h holding) String() string {
	return fmt.Sprintf("%.1f MiB with workers, a live heap of %.2f MiB, %.0f goroutines, %.0f descriptors", h.memory/(1<<20), h.heap/(1<<20), h.goroutines, h.descriptors)
}

// holds is the least of some looks at the server: a connection that is being closed is not what it holds.
func (l longRun) holds(ctx context.Context) (least holding, err error) {
	for look := range longLooks {
		// Which collects the garbage.
		if _, err := get(ctx, l.heap); err != nil {
			return least, err
		}
		text, err := get(ctx, l.metrics)
		if err != nil {
			return least, err
		}
		h := holding{memory: float64(treeMemory(l.server.pid))}
		for name, to := range map[string]*float64{"go_memstats_heap_alloc_bytes": &h.heap, "go_goroutines": &h.goroutines, "process_open_fds": &h.descriptors} {
			if *to, err = metric(text, name); err != nil {
				return least, err
			}
		}
		if look == 0 {
			least = h
		}
		least = holding{min(least.memory, h.memory), min(least.heap, h.heap), min(least.goroutines, h.goroutines), min(least.descriptors, h.descriptors)}
		select {
		case <-ctx.Done():
			return least, ctx.Err()
		case <-time.After(longLookEvery):
		}
	}
	return least, nil
}

// get reads a page over a connection of its own.
func get(ctx context.Context, url string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	r.Close = true
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	defer func() { _ = res.Body.Close() }()
	data, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("get %s: %s", url, res.Status)
	}
	return string(data), err
}

// metric is one of a process's own.
func metric(text, name string) (float64, error) {
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		if value, found := strings.CutPrefix(lines.Text(), name+" "); found {
			return strconv.ParseFloat(value, 64)
		}
	}
	return 0, fmt.Errorf("there is no %s", name)
}
