// Package gitea runs a real Gitea on loopback, with its data in a directory of
// its own.
//
//  1. Start builds Gitea, on its first run, and finds its templates in the
//     module cache.
//  2. It writes the configuration, with a certificate and a host key if it is to be
//     secure (secure.go), makes the database and an administrator, starts the server and
//     waits until it answers.
//  3. Server.Repo and Server.NewToken make what a test needs (api.go).
//  4. Server.Stop ends it.
package gitea

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/assaydev/assay/test/e2e/process"
)

const (
	user     = "assay"
	password = "assay-of-gold"
)

// Options say where Gitea runs.
type Options struct {
	Dir  string // an empty directory for its data
	Root string // the top of Assay's repository

	// Secure serves HTTPS, with a certificate of its own, and SSH.
	Secure bool
}

// Server is a running Gitea.
type Server struct {
	URL   string // without a slash at its end
	User  string // the administrator
	Token string // the administrator's, for everything

	// Of a secure one: the certificate, the host and port of SSH, and its line of
	// known_hosts.
	CA         []byte
	SSH        string
	KnownHosts string

	client *http.Client
	group  *process.Group
}

// Start starts a server. Stop must be called when the error is nil.
func Start(ctx context.Context, opt Options) (*Server, error) {
	s := &Server{User: user, client: &http.Client{}, group: process.NewGroup(ctx, opt.Dir)}
	if err := s.start(ctx, opt); err != nil {
		s.Stop()
		return nil, fmt.Errorf("start Gitea: %w", err)
	}
	return s, nil
}

// Stop ends the server.
func (s *Server) Stop() { s.group.Stop() }

func (s *Server) start(ctx context.Context, opt Options) error {
	root, err := filepath.Abs(opt.Root)
	if err != nil {
		return err
	}
	component := filepath.Join(root, "test/components")
	binary, err := process.Run(ctx, root, nil, filepath.Join(component, "build"), "gitea")
	if err != nil {
		return err
	}
	static, err := process.Run(ctx, filepath.Join(component, "gitea"), nil, "go", "list", "-mod=mod", "-m", "-f", "{{.Dir}}", "code.gitea.io/gitea")
	if err != nil {
		return err
	}
	free, err := process.FreeAddresses(2)
	if err != nil {
		return err
	}
	s.URL = "http://" + free[0]
	settings := "DISABLE_SSH = true"
	if opt.Secure {
		if settings, err = s.secure(ctx, opt.Dir, free[0], free[1]); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(opt.Dir, "app.ini"), []byte(config(opt.Dir, s.URL, static, settings)), 0o600); err != nil {
		return err
	}
	args := func(more ...string) []string {
		return append([]string{"--work-path", opt.Dir, "--config", filepath.Join(opt.Dir, "app.ini")}, more...)
	}
	env := process.Environment(opt.Dir) // git, and the shell of its hooks
	if _, err := process.Run(ctx, opt.Dir, env, binary, args("migrate")...); err != nil {
		return err
	}
	if _, err := process.Run(ctx, opt.Dir, env, binary, args("admin", "user", "create", "--admin", "--must-change-password=false",
		"--username", user, "--password", password, "--email", user+"@example.com")...); err != nil {
		return err
	}
	s.Token, err = process.Run(ctx, opt.Dir, env, binary, args("admin", "user", "generate-access-token", "--raw",
		"--username", user, "--token-name", "tests", "--scopes", "all")...)
	if err != nil {
		return err
	}
	if err := s.group.Start(process.Command{Name: "gitea", Path: binary, Dir: opt.Dir, Env: env, Args: args("web")}); err != nil {
		return err
	}
	return s.group.Ready("gitea", process.StartLimit, func(ctx context.Context) error {
		return s.call(ctx, "GET", "/api/v1/version", nil, nil)
	})
}

// config is a server that does nothing that it was not asked for.
func config(dir, address, static, settings string) string {
	_, at, _ := strings.Cut(address, "://")
	host, port, _ := net.SplitHostPort(at)
	return fmt.Sprintf(`
RUN_MODE = prod
I_AM_BEING_UNSAFE_RUNNING_AS_ROOT = true
[server]
HTTP_ADDR = %s
HTTP_PORT = %s
ROOT_URL = %s/
STATIC_ROOT_PATH = %s
%s
OFFLINE_MODE = true
[database]
DB_TYPE = sqlite3
PATH = %s
[security]
INSTALL_LOCK = true
[service]
DISABLE_REGISTRATION = true
[repository]
DEFAULT_BRANCH = main
[indexer]
ISSUE_INDEXER_TYPE = db
[webhook]
ALLOWED_HOST_LIST = loopback
[actions]
ENABLED = false
[log]
MODE = console
LEVEL = Warn
`, host, port, address, static, settings, filepath.Join(dir, "gitea.db"))
}
