package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/argoproj/argo-cd/v2/pkg/apis/application/v1alpha1"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/assaydev/assay/plugin/cmp/contract"
	"github.com/assaydev/assay/test/e2e/argocd"
	"github.com/assaydev/assay/test/e2e/process"
)

// The same through the whole repo-server, v3.2.11, past its caches:
//
//  1. The environment as Argo CD's own source, without any plugin, is what is compared with.
//  2. The floor is a plugin that reads the stream and answers what is fixed: Argo CD's own part.
//  3. The repository is made afresh for each environment and mode, since Git's own directory
//     grows; a commit is made before the clock starts.

// sources are the bars of an environment, for the same content and for one file changed.
var sources = map[string]struct{ same, changed float64 }{
	"podinfo-chart": {0.6, 0.75}, "chart-200": {0.6, 0.75}, "podinfo-kustomize": {1.0, 1.0}, "flat-1000": {1.6, 1.5},
}

// aboveFloor is what a small directory, which Argo CD reads in place, may take more than the
// floor.
const aboveFloor = 6.0

// excluded is what the documentation tells the repo-server to leave out of archives.
const excluded = ".git/*"

func (t tools) nativeRepo(ctx context.Context, dir string, show func(...result)) error {
	if err := t.buildPeers(ctx); err != nil {
		return err
	}
	built, err := output(ctx, t.module, "test/components/build", "argocd-v3", "helm-3.18.4", "kustomize-5.7.1")
	if err != nil {
		return err
	}
	paths := strings.Fields(built)
	daemon := filepath.Join(dir, "assayd")
	if _, err := output(ctx, t.module, "./build", daemon); err != nil {
		return err
	}
	list, err := nativeServers{tools: t, dir: filepath.Join(dir, "native-repo")}.environments()
	if err != nil {
		return err
	}
	for _, exclude := range []string{excluded, ""} {
		if err := t.repoServer(ctx, daemon, paths, exclude, list, show); err != nil {
			return err
		}
	}
	return nil
}

// repoServer measures the environments through one instance.
func (t tools) repoServer(ctx context.Context, daemon string, paths []string, exclude string, list []environmentUnder, show func(...result)) error {
	run, err := os.MkdirTemp("", "bench-") // short, for it holds sockets
	if err != nil {
		return err
	}
	defer os.RemoveAll(run)
	opt := argocd.Options{
		Dir: run, ArgoCD: paths[0], Helm: paths[1], Kustomize: paths[2], Plugin: t.assay, PluginName: "assay", PluginYAML: filepath.Join(t.module, "plugin.yaml"),
		PluginServer: &process.Command{Name: "cmp-server", Path: daemon, Dir: run, Args: []string{
			"cmp", "--config-dir-path", filepath.Join(run, "plugin"), "--socket-dir", filepath.Join(run, "plugins"),
		}},
	}
	if exclude != "" {
		opt.RepoServerArgs = []string{"--plugin-tar-exclude", exclude}
	}
	server, err := argocd.Start(ctx, opt)
	if err != nil {
		return err
	}
	defer server.Stop()
	floor, err := serveFloor(ctx, filepath.Join(run, "plugins", "floor.sock"))
	if err != nil {
		return err
	}
	defer floor.server.Stop()
	for _, e := range list {
		for _, mode := range []string{"same", "changed"} {
			m := repoMeasure{e: e, mode: mode, exclude: exclude, server: server, floor: floor}
			r, err := m.measure(ctx)
			if err != nil {
				return fmt.Errorf("%s: %w", e.name, err)
			}
			show(r)
		}
	}
	return nil
}

// floorServer reads what comes, and answers what it was told to.
type floorServer struct {
	contract.UnimplementedConfigManagementPluginServiceServer
	server *grpc.Server
	answer atomic.Pointer[contract.ManifestResponse]
	bytes  atomic.Int64 // of the last archive
}

func serveFloor(ctx context.Context, socket string) (*floorServer, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "unix", socket)
	if err != nil {
		return nil, err
	}
	f := &floorServer{server: grpc.NewServer()}
	contract.RegisterConfigManagementPluginServiceServer(f.server, f)
	go func() { _ = f.server.Serve(l) }()
	return f, nil
}

func (f *floorServer) CheckPluginConfiguration(context.Context, *emptypb.Empty) (*contract.CheckPluginConfigurationResponse, error) {
	return &contract.CheckPluginConfigurationResponse{}, nil
}

func (f *floorServer) GenerateManifest(s grpc.ClientStreamingServer[contract.AppStreamRequest, contract.ManifestResponse]) error {
	var bytes int64
	for {
		m, err := s.Recv()
		if errors.Is(err, io.EOF) {
			f.bytes.Store(bytes)
			return s.SendAndClose(f.answer.Load())
		}
		if err != nil {
			return err
		}
		bytes += int64(len(m.GetFile().GetChunk()))
	}
}

