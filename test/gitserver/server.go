// Package gitserver is a real Git server on the loopback interface, for tests,
// fault runs and figures: git http-backend behind net/http.
//
//  1. Start listens, and Create makes bare repositories on it (repo.go).
//  2. Requests are told apart by what git wants with them (stage.go), counted, and
//     given to git http-backend.
//  3. Inject lets the next requests of a stage fail, hang, be cut, or meet a
//     repository that moved meanwhile (fault.go).
package gitserver

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/cgi"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Options of a server.
type Options struct {
	Dir      string // where the repositories are; a temporary directory if empty, removed by Close
	User     string // with Password, what every request must name
	Password string
	// Quick asks git once for what it can do, and not before each fetch: as long
	// as a repository's settings stay, git says the same.
	Quick bool
}

// Server serves the repositories that Create made.
type Server struct {
	URL string // of the server

	opt      Options
	own      bool // the directory goes with the server
	git      string
	http     *http.Server
	counters counters

	answering sync.WaitGroup
	abilities abilities

	mu     sync.Mutex
	faults map[Stage][]Fault
	watch  Fault
	seen   []Stage
}

// Start listens on a free port of 127.0.0.1. The caller closes the server.
func Start(opt Options) (*Server, error) {
	git, err := exec.LookPath("git")
	if err != nil {
		return nil, fmt.Errorf("find git: %w", err)
	}
	s := &Server{opt: opt, git: git, faults: map[Stage][]Fault{}}
	if opt.Dir == "" {
		if s.opt.Dir, err = os.MkdirTemp("", "gitserver-"); err != nil {
			return nil, fmt.Errorf("make directory: %w", err)
		}
		s.own = true
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	s.URL = "http://" + listener.Addr().String()
	s.http = &http.Server{Handler: s, ReadHeaderTimeout: time.Minute, ErrorLog: log.New(io.Discard, "", 0)}
	go func() { _ = s.http.Serve(counted{listener, &s.counters}) }()
	return s, nil
}

// Close cuts all connections, stops listening, and waits for what is being
// answered.
func (s *Server) Close() error {
	err := s.http.Close()
	s.answering.Wait()
	if s.own {
		if e := os.RemoveAll(s.opt.Dir); err == nil {
			err = e
		}
	}
	return err
}

// ServeHTTP answers a request of git.
func (s *Server) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	s.answering.Add(1)
	defer s.answering.Done()
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return
	}
	// A CGI program is told the length of what it reads.
	req.Body, req.ContentLength, req.TransferEncoding = io.NopCloser(bytes.NewReader(body)), int64(len(body)), nil
	if !s.letIn(req) {
		w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
		http.Error(w, "who are you?", http.StatusUnauthorized)
		return
	}
	stage, backend := stageOf(req, body), s.backend()
	if s.opt.Quick && stage == DiscoverFetch {
		backend = s.abilities.of(s.opt.Dir, backend)
	}
	if fault := s.next(stage); fault != nil {
		fault(w, req, backend)
		return
	}
	backend.ServeHTTP(w, req)
}

func (s *Server) letIn(req *http.Request) bool {
	if s.opt.Password == "" {
		return true
	}
	user, password, _ := req.BasicAuth()
	return user == s.opt.User && password == s.opt.Password
}

// next counts a request, and takes what was injected for it.
func (s *Server) next(stage Stage) Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = append(s.seen, stage)
	queue := s.faults[stage]
	if len(queue) == 0 {
		return s.watch
	}
	s.faults[stage] = queue[1:]
	return queue[0]
}

func (s *Server) backend() http.Handler {
	return &cgi.Handler{
		Path: s.git, Args: []string{"http-backend"}, Dir: s.opt.Dir,
		Env: append(environment(s.opt.Dir), "GIT_PROJECT_ROOT="+s.opt.Dir, "GIT_HTTP_EXPORT_ALL=1"),
		// git's complaints are in what it answers.
		Logger: log.New(io.Discard, "", 0), Stderr: io.Discard,
	}
}

// environment is git's, without the user's settings.
func environment(home string) []string {
	return []string{
		"HOME=" + home, "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=" + os.DevNull, "PATH=" + os.Getenv("PATH"), "LC_ALL=C",
		"GIT_AUTHOR_NAME=Server", "GIT_AUTHOR_EMAIL=server@example.com", "GIT_COMMITTER_NAME=Server", "GIT_COMMITTER_EMAIL=server@example.com",
	}
}

// run runs git in a repository and returns what it prints, without the last
// line break.
func (s *Server) run(dir, stdin string, env []string, args ...string) (string, error) {
	cmd := exec.Command(s.git, append([]string{"-C", dir}, args...)...)
	cmd.Env = append(environment(s.opt.Dir), env...)
	cmd.Stdin = strings.NewReader(stdin)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("git %s: %w: %s", args[0], err, strings.TrimSpace(stderr.String()))
	}
	return strings.TrimRight(stdout.String(), "\n"), nil
}

// Create makes a bare repository that clients may write to and fetch parts of.
// Options are those of git init.
func (s *Server) Create(name string, options ...string) (*Repo, error) {
	r := &Repo{Dir: filepath.Join(s.opt.Dir, name+".git"), URL: s.URL + "/" + name + ".git", server: s}
	args := append([]string{"init", "--quiet", "--bare", "--template=", "--initial-branch=main"}, options...)
	if _, err := s.run(s.opt.Dir, "", nil, append(args, r.Dir)...); err != nil {
		return nil, err
	}
	return r, r.configure("[http]\n\treceivepack = true\n[uploadpack]\n\tallowFilter = true\n[gc]\n\tauto = 0\n[receive]\n\tautogc = false\n[core]\n\tfsync = none\n")
}

// configure adds settings, without a process for each.
func (r *Repo) configure(settings string) error {
	file, err := os.OpenFile(filepath.Join(r.Dir, "config"), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return fmt.Errorf("configure repository: %w", err)
	}
	_, err = file.WriteString(settings)
	if err = errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("configure repository: %w", err)
	}
	return nil
}

// Set is git config.
func (r *Repo) Set(key, value string) error {
	_, err := r.Git("config", key, value)
	return err
}

// quote is a path as git fast-import reads it.
func quote(name string) string { return strconv.Quote(name) }
