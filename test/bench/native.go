package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/assaydev/assay/plugin/cmp/contract"
	"github.com/assaydev/assay/test/e2e/process"
)

// The plugin's servers at their sockets, fed as the repo-server feeds them:
//
//  1. Each environment is measured without and with a candidate, in three modes: rendered for
//     the first time, the same content again, and with one file changed.
//  2. `assayd cmp` is compared with argocd-cmp-server that runs helm or kustomize, and with one
//     that runs `assay render`. All get the same archives, in turn, over a new connection each.
//  3. The floor is a server that reads and unpacks the archive, and answers that nothing
//     matches: it has no bar.

// pluginServer is a server of plugins that runs.
type pluginServer struct {
	name, socket string
	pid          int
}

// environmentUnder is one environment to measure.
type environmentUnder struct {
	name  string
	files map[string]string // below its directory
	image string
	peer  []string // the command that renders it otherwise
	value string   // what "one file changed" replaces, and in which file
	file  string

	beside map[string]string // the other files of its repository
}

// modes are what is measured, with the bars against other tools and against `assay render`.
var modes = []struct {
	name          string
	tool, command float64
}{{"first", 0.5, 0.5}, {"same", 0.1, 0.1}, {"changed", 0.2, 0.25}}

const nativeRuns = 15

// servers is for `assayd cmp` alone. Whoever calls it stops the group.
func (t tools) servers(ctx context.Context, dir, name string) (nativeServers, error) {
	s := nativeServers{tools: t, dir: filepath.Join(dir, name), daemon: filepath.Join(dir, name, "assayd")}
	s.group = process.NewGroup(ctx, s.dir)
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return s, err
	}
	_, err := output(ctx, t.module, "./build", s.daemon)
	return s, err
}

// serversAndPeers is for argocd-cmp-server with the tools that it runs, too.
func (t tools) serversAndPeers(ctx context.Context, dir, name string) (nativeServers, error) {
	s, err := t.servers(ctx, dir, name)
	if err == nil {
		err = s.buildPeers(ctx)
	}
	if err == nil {
		s.argocd, err = output(ctx, t.module, "test/components/build", "argocd-v2")
	}
	return s, err
}

func (t tools) native(ctx context.Context, dir string, show func(...result)) error {
	s, err := t.serversAndPeers(ctx, dir, "sock")
	defer s.group.Stop()
	if err != nil {
		return err
	}
	list, err := s.environments()
	if err != nil {
		return err
	}
	ours, err := s.startOurs()
	if err != nil {
		return err
	}
	command, err := s.start("command", []string{s.assay, "render", "--timeout=50s"}, false)
	if err != nil {
		return err
	}
	floor, err := s.startFloor()
	if err != nil {
		return err
	}
	for _, e := range list {
		peer, err := s.start("peer-"+e.name, e.peer, false)
		if err != nil {
			return err
		}
		for _, candidate := range []bool{false, true} {
			if err := s.measure(ctx, e, candidate, []pluginServer{ours, peer, command, floor}, show); err != nil {
				return fmt.Errorf("%s: %w", e.name, err)
			}
		}
	}
	return nil
}

type nativeServers struct {
	tools
	dir, argocd, daemon string
	group               *process.Group
}

// startOurs starts `assayd cmp`, with these flags, too.
func (s nativeServers) startOurs(more ...string) (pluginServer, error) {
	return s.start("assay", []string{"assay", "render", "--timeout=50s"}, true, more...)
}

// startFloor starts what reads and unpacks archives alone.
func (s nativeServers) startFloor() (pluginServer, error) {
	return s.start("floor", []string{"assay", "render"}, true, "--no-cache")
}

// start starts a server of plugins: `assayd cmp`, or argocd-cmp-server.
func (s nativeServers) start(name string, generate []string, own bool, more ...string) (pluginServer, error) {
	at := filepath.Join(s.dir, "p-"+name)
	if err := errors.Join(os.MkdirAll(filepath.Join(at, "s"), 0o700), os.MkdirAll(filepath.Join(at, "work"), 0o700)); err != nil {
		return pluginServer{}, err
	}
	quoted := make([]string, len(generate))
	for i, word := range generate {
		quoted[i] = fmt.Sprintf("%q", word)
	}
	discover := ""
	if name == "floor" {
		discover = "  discover: {fileName: nothing-has-this-name}\n"
	}
	config := "apiVersion: argoproj.io/v1alpha1\nkind: ConfigManagementPlugin\nmetadata: {name: p}\nspec:\n" + discover + "  generate: {command: [" + strings.Join(quoted, ", ") + "]}\n"
	if err := os.WriteFile(filepath.Join(at, "plugin.yaml"), []byte(config), 0o600); err != nil {
		return pluginServer{}, err
	}
	c := process.Command{Name: "p-" + name, Path: s.argocd, Dir: at, Args: []string{"--config-dir-path", at}, Env: []string{
		"ARGOCD_BINARY_NAME=argocd-cmp-server", "PATH=" + os.Getenv("PATH"), "HOME=" + at, "TMPDIR=" + filepath.Join(at, "work"),
		"ARGOCD_PLUGINSOCKFILEPATH=" + filepath.Join(at, "s"), "ARGOCD_CMP_WORKDIR=" + filepath.Join(at, "work"),
	}}
	if own {
		c.Path, c.Args = s.daemon, []string{"cmp", "--config-dir-path", at, "--socket-dir", filepath.Join(at, "s")}
	}
	c.Args = append(c.Args, more...)
	if err := s.group.Start(c); err != nil {
		return pluginServer{}, err
	}
	server := pluginServer{name: name, socket: filepath.Join(at, "s", "p.sock"), pid: s.group.Pid(c.Name)}
	return server, s.group.Ready(c.Name, process.StartLimit, func(ctx context.Context) error {
		conn, err := server.dial()
		if err != nil {
			return err
		}
		defer func() { _ = conn.Close() }()
		_, err = contract.NewConfigManagementPluginServiceClient(conn).CheckPluginConfiguration(ctx, nil)
		return err
	})
}

