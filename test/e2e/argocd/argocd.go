// Package argocd runs the part of Argo CD that renders: argocd-repo-server,
// argocd-cmp-server with a plugin, and the redis that they need, as plain
// processes on loopback, without a cluster.
//
//  1. Start lays out a run directory of its own, since two instances in one
//     would delete each other's work.
//  2. It starts redis, the plugin server and the repo-server, and waits until
//     each one answers.
//  3. Server.Manifests, Server.Unchanged and Server.Parameters ask the repo-server what the
//     application controller and the UI ask it.
//  4. Server.Stop ends all of them.
package argocd

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/argoproj/argo-cd/v2/reposerver/apiclient"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health/grpc_health_v1"

	"github.com/assaydev/assay/test/e2e/process"
)

// Options say which binaries make up the instance.
type Options struct {
	Dir        string // the run directory; short, for it holds sockets
	ArgoCD     string // the binary whose role its name decides
	Helm       string // the version that this Argo CD ships with
	Kustomize  string // likewise
	Plugin     string // the plugin's command
	PluginName string // what plugin.yaml calls that command
	PluginYAML string

	// Kubeconfig of a cluster with Argo CD's CustomResourceDefinitions: the application
	// controller runs there, too, and syncs what Applications say. It listens on all
	// addresses.
	Kubeconfig string

	// PluginServer runs argocd-cmp-server another way, with its sockets in the folder
	// plugins of the run directory.
	PluginServer *process.Command

	RepoServerArgs []string // flags of the repo-server, besides those that it needs
	RepoServerEnv  []string // likewise, variables
}

// Server is a running instance.
type Server struct {
	group *process.Group
	conn  *grpc.ClientConn
	repos apiclient.RepoServerServiceClient
}

// Start starts an instance. Stop must be called when the error is nil.
func Start(ctx context.Context, opt Options) (*Server, error) {
	if err := layOut(opt); err != nil {
		return nil, fmt.Errorf("start Argo CD: %w", err)
	}
	s := &Server{group: process.NewGroup(ctx, filepath.Join(opt.Dir, "logs"))}
	if err := s.start(opt); err != nil {
		s.Stop()
		return nil, fmt.Errorf("start Argo CD: %w", err)
	}
	return s, nil
}

// Stop ends all processes of the instance.
func (s *Server) Stop() {
	if s.conn != nil {
		_ = s.conn.Close()
	}
	s.group.Stop()
}

// layOut makes the folders, and puts on each server's PATH what it may run.
func layOut(opt Options) error {
	for _, dir := range []string{"logs", "plugins", "plugin", "tls", "ssh", "gpg/source", "cmpwork", "tmp", "home", "redis", "bin/repo-server", "bin/cmp-server"} {
		if err := os.MkdirAll(filepath.Join(opt.Dir, dir), 0o700); err != nil {
			return err
		}
	}
	if err := os.Mkdir(filepath.Join(opt.Dir, "gpg/keys"), 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(opt.Dir, "ssh/ssh_known_hosts"), nil, 0o600); err != nil {
		return err
	}
	config, err := os.ReadFile(opt.PluginYAML)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(opt.Dir, "plugin/plugin.yaml"), config, 0o600); err != nil {
		return err
	}
	git, err := exec.LookPath("git")
	if err != nil {
		return err
	}
	for name, target := range map[string]string{
		"repo-server/git":              git,
		"repo-server/helm":             opt.Helm,
		"repo-server/kustomize":        opt.Kustomize,
		"cmp-server/" + opt.PluginName: opt.Plugin,
	} {
		if err := os.Symlink(target, filepath.Join(opt.Dir, "bin", name)); err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) start(opt Options) error {
	free, err := process.FreeAddresses(3)
	if err != nil {
		return err
	}
	redis, address := free[0], free[1]
	server, err := exec.LookPath("redis-server")
	if err != nil {
		return fmt.Errorf("%w (Debian: apt-get install redis-server)", err)
	}
	commands := []process.Command{
		{Name: "redis", Path: server, Dir: filepath.Join(opt.Dir, "redis"), Args: []string{
			"--bind", "127.0.0.1", "--port", port(redis), "--save", "", "--appendonly", "no",
		}},
		{Name: "cmp-server", Path: opt.ArgoCD, Dir: opt.Dir, Env: environment(opt.Dir, "cmp-server"), Args: []string{
			"--config-dir-path", filepath.Join(opt.Dir, "plugin"),
		}},
		{Name: "repo-server", Path: opt.ArgoCD, Dir: opt.Dir, Env: append(environment(opt.Dir, "repo-server"), opt.RepoServerEnv...), Args: append([]string{
			"--disable-tls", "--address", "127.0.0.1", "--port", port(address),
			"--metrics-address", "127.0.0.1", "--metrics-port", port(free[2]),
			"--redis", redis, "--revision-cache-expiration", "1s",
		}, opt.RepoServerArgs...)},
	}
	if opt.PluginServer != nil {
		commands[1] = *opt.PluginServer
	}
	for _, c := range commands {
		if err := s.group.Start(c); err != nil {
			return err
		}
	}
	if err := s.group.Ready("redis", process.StartLimit, answers("tcp", redis)); err != nil {
		return err
	}
	socket := filepath.Join(opt.Dir, "plugins", opt.PluginName+".sock")
	if err := s.group.Ready("cmp-server", process.StartLimit, answers("unix", socket)); err != nil {
		return err
	}
	if err := s.connect(address); err != nil || opt.Kubeconfig == "" {
		return err
	}
	return s.startControllers(opt, redis, address)
}

