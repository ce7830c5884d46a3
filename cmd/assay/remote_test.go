package main

import (
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/assaydev/assay/test/forgefake"
	"github.com/assaydev/assay/test/gitserver"
)

// password is what serve -auth asks for; the user is ci.
const password = "correct-horse"

// forgePath is the repository's on a forge.
const forgePath = "acme/envs"

// servers are those of running scripts, by their work directories.
type servers struct {
	server *gitserver.Server
	repo   *gitserver.Repo
	forge  *forgefake.Forge // nil without one
	holds  chan struct{}    // closed when a request is held
}

type serversKey struct{}

func serversOf(ts *testscript.TestScript) *servers {
	s, ok := ts.Value(serversKey{}).(*servers)
	if !ok {
		ts.Fatalf("no place for servers: see Setup")
	}
	return s
}

// serve starts a Git server whose repository has a first commit of a
// directory's files: serve [-auth] [-empty] [-github] [-gitlab] [DIR]. It sets REPO to the URL,
// and BARE to the repository's directory; with a forge, FORGE to the URL of its API.
func serve(ts *testscript.TestScript, _ bool, args []string) {
	dir, err := os.MkdirTemp(ts.MkAbs("."), ".server")
	ts.Check(err)
	opt := gitserver.Options{Quick: true, Dir: dir}
	empty, name := false, "envs"
	var newForge func(forgefake.Options) *forgefake.Forge
	for len(args) > 0 && strings.HasPrefix(args[0], "-") {
		switch args[0] {
		case "-auth":
			opt.User, opt.Password = "ci", password
		case "-empty":
			empty = true
		case "-github":
			name, newForge = forgePath, forgefake.NewGitHub
		case "-gitlab":
			name, newForge = forgePath, forgefake.NewGitLab
		default:
			ts.Fatalf("usage: serve [-auth] [-empty] [-github] [-gitlab] [dir]")
		}
		args = args[1:]
	}
	server, err := gitserver.Start(opt)
	ts.Check(err)
	ts.Defer(func() { _ = server.Close() })
	repo, err := server.Create(name)
	ts.Check(err)
	if !empty {
		_, err = repo.Commit("main", "start", files(ts, ts.MkAbs(args[0]))...)
		ts.Check(err)
	}
	ts.Setenv("REPO", repo.URL)
	ts.Setenv("BARE", repo.Dir)
	ts.Setenv("REPOSITORY", name+".git")
	ts.Setenv("SERVER", strings.TrimSuffix(repo.URL, "/"+name+".git"))
	*serversOf(ts) = servers{server: server, repo: repo}
	if newForge != nil {
		serveForge(ts, newForge(forgefake.Options{Git: repo.Dir, Path: forgePath, Token: password}))
	}
}

// serveForge starts a forge whose token is the password.
func serveForge(ts *testscript.TestScript, forge *forgefake.Forge) {
	api := httptest.NewServer(forge)
	ts.Defer(api.Close)
	ts.Setenv("FORGE", api.URL)
	serversOf(ts).forge = forge
}

// people does what people do on the forge's page: people close NUMBER, or
// people open BRANCH.
func people(ts *testscript.TestScript, _ bool, args []string) {
	forge := serversOf(ts).forge
	switch {
	case len(args) == 2 && args[0] == "open":
		forge.Add(forgefake.Pull{Head: args[1], Base: "main", Title: "Bump"})
	case len(args) == 2 && args[0] == "close":
		number, err := strconv.ParseInt(args[1], 10, 64)
		ts.Check(err)
		forge.ClosePull(number)
	default:
		ts.Fatalf("usage: people close number, people open branch")
	}
}

