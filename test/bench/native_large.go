package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
)

// A small environment in a large repository, at the socket: 5,000 files, 40 MB, all of which the
// repo-server sends. argocd-cmp-server writes them to disk before it runs the tool.

const (
	largeFiles = 5000
	largeBytes = 8 << 10 // of a file
	largeBar   = 0.3

	largeObjects = 30 // of an environment in it
)

func (t tools) nativeLarge(ctx context.Context, dir string, show func(...result)) error {
	s, err := t.serversAndPeers(ctx, dir, "large")
	defer s.group.Stop()
	if err != nil {
		return err
	}
	ours, err := s.startOurs()
	if err != nil {
		return err
	}
	floor, err := s.startFloor()
	if err != nil {
		return err
	}
	list, err := s.inLarge()
	if err != nil {
		return err
	}
	for _, e := range list {
		peer, err := s.start("peer-"+e.name, e.peer, false)
		if err != nil {
			return err
		}
		for _, mode := range modes {
			took, count, size, err := e.sampled(ctx, mode.name, false, s.times(few), []pluginServer{ours, peer, floor})
			if err != nil {
				return fmt.Errorf("%s: %w", e.name, err)
			}
			if count[ours.name] != count[peer.name] || count[ours.name] == 0 {
				return fmt.Errorf("%s: they do not do the same work: %v objects", e.name, count)
			}
			a, b, f := median(took[ours.name], wall), median(took[peer.name], wall), median(took[floor.name], wall)
			name := "native-large-" + e.name + "-" + mode.name
			show(result{name, a / b, largeBar, fmt.Sprintf(
				"%s: assayd cmp %.1f ms for %d objects, argocd-cmp-server with the tool %.1f ms, read and unpacked alone %.1f ms, a tgz of %d KiB, %d runs each",
				name, a, count[ours.name], b, f, size>>10, len(took[ours.name]))})
		}
	}
	return nil
}

// inLarge are environments that have the rest of the repository beside them.
func (s nativeServers) inLarge() ([]environmentUnder, error) {
	at := filepath.Join(s.dir, "environments")
	chart, overlay := filepath.Join(at, "chart"), filepath.Join(at, "kustomize")
	if err := writeChart(chart, largeObjects); err != nil {
		return nil, err
	}
	if err := writeKustomization(overlay, largeObjects); err != nil {
		return nil, err
	}
	list := []environmentUnder{
		{name: "chart", image: shopImage, peer: []string{s.helm, "template", "."}, file: "values.yaml", value: "info"},
		{name: "kustomize", image: shopImage, peer: []string{s.kustomize, "build", "."}, file: "objects-00000.yaml", value: "info"},
	}
	beside := largeRepository()
	for i := range list {
		files, err := filesOf(filepath.Join(at, list[i].name))
		if err != nil {
			return nil, err
		}
		list[i].files, list[i].beside = files, beside
	}
	return list, nil
}

// largeRepository are the manifests of other teams. They compress as manifests do, for their digests and
// settings are drawn, always alike.
func largeRepository() map[string]string {
	draw := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a fixed sequence is wanted
	files := make(map[string]string, largeFiles)
	for i := range largeFiles {
		var text strings.Builder
		for n := 0; text.Len() < largeBytes; n++ {
			name := fmt.Sprintf("app-%d-%d", i, n)
			text.WriteString("---\n")
			fmt.Fprintf(&text, deployment, name, fmt.Sprintf("registry.example.com/team-%d/%s@sha256:%016x%016x", i%50, name, draw.Uint64(), draw.Uint64()))
			text.WriteString("---\n")
			fmt.Fprintf(&text, configMap, name)
			for key := range 10 {
				fmt.Fprintf(&text, "  SETTING_%d: \"%x\"\n", key, draw.Uint64())
			}
		}
		files[fmt.Sprintf("teams/team-%02d/app-%04d/manifests.yaml", i%50, i)] = text.String()[:largeBytes]
	}
	return files
}