// startControllers starts those of Applications and of ApplicationSets. They look at a branch
// every few seconds, as often as webhooks would tell of it.
func (s *Server) startControllers(opt Options, redis, repos string) error {
	free, err := process.FreeAddresses(4)
	if err != nil {
		return err
	}
	env := func(role string) []string {
		return append(environment(opt.Dir, role), "KUBECONFIG="+opt.Kubeconfig, "ARGOCD_FAKE_IN_CLUSTER=true", "ARGOCD_CONTROLLER_REPLICAS=1", "ARGOCD_CONTROLLER_SHARD=0")
	}
	for _, c := range []process.Command{
		{Name: "application-controller", Env: env("application-controller"), Args: []string{
			"--namespace", "argocd", "--redis", redis, "--repo-server", repos, "--repo-server-plaintext", "--metrics-port", port(free[0]), "--app-resync", "2", "--app-resync-jitter", "0",
		}},
		{Name: "applicationset-controller", Env: env("applicationset-controller"), Args: []string{
			"--namespace", "argocd", "--argocd-repo-server", repos, "--repo-server-plaintext", "--metrics-addr", free[1], "--probe-addr", free[2], "--webhook-addr", free[3],
		}},
	} {
		c.Path, c.Dir = opt.ArgoCD, opt.Dir
		if err := s.group.Start(c); err != nil {
			return err
		}
	}
	return nil
}

// Done ends when a process of the instance dies; its cause says why.
func (s *Server) Done() context.Context { return s.group.Context() }

// connect waits until the repo-server says that it serves.
func (s *Server) connect(address string) error {
	conn, err := apiclient.NewConnection(address, 0, &apiclient.TLSConfiguration{DisableTLS: true})
	if err != nil {
		return err
	}
	s.conn, s.repos = conn, apiclient.NewRepoServerServiceClient(conn)
	health := grpc_health_v1.NewHealthClient(conn)
	return s.group.Ready("repo-server", process.StartLimit, func(ctx context.Context) error {
		reply, err := health.Check(ctx, &grpc_health_v1.HealthCheckRequest{})
		if err != nil {
			return err
		}
		if reply.GetStatus() != grpc_health_v1.HealthCheckResponse_SERVING {
			return errors.New(reply.GetStatus().String())
		}
		return nil
	})
}

// environment is everything that a server sees of the outside.
func environment(dir, role string) []string {
	at := func(name string) string { return filepath.Join(dir, name) }
	return []string{
		"ARGOCD_BINARY_NAME=argocd-" + role,
		"PATH=" + at("bin/"+role),
		"HOME=" + at("home"),
		"TMPDIR=" + at("tmp"),
		"ARGOCD_PLUGINSOCKFILEPATH=" + at("plugins"),
		"ARGOCD_TLS_DATA_PATH=" + at("tls"),
		"ARGOCD_SSH_DATA_PATH=" + at("ssh"),
		"ARGOCD_GPG_ENABLED=false",
		"ARGOCD_GPG_DATA_PATH=" + at("gpg/source"),
		"ARGOCD_GNUPGHOME=" + at("gpg/keys"),
		"ARGOCD_ASK_PASS_SOCK=" + at("ask-pass.sock"),
		"ARGOCD_CMP_WORKDIR=" + at("cmpwork"),
		// Nobody listens there: what needs the network fails on every machine alike.
		"HTTP_PROXY=http://127.0.0.1:1",
		"HTTPS_PROXY=http://127.0.0.1:1",
	}
}

// answers is a check that somebody listens.
func answers(network, address string) func(context.Context) error {
	return func(ctx context.Context) error {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
		if err != nil {
			return err
		}
		return conn.Close()
	}
}

// port is that of an address.
func port(address string) string {
	_, port, _ := net.SplitHostPort(address)
	return port
}