// repoMeasure is one environment in one mode.
type repoMeasure struct {
	e             environmentUnder
	mode, exclude string
	server        *argocd.Server
	floor         *floorServer
}

func (m repoMeasure) measure(ctx context.Context) (result, error) {
	repo, err := os.MkdirTemp("", "bench-repo-")
	if err != nil {
		return result{}, err
	}
	defer os.RemoveAll(repo)
	for name, text := range m.e.inRepository("prod", false) {
		if err := write(filepath.Join(repo, name), func(w io.Writer) { fmt.Fprint(w, text) }); err != nil {
			return result{}, err
		}
	}
	if _, err := git(ctx, repo, "init", "-q", "-b", "main"); err != nil {
		return result{}, err
	}
	own, plugin, floor := source(""), source("assay"), source("floor")
	took := map[string][]sample{}
	objects := map[string]int{}
	commits := 0
	for run := range nativeRuns + warmUps {
		// One commit for each, so that each checks out what it has not seen.
		for _, s := range []struct {
			name string
			of   v1alpha1.ApplicationSource
		}{{"own", own}, {"plugin", plugin}, {"floor", floor}} {
			if m.mode == "changed" || commits == 0 {
				commits++
				if err := m.commit(ctx, repo, fmt.Sprint(commits)); err != nil {
					return result{}, err
				}
			}
			revision, err := git(ctx, repo, "rev-parse", "HEAD")
			if err != nil {
				return result{}, err
			}
			request := argocd.Request{Repo: "file://" + repo, Revision: revision, App: "shop", Namespace: "web", Source: s.of, KubeVersion: "1.33", APIVersions: []string{"v1", "apps/v1", "apps/v1/Deployment"}}
			start := time.Now()
			found, err := m.server.Manifests(ctx, request)
			if err != nil {
				return result{}, fmt.Errorf("%s: %w", s.name, err)
			}
			if run >= warmUps {
				took[s.name] = append(took[s.name], sample{wall: time.Since(start)})
			}
			objects[s.name] = len(found)
			if s.name == "plugin" {
				answer := &contract.ManifestResponse{}
				for _, o := range found {
					data, err := o.MarshalJSON()
					if err != nil {
						return result{}, err
					}
					answer.Manifests = append(answer.Manifests, string(data))
				}
				m.floor.answer.Store(answer)
			}
		}
	}
	return m.result(took, objects)
}

func (m repoMeasure) result(took map[string][]sample, objects map[string]int) (result, error) {
	if objects["own"] != objects["plugin"] || objects["own"] == 0 {
		return result{}, fmt.Errorf("they do not do the same work: %v objects", objects)
	}
	own, plugin, floor := median(took["own"], wall), median(took["plugin"], wall), median(took["floor"], wall)
	name, settings := "native-repo-"+m.e.name+"-"+m.mode, "with --plugin-tar-exclude "+m.exclude
	if m.exclude == "" {
		name, settings = name+"-defaults", "at default settings"
	}
	r := result{name: name, ratio: plugin / own, bar: 1000, detail: fmt.Sprintf(
		"%s: Argo CD's own source %.1f ms for %d objects, assayd cmp %.1f ms, the floor %.1f ms (%.2f), a tgz of %d KiB, %s, %d runs each",
		name, own, objects["own"], plugin, floor, floor/own, m.floor.bytes.Load()>>10, settings, nativeRuns)}
	bars, known := sources[m.e.name]
	switch {
	case m.exclude == "": // shown without a limit
	case !known:
		r.name, r.ratio, r.bar = name+"-above-floor-ms", plugin-floor, aboveFloor
	case m.mode == "same":
		r.bar = bars.same
	default:
		r.bar = bars.changed
	}
	return r, nil
}

// commit changes one file.
func (m repoMeasure) commit(ctx context.Context, repo, mark string) error {
	text := strings.Replace(m.e.files[m.e.file], m.e.value, m.e.value+mark, 1)
	if err := write(filepath.Join(repo, "prod", m.e.file), func(w io.Writer) { fmt.Fprint(w, text) }); err != nil {
		return err
	}
	if _, err := git(ctx, repo, "add", "--all"); err != nil {
		return err
	}
	_, err := git(ctx, repo, "commit", "-q", "-m", "change "+mark)
	return err
}

// source is Argo CD's own, or that of a plugin.
func source(plugin string) v1alpha1.ApplicationSource {
	s := v1alpha1.ApplicationSource{Path: "prod"}
	if plugin != "" {
		s.Plugin = &v1alpha1.ApplicationSourcePlugin{Name: plugin}
	}
	return s
}

func git(ctx context.Context, dir string, args ...string) (string, error) {
	env := slices.Concat([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "GIT_CONFIG_NOSYSTEM=1"}, []string{
		"GIT_AUTHOR_NAME=bench", "GIT_AUTHOR_EMAIL=bench@example.com", "GIT_COMMITTER_NAME=bench", "GIT_COMMITTER_EMAIL=bench@example.com",
	})
	return process.Run(ctx, dir, env, "git", args...)
}