// files are those of a directory, as the server commits them.
func files(ts *testscript.TestScript, dir string) []gitserver.File {
	var list []gitserver.File
	ts.Check(filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, name)
		if err != nil {
			return err
		}
		f := gitserver.File{Path: filepath.ToSlash(rel)}
		if d.Type() == fs.ModeSymlink {
			f.Mode = "120000"
			f.Data, err = os.Readlink(name)
		} else {
			var data []byte
			data, err = os.ReadFile(name)
			f.Data = string(data)
			if info, infoErr := d.Info(); infoErr == nil && info.Mode()&0o100 != 0 {
				f.Mode = "100755"
			}
		}
		list = append(list, f)
		return err
	}))
	return list
}

// commit puts files of a directory on a branch of the server: commit BRANCH DIR.
func commit(ts *testscript.TestScript, _ bool, args []string) {
	s := serversOf(ts)
	_, err := s.repo.Commit(args[0], "by hand", files(ts, ts.MkAbs(args[1]))...)
	ts.Check(err)
}

// submodule puts one on a branch of the server: submodule BRANCH PATH.
func submodule(ts *testscript.TestScript, _ bool, args []string) {
	s := serversOf(ts)
	tip, err := s.repo.Tip(args[0])
	ts.Check(err)
	_, err = s.repo.Commit(args[0], "a submodule", gitserver.File{Path: args[1], Mode: "160000", Data: tip})
	ts.Check(err)
}

// replace gives a branch of the server another history: replace BRANCH.
func replace(ts *testscript.TestScript, _ bool, args []string) {
	_, err := serversOf(ts).repo.Replace(args[0])
	ts.Check(err)
}

// fault lets the server's next requests go wrong: fault STAGE TIMES KIND. The
// kind commit takes a directory, whose files are committed to main before.
func fault(ts *testscript.TestScript, _ bool, args []string) {
	s := serversOf(ts)
	times, err := strconv.Atoi(args[1])
	ts.Check(err)
	kinds := map[string]gitserver.Fault{
		"500": gitserver.Status(http.StatusInternalServerError), "hang": gitserver.Hang(), "hold": s.hold(), "drop": gitserver.Drop(),
		"cut": gitserver.Cut(200), "lost": gitserver.Cut(0),
		"advance": gitserver.Before(func() error { _, err := s.repo.Advance("main"); return err }),
		"replace": gitserver.Before(func() error { _, err := s.repo.Replace("main"); return err }),
	}
	if len(args) == 4 {
		kinds["commit"] = gitserver.Before(func() error {
			_, err := s.repo.Commit("main", "by hand", files(ts, ts.MkAbs(args[3]))...)
			return err
		})
	}
	kind, ok := kinds[args[2]]
	if !ok {
		ts.Fatalf("no fault %s", args[2])
	}
	s.server.Inject(gitserver.Stage(args[0]), times, kind)
}

// hold is a fault that hangs, and tells held.
func (s *servers) hold() gitserver.Fault {
	s.holds = make(chan struct{})
	return func(w http.ResponseWriter, req *http.Request, backend http.Handler) {
		close(s.holds)
		gitserver.Hang()(w, req, backend)
	}
}

// held waits until the fault hold was met.
func held(ts *testscript.TestScript, _ bool, _ []string) {
	select {
	case <-serversOf(ts).holds:
	case <-time.After(time.Minute):
		ts.Fatalf("no request met the fault")
	}
}

// met checks that no fault is left.
func met(ts *testscript.TestScript, _ bool, args []string) {
	s := serversOf(ts)
	if n := s.server.Injected(gitserver.Stage(args[0])); n > 0 {
		ts.Fatalf("%d faults were not met", n)
	}
}

// hook makes a hook of the server's repository: hook NAME FILE.
func hook(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(serversOf(ts).repo.Hook(args[0], ts.ReadFile(args[1])))
}

// bare prints what git says of the server's repository: bare ARGS. It goes to
// the file out.
func bare(ts *testscript.TestScript, neg bool, args []string) {
	out, err := serversOf(ts).repo.Git(args...)
	if (err != nil) != neg {
		ts.Fatalf("git %v: %v", args, err)
	}
	ts.Check(os.WriteFile(ts.MkAbs("out"), []byte(out+"\n"), 0o600))
}
