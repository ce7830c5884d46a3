package main

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/assaydev/assay/plugin/cmp/contract"
)

// 200 Applications of one chart, each with a value file of its own, 16 asked for at once, as after a
// commit:
//
//  1. "one" is a commit that changes the values of one Application: Argo CD asks for all of them.
//  2. "all" is one that changes the chart's own, so that all are others.
//  3. Both servers get the same commits in turn. What is compared is the time of a whole commit.
//  4. In commits of their own the memory of each server is looked at, with all processes that it
//     starts. That takes time, too.

const (
	manyApplications = 200
	manyAtOnce       = 16
	manyObjects      = 30
	manyCommits      = 3
	memoryEvery      = 50 * time.Millisecond
)

func (t tools) nativeMany(ctx context.Context, dir string, show func(...result)) error {
	s, err := t.serversAndPeers(ctx, dir, "many")
	defer s.group.Stop()
	if err != nil {
		return err
	}
	ours, err := s.startOurs()
	if err != nil {
		return err
	}
	peer, err := s.start("peer", []string{"/bin/sh", "-c", fmt.Sprintf(`exec %q template "$ARGOCD_APP_NAME" . -f "values/$ARGOCD_APP_NAME.yaml"`, s.helm)}, false)
	if err != nil {
		return err
	}
	m, err := newManyApplications(filepath.Join(s.dir, "chart"))
	if err != nil {
		return err
	}
	for _, kind := range []string{"all", "one"} {
		took := map[string][]sample{}
		for range s.times(manyCommits) {
			data, err := m.commit(kind)
			if err != nil {
				return err
			}
			for _, server := range []pluginServer{ours, peer} {
				start := time.Now()
				if err := m.ask(ctx, server, data); err != nil {
					return fmt.Errorf("%s: %w", server.name, err)
				}
				took[server.name] = append(took[server.name], sample{wall: time.Since(start)})
			}
		}
		a, b := median(took[ours.name], wall), median(took[peer.name], wall)
		name := "native-many-" + kind
		show(result{name, a / b, 1.0 / 8, fmt.Sprintf("%s: %d Applications, %d at once: assayd cmp %.0f requests a second, argocd-cmp-server with helm template %.0f: %.1f times as many; %d commits each",
			name, manyApplications, manyAtOnce, manyApplications*1000/a, manyApplications*1000/b, b/a, len(took[ours.name]))})
	}
	data, err := m.commit("all")
	if err != nil {
		return err
	}
	peaks := map[string]float64{}
	for _, server := range []pluginServer{ours, peer} {
		peak := watchMemory(server.pid, memoryEvery)
		err := m.ask(ctx, server, data)
		peaks[server.name] = float64(peak()) / (1 << 20)
		if err != nil {
			return fmt.Errorf("%s: %w", server.name, err)
		}
	}
	a, b := peaks[ours.name], peaks[peer.name]
	show(result{"native-many-memory", a / b, 0.5, fmt.Sprintf("native-many-memory: assayd cmp and its workers %.0f MiB at the peak, argocd-cmp-server and its children %.0f MiB", a, b)})
	return nil
}

// manyOfAChart is their repository.
type manyOfAChart struct {
	files   map[string]string
	commits int
}

func newManyApplications(dir string) (*manyOfAChart, error) {
	if err := writeChart(dir, manyObjects); err != nil {
		return nil, err
	}
	chart, err := filesOf(dir)
	if err != nil {
		return nil, err
	}
	m := &manyOfAChart{files: map[string]string{}}
	for name, text := range chart {
		m.files["chart/"+name] = text
	}
	for i := range manyApplications {
		m.files[m.values(i)] = fmt.Sprintf("level: level-%d\n", i)
	}
	return m, nil
}

func (m *manyOfAChart) values(i int) string { return fmt.Sprintf("chart/values/app-%d.yaml", i) }

// commit changes the values of one Application, or those of the chart, and packs the repository.
func (m *manyOfAChart) commit(kind string) ([]byte, error) {
	m.commits++
	if kind == "one" {
		m.files[m.values(m.commits%manyApplications)] = fmt.Sprintf("level: commit-%d\n", m.commits)
	} else {
		m.files["chart/values.yaml"] = fmt.Sprintf("image:\n  repository: %s\n  tag: 1.0.%d\nlevel: info\n", shopImage, m.commits)
	}
	return packFiles(m.files)
}

// ask asks for all Applications, so many at once.
func (m *manyOfAChart) ask(ctx context.Context, server pluginServer, data []byte) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(manyAtOnce)
	for i := range manyApplications {
		g.Go(func() error {
			objects, err := server.call(ctx, data, "chart",
				&contract.EnvEntry{Name: "ARGOCD_APP_NAME", Value: fmt.Sprintf("app-%d", i)},
				&contract.EnvEntry{Name: "ARGOCD_APP_PARAMETERS", Value: fmt.Sprintf(`[{"name":"helm-value-files","array":["values/app-%d.yaml"]}]`, i)})
			if err == nil && objects != manyObjects {
				err = fmt.Errorf("app-%d has %d objects", i, objects)
			}
			return err
		})
	}
	return g.Wait()
}

// watchMemory looks at what a process and all that it starts take, until peak is called, which says how
// many bytes it was at most.
func watchMemory(pid int, every time.Duration) (peak func() int64) {
	var most int64
	done := make(chan struct{})
	var looking sync.WaitGroup
	looking.Go(func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			most = max(most, treeMemory(pid))
			select {
			case <-done:
				return
			case <-tick.C:
			}
		}
	})
	return func() int64 {
		close(done)
		looking.Wait()
		return most
	}
}
