package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// What the settings of Argo CD that make it send less are worth: a chart in a repository of 5,000
// files, through repo-servers that differ in nothing else, in turn.
//
//  1. "same" and "changed" are a call for the same commit again, and for one that changes one file of the
//     environment, past the repo-server's caches.
//  2. "elsewhere" is a commit that changes another file, as the application controller asks for it: with the
//     annotation manifest-generate-paths it asks whether the environment is the same, first.
//  3. Each is compared with the default settings.

// setting is how a repo-server is started, and what the Application has.
type setting struct {
	name, annotation string
	args, env        []string
}

func settings() []setting {
	exclude, chunks, paths := []string{"--plugin-tar-exclude", excluded}, []string{"ARGOCD_CMP_CHUNK_SIZE=65536"}, []string{"--plugin-use-manifest-generate-paths"}
	return []setting{
		{name: "defaults"},
		{name: "exclude", args: exclude},
		{name: "chunks", env: chunks},
		{name: "exclude-chunks", args: exclude, env: chunks},
		{name: "paths", args: paths, annotation: "."},
		{name: "all", args: append(paths, exclude...), env: chunks, annotation: "."},
	}
}

// settingBar is of the default settings: none may cost more than what one run differs from the next.
const settingBar = 1.1

func (t tools) nativeSettings(ctx context.Context, dir string, show func(...result)) error {
	kit, err := t.repoServers(ctx, dir)
	if err != nil {
		return err
	}
	list, err := nativeServers{tools: kit.tools, dir: filepath.Join(dir, "native-settings")}.inLarge()
	if err != nil {
		return err
	}
	m := settingsMeasure{e: list[0], runs: t.times(few)}
	if m.repo, err = m.e.repository(ctx); err != nil {
		return err
	}
	defer os.RemoveAll(m.repo)
	for _, s := range settings() {
		i, err := kit.start(ctx, s.args, s.env)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		defer i.stop()
		m.under = append(m.under, settingUnder{setting: s, instance: i})
	}
	for _, mode := range []string{"same", "changed", "elsewhere"} {
		if err := m.measure(ctx, mode, show); err != nil {
			return fmt.Errorf("%s: %w", mode, err)
		}
	}
	return nil
}

type settingUnder struct {
	setting
	*instance
	rendered string // the commit whose result the repo-server has
}

// settingsMeasure is the environment with all instances.
type settingsMeasure struct {
	e       environmentUnder
	repo    string
	under   []settingUnder
	commits int
	runs    int
}

func (m *settingsMeasure) measure(ctx context.Context, mode string, show func(...result)) error {
	took := make([][]sample, len(m.under))
	for i := range m.under {
		m.under[i].rendered = "" // of an environment that was another
	}
	revision, err := m.commit(ctx, "changed")
	if err != nil {
		return err
	}
	for run := range m.runs + warmUps {
		for i := range m.under {
			if mode != "same" {
				// One for each, so that each checks out what it has not seen.
				if revision, err = m.commit(ctx, mode); err != nil {
					return err
				}
			}
			start := time.Now()
			objects, err := m.under[i].ask(ctx, m.repo, revision, mode)
			if err == nil && objects != largeObjects {
				err = fmt.Errorf("%d objects", objects)
			}
			if err != nil {
				return fmt.Errorf("%s: %w", m.under[i].name, err)
			}
			if run >= warmUps {
				took[i] = append(took[i], sample{wall: time.Since(start)})
			}
		}
	}
	var defaults int64
	for i, s := range m.under {
		size, err := s.sent(ctx, m.repo, revision)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		if i == 0 {
			defaults = size
			continue
		}
		a, b := median(took[i], wall), median(took[0], wall)
		name := "native-settings-" + mode + "-" + s.name
		show(result{name, a / b, settingBar, fmt.Sprintf("%s: %.1f ms, a tgz of %d KiB; at default settings %.1f ms, %d KiB; %d runs each", name, a, size>>10, b, defaults>>10, m.runs)})
	}
	return nil
}

// commit changes a file of the environment, or another.
func (m *settingsMeasure) commit(ctx context.Context, mode string) (revision string, err error) {
	m.commits++
	if mode == "elsewhere" {
		return commitFile(ctx, m.repo, "README.md", fmt.Sprintf("# commit %d\n", m.commits))
	}
	return m.e.commit(ctx, m.repo, fmt.Sprint(m.commits))
}

// ask asks as the application controller does, for so many objects.
func (s *settingUnder) ask(ctx context.Context, repo, revision, mode string) (objects int, err error) {
	r := requestOf(repo, revision, source("assay"))
	r.GeneratePaths, r.Cached = s.annotation, mode == "elsewhere"
	if s.annotation != "" && r.Cached && s.rendered != "" {
		same, err := s.server.Unchanged(ctx, r, s.rendered, "prod")
		if err != nil {
			return 0, err
		}
		if !same {
			return 0, fmt.Errorf("the environment is said to differ from commit %s", s.rendered)
		}
	}
	found, err := s.server.Manifests(ctx, r)
	s.rendered = revision
	return len(found), err
}

// sent is how many bytes come to a plugin's server.
func (s *settingUnder) sent(ctx context.Context, repo, revision string) (int64, error) {
	r := requestOf(repo, revision, source("floor"))
	r.GeneratePaths = s.annotation
	_, err := s.server.Manifests(ctx, r)
	return s.floor.bytes.Load(), err
}
