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
	kit, err := t.repoServers(ctx, dir)
	if err != nil {
		return err
	}
	list, err := nativeServers{tools: kit.tools, dir: filepath.Join(dir, "native-repo")}.environments()
	if err != nil {
		return err
	}
	for _, exclude := range []string{excluded, ""} {
		if err := kit.measure(ctx, exclude, list, show); err != nil {
			return err
		}
	}
	return nil
}

// repoServers is what instances of the repo-server are made of.
type repoServers struct {
	tools
	daemon, argocd        string
	argoHelm, argoBuilder string // the helm and the kustomize of that Argo CD
}

func (t tools) repoServers(ctx context.Context, dir string) (repoServers, error) {
	kit := repoServers{daemon: filepath.Join(dir, "assayd")}
	if err := t.buildPeers(ctx); err != nil {
		return kit, err
	}
	kit.tools = t
	built, err := output(ctx, t.module, "test/components/build", "argocd-v3", "helm-3.18.4", "kustomize-5.7.1")
	if err != nil {
		return kit, err
	}
	paths := strings.Fields(built)
	kit.argocd, kit.argoHelm, kit.argoBuilder = paths[0], paths[1], paths[2]
	_, err = output(ctx, t.module, "./build", kit.daemon)
	return kit, err
}

// instance is a repo-server with `assayd cmp` and the floor beside it.
type instance struct {
	dir    string
	server *argocd.Server
	floor  *floorServer
}

// start starts an instance with these flags and variables of the repo-server. Stop must be called
// when the error is nil.
func (k repoServers) start(ctx context.Context, args, env []string) (_ *instance, err error) {
	i := &instance{}
	defer func() {
		if err != nil {
			i.stop()
		}
	}()
	if i.dir, err = os.MkdirTemp("", "bench-"); err != nil { // short, for it holds sockets
		return nil, err
	}
	i.server, err = argocd.Start(ctx, argocd.Options{
		Dir: i.dir, ArgoCD: k.argocd, Helm: k.argoHelm, Kustomize: k.argoBuilder, Plugin: k.assay, PluginName: "assay", PluginYAML: filepath.Join(k.module, "plugin.yaml"),
		PluginServer: &process.Command{Name: "cmp-server", Path: k.daemon, Dir: i.dir, Args: []string{
			"cmp", "--config-dir-path", filepath.Join(i.dir, "plugin"), "--socket-dir", filepath.Join(i.dir, "plugins"),
		}},
		RepoServerArgs: args, RepoServerEnv: env,
	})
	if err != nil {
		return nil, err
	}
	i.floor, err = serveFloor(ctx, filepath.Join(i.dir, "plugins", "floor.sock"))
	return i, err
}

func (i *instance) stop() {
	if i.server != nil {
		i.server.Stop()
	}
	if i.floor != nil {
		i.floor.server.Stop()
	}
	_ = os.RemoveAll(i.dir)
}

// measure measures the environments through one instance.
func (k repoServers) measure(ctx context.Context, exclude string, list []environmentUnder, show func(...result)) error {
	var args []string
	if exclude != "" {
		args = []string{"--plugin-tar-exclude", exclude}
	}
	i, err := k.start(ctx, args, nil)
	if err != nil {
		return err
	}
	defer i.stop()
	for _, e := range list {
		for _, mode := range []string{"same", "changed"} {
			m := repoMeasure{e: e, mode: mode, exclude: exclude, server: i.server, floor: i.floor, runs: k.times(nativeRuns)}
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
	f.answer.Store(&contract.ManifestResponse{})
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
	runs          int
}

func (m repoMeasure) measure(ctx context.Context) (result, error) {
	repo, err := m.e.repository(ctx)
	if err != nil {
		return result{}, err
	}
	defer os.RemoveAll(repo)
	own, plugin, floor := source(""), source("assay"), source("floor")
	took := map[string][]sample{}
	objects := map[string]int{}
	commits, revision := 0, ""
	for run := range m.runs + warmUps {
		// One commit for each, so that each checks out what it has not seen.
		for _, s := range []struct {
			name string
			of   v1alpha1.ApplicationSource
		}{{"own", own}, {"plugin", plugin}, {"floor", floor}} {
			if m.mode == "changed" || commits == 0 {
				commits++
				if revision, err = m.e.commit(ctx, repo, fmt.Sprint(commits)); err != nil {
					return result{}, err
				}
			}
			start := time.Now()
			found, err := m.server.Manifests(ctx, requestOf(repo, revision, s.of))
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
		name, own, objects["own"], plugin, floor, floor/own, m.floor.bytes.Load()>>10, settings, m.runs)}
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

// requestOf is what the application controller asks for.
func requestOf(repo, revision string, source v1alpha1.ApplicationSource) argocd.Request {
	return argocd.Request{Repo: "file://" + repo, Revision: revision, App: "shop", Namespace: "web", Source: source, KubeVersion: "1.33", APIVersions: []string{"v1", "apps/v1", "apps/v1/Deployment"}}
}

// repository makes a directory with a repository that has the environment below prod, and no commit. Whoever
// calls it removes it.
func (e environmentUnder) repository(ctx context.Context) (repo string, err error) {
	if repo, err = os.MkdirTemp("", "bench-repo-"); err != nil {
		return "", err
	}
	for name, text := range e.inRepository("prod", false) {
		err = errors.Join(err, write(filepath.Join(repo, name), func(w io.Writer) { fmt.Fprint(w, text) }))
	}
	if err == nil {
		_, err = git(ctx, repo, "init", "-q", "-b", "main")
	}
	if err != nil {
		_ = os.RemoveAll(repo)
	}
	return repo, err
}

// commit changes one file of the environment.
func (e environmentUnder) commit(ctx context.Context, repo, mark string) (revision string, err error) {
	return commitFile(ctx, repo, filepath.Join("prod", e.file), strings.Replace(e.files[e.file], e.value, e.value+mark, 1))
}

// commitFile commits all that there is, with this text of a file.
func commitFile(ctx context.Context, repo, name, text string) (revision string, err error) {
	if err := write(filepath.Join(repo, name), func(w io.Writer) { fmt.Fprint(w, text) }); err != nil {
		return "", err
	}
	if _, err := git(ctx, repo, "add", "--all"); err != nil {
		return "", err
	}
	if _, err := git(ctx, repo, "commit", "-q", "-m", "change "+name); err != nil {
		return "", err
	}
	return git(ctx, repo, "rev-parse", "HEAD")
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