func (p pluginServer) dial() (*grpc.ClientConn, error) {
	return grpc.NewClient("unix://"+p.socket, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(100<<20)))
}

// measure prints the figures of one environment.
func (s nativeServers) measure(ctx context.Context, e environmentUnder, candidate bool, servers []pluginServer, show func(...result)) error {
	title := "native-" + e.name
	if candidate {
		title += "-candidate"
	}
	for _, mode := range modes {
		took, count, _, err := e.sampled(ctx, mode.name, candidate, s.times(nativeRuns), servers)
		if err != nil {
			return err
		}
		ours, peer, command, floor := servers[0].name, servers[1].name, servers[2].name, servers[3].name
		if count[ours] != count[command] || count[ours] < count[peer] && !candidate || count[ours] == 0 {
			return fmt.Errorf("they do not do the same work: %v objects", count)
		}
		a, b, c, f := median(took[ours], wall), median(took[peer], wall), median(took[command], wall), median(took[floor], wall)
		detail := fmt.Sprintf("%s-%s: assayd cmp %.2f ms for %d objects, argocd-cmp-server with the tool %.2f ms, with assay render %.2f ms, read and unpacked alone %.2f ms, %d runs each",
			title, mode.name, a, count[ours], b, c, f, len(took[ours]))
		show(result{title + "-" + mode.name + "-tool", a / b, mode.tool, detail}, result{title + "-" + mode.name + "-command", a / c, mode.command, detail})
	}
	return nil
}

// sampled are calls of an environment in a mode, of all servers in turn, with the objects that
// they answer and the size of the last archive.
func (e environmentUnder) sampled(ctx context.Context, mode string, candidate bool, runs int, servers []pluginServer) (took map[string][]sample, count map[string]int, size int, err error) {
	took, count = map[string][]sample{}, map[string]int{}
	for run := range runs + warmUps {
		name := "prod"
		if mode == "first" {
			name = fmt.Sprintf("prod-%d", run)
		}
		files := e.inRepository(name, candidate)
		if mode == "changed" {
			at := path.Join(name, e.file)
			files[at] = strings.Replace(files[at], e.value, e.value+fmt.Sprintf("%d", run+1), 1)
		}
		data, err := packFiles(files)
		if err != nil {
			return nil, nil, 0, err
		}
		size = len(data)
		for _, server := range servers {
			runtime.GC()
			start := time.Now()
			objects, err := server.call(ctx, data, name)
			if err != nil {
				return nil, nil, 0, fmt.Errorf("%s: %w", server.name, err)
			}
			if run >= warmUps {
				took[server.name] = append(took[server.name], sample{wall: time.Since(start)})
			}
			count[server.name] = objects
		}
	}
	return took, count, size, nil
}

// call makes one call over a new connection, as the repo-server does. The floor is asked
// whether it matches.
func (p pluginServer) call(ctx context.Context, data []byte, dir string, env ...*contract.EnvEntry) (objects int, err error) {
	conn, err := p.dial()
	if err != nil {
		return 0, err
	}
	defer func() { _ = conn.Close() }()
	client := contract.NewConfigManagementPluginServiceClient(conn)
	if p.name == "floor" {
		stream, err := client.MatchRepository(ctx)
		if err == nil {
			err = feed(stream, data, dir, env)
		}
		if err != nil {
			return 0, err
		}
		_, err = stream.CloseAndRecv()
		return 0, err
	}
	stream, err := client.GenerateManifest(ctx)
	if err == nil {
		err = feed(stream, data, dir, env)
	}
	if err != nil {
		return 0, err
	}
	answer, err := stream.CloseAndRecv()
	return len(answer.GetManifests()), err
}

// feed sends an archive in pieces of a KiB, the repo-server's default.
func feed(stream interface {
	Send(*contract.AppStreamRequest) error
}, data []byte, dir string, env []*contract.EnvEntry,
) error {
	sum := sha256.Sum256(data)
	m := &contract.ManifestRequestMetadata{AppName: dir, AppRelPath: dir, Checksum: hex.EncodeToString(sum[:]), Size: int64(len(data)), Env: append([]*contract.EnvEntry{
		{Name: "ARGOCD_APP_NAME", Value: "shop"},
		{Name: "ARGOCD_APP_NAMESPACE", Value: "web"},
		{Name: "ARGOCD_APP_SOURCE_PATH", Value: dir},
		{Name: "KUBE_VERSION", Value: "1.33.0"},
		{Name: "PATH", Value: os.Getenv("PATH")},
	}, env...)}
	if err := stream.Send(&contract.AppStreamRequest{Request: &contract.AppStreamRequest_Metadata{Metadata: m}}); err != nil {
		return err
	}
	for chunk := range slices.Chunk(data, 1024) {
		if err := stream.Send(&contract.AppStreamRequest{Request: &contract.AppStreamRequest_File{File: &contract.File{Chunk: chunk}}}); err != nil {
			return err
		}
	}
	return nil
}

func packFiles(files map[string]string) ([]byte, error) {
	var out bytes.Buffer
	packed := gzip.NewWriter(&out)
	archive := tar.NewWriter(packed)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := archive.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(files[name]))}); err != nil {
			return nil, err
		}
		if _, err := io.WriteString(archive, files[name]); err != nil {
			return nil, err
		}
	}
	err := errors.Join(archive.Close(), packed.Close())
	return out.Bytes(), err
}
