package remote

import (
	"context"
	"encoding/base64"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/test/gitserver"
)

// unhurried takes the pauses out of tries.
func unhurried(o *Options) { o.Random = func(int64) int64 { return 0 } }

// put is a step that writes one file.
func put(name, data string) func(context.Context, Base) (*Change, error) {
	return func(context.Context, Base) (*Change, error) {
		return &Change{Files: []git.File{{Path: name, After: []byte(data)}}, Message: "put " + name + "\n"}, nil
	}
}

// commits is how many there are on main after the first.
func commits(t *testing.T, repo *gitserver.Repo) string {
	t.Helper()
	return must(repo.Git("log", "--format=%s", "--reverse", "main"))(t)
}

// careless is a step that tells nobody what its error was.
func careless(_ context.Context, b Base) (*Change, error) {
	data, err := fs.ReadFile(b.Tree, "envs/shop/web.yaml")
	if err != nil {
		return nil, errors.New("it did not work")
	}
	return &Change{Files: []git.File{{Path: "envs/shop/web.yaml", After: append(data, '!')}}, Message: "edit\n"}, nil
}

func TestUpdateOutlastsFaults(t *testing.T) {
	cases := map[string]func(*gitserver.Server, *gitserver.Repo){
		"500 at the start": func(s *gitserver.Server, _ *gitserver.Repo) {
			s.Inject(gitserver.DiscoverFetch, 3, gitserver.Status(500))
		},
		"503 while reading": func(s *gitserver.Server, _ *gitserver.Repo) { s.Inject(gitserver.Fetch, 2, gitserver.Status(503)) },
		"429 while reading": func(s *gitserver.Server, _ *gitserver.Repo) { s.Inject(gitserver.ListRefs, 2, gitserver.Status(429)) },
		"cut in mid-pack":   func(s *gitserver.Server, _ *gitserver.Repo) { s.Inject(gitserver.Fetch, 2, gitserver.Cut(150)) },
		"cut while a file is read": func(s *gitserver.Server, _ *gitserver.Repo) {
			s.Inject(gitserver.Fetch, 3, gitserver.Before(func() error { return nil })) // the tip, the root, envs
			s.Inject(gitserver.Fetch, 1, gitserver.Cut(150))
		},
		"cut before the answer": func(s *gitserver.Server, _ *gitserver.Repo) { s.Inject(gitserver.Fetch, 1, gitserver.Drop()) },
		"502 before the push": func(s *gitserver.Server, _ *gitserver.Repo) {
			s.Inject(gitserver.DiscoverPush, 2, gitserver.Status(502))
		},
		"502 for a push that was not made": func(s *gitserver.Server, _ *gitserver.Repo) {
			s.Inject(gitserver.Push, 1, gitserver.Status(502))
		},
		"push dropped":                func(s *gitserver.Server, _ *gitserver.Repo) { s.Inject(gitserver.Push, 1, gitserver.Drop()) },
		"push made, no answer":        func(s *gitserver.Server, _ *gitserver.Repo) { s.Inject(gitserver.Push, 1, gitserver.Cut(0)) },
		"push made, half an answer":   func(s *gitserver.Server, _ *gitserver.Repo) { s.Inject(gitserver.Push, 1, gitserver.Cut(20)) },
		"push made, 504 from a proxy": func(s *gitserver.Server, _ *gitserver.Repo) { s.Inject(gitserver.Push, 1, gitserver.Gateway(504)) },
		"push made, no answer, and nothing can be read": func(s *gitserver.Server, _ *gitserver.Repo) {
			s.Inject(gitserver.Push, 1, func(w http.ResponseWriter, req *http.Request, backend http.Handler) {
				s.Inject(gitserver.DiscoverFetch, 3, gitserver.Status(500))
				gitserver.Cut(0)(w, req, backend)
			})
		},
	}
	for name, inject := range cases {
		t.Run(name, func(t *testing.T) {
			server, repo := gitserver.Serve(t, shop...)
			inject(server, repo)
			r := open(t, repo.URL, unhurried)
			at := must(r.Update(limited(t), "main", careless))(t)
			if got := commits(t, repo); got != "start\nedit" {
				t.Errorf("the history is %q", got)
			}
			if got := files(t, repo)["envs/shop/web.yaml"]; got != "100644 old!" {
				t.Errorf("web.yaml is %q", got)
			}
			if tip := must(repo.Tip("main"))(t); at.Commit != tip {
				t.Errorf("landed %s, main is %s", at.Commit, tip)
			}
		})
	}
}

// TestAStepThatToleratesAFailedRead is repeated all the same: it takes what it
// could not read for what is there.
func TestAStepThatToleratesAFailedRead(t *testing.T) {
	tolerant := func(_ context.Context, b Base) (*Change, error) {
		data, err := fs.ReadFile(b.Tree, "envs/shop/web.yaml")
		if err != nil {
			return nil, nil
		}
		return &Change{Files: []git.File{{Path: "envs/shop/web.yaml", After: append(data, '!')}}, Message: "edit\n"}, nil
	}
	start := func() (*gitserver.Server, *gitserver.Repo, *Remote) {
		server, repo := gitserver.Serve(t, shop...)
		server.Inject(gitserver.Fetch, 3, gitserver.Before(func() error { return nil })) // the tip, the root, envs
		return server, repo, open(t, repo.URL, unhurried)
	}
	t.Run("the server is away", func(t *testing.T) {
		server, _, r := start()
		server.Inject(gitserver.Fetch, 1, gitserver.Status(500))
		if at := must(r.Update(limited(t), "main", tolerant))(t); at.Commit == "" || at.Tries != 2 {
			t.Errorf("%+v", at)
		}
	})
	t.Run("the server refuses", func(t *testing.T) {
		server, _, r := start()
		server.Inject(gitserver.Fetch, 1, gitserver.Status(http.StatusForbidden))
		var refused *RefusedError
		if at, err := r.Update(limited(t), "main", tolerant); !errors.As(err, &refused) {
			t.Errorf("%+v, %v", at, err)
		}
	})
	t.Run("in another tree", func(t *testing.T) {
		server, repo, r := start()
		server.Inject(gitserver.Fetch, 1, gitserver.Status(500))
		other := must(repo.Tip("main"))(t)
		at := must(r.Update(limited(t), "main", func(ctx context.Context, _ Base) (*Change, error) {
			tree, err := r.Tree(ctx, other)
			if err != nil {
				return nil, err
			}
			defer func() { _ = tree.Close() }()
			return tolerant(ctx, Base{Tree: tree})
		}))(t)
		if at.Commit == "" || at.Tries != 2 {
			t.Errorf("%+v", at)
		}
	})
}

// TestAPushThatEndsWithoutAWord may have landed, as when the system runs out of
// memory and kills git.
func TestAPushThatEndsWithoutAWord(t *testing.T) {
	for name, end := range map[string]string{"killed": "kill -9 $$", "silent": "exit 1"} {
		t.Run(name, func(t *testing.T) {
			_, repo := gitserver.Serve(t, shop...)
			bin := t.TempDir()
			script := "#!/bin/sh\nPATH=${PATH#*:}\ncase \" $* \" in *' push '*) git \"$@\" >/dev/null 2>&1; " + end + ";; esac\nexec git \"$@\"\n"
			if err := os.WriteFile(filepath.Join(bin, "git"), []byte(script), 0o755); err != nil {
				t.Fatal(err)
			}
			t.Setenv("PATH", bin+string(filepath.ListSeparator)+os.Getenv("PATH"))
			at := must(open(t, repo.URL, unhurried).Update(limited(t), "main", careless))(t)
			if got := commits(t, repo); got != "start\nedit" || at.Commit != must(repo.Tip("main"))(t) || at.Tries != 1 {
				t.Errorf("landed %+v, the history is %q", at, got)
			}
		})
	}
}

// TestAPushWithoutAnAnswerIsFoundUnderLaterCommits holds that a commit that
// others have built on is not made again.
func TestAPushWithoutAnAnswerIsFoundUnderLaterCommits(t *testing.T) {
	server, repo := gitserver.Serve(t, shop...)
	server.Inject(gitserver.Push, 1, func(w http.ResponseWriter, req *http.Request, backend http.Handler) {
		defer func() {
			for range 3 {
				_, _ = repo.Advance("main")
			}
			panic(recover())
		}()
		gitserver.Cut(0)(w, req, backend)
	})
	r := open(t, repo.URL, unhurried)
	at := must(r.Update(limited(t), "main", put("a", "1")))(t)
	if got := commits(t, repo); got != "start\nput a"+strings.Repeat("\nsomebody else's", 3) {
		t.Errorf("the history is %q", got)
	}
	if want := must(repo.Git("rev-parse", "main~3"))(t); at.Commit != want || at.Tries != 1 {
		t.Errorf("landed %+v, want %s", at, want)
	}
}

// TestALatePush is one to another ref than the step names by now: it is not
// where the Update ends.
func TestALatePush(t *testing.T) {
	const first, second = "refs/heads/assay/shop/e111111111", "refs/heads/assay/shop/e222222222"
	server, repo := gitserver.Serve(t, shop...)
	try, late := 0, ""
	server.Watch(func(w http.ResponseWriter, req *http.Request, backend http.Handler) {
		switch pushes := strings.HasSuffix(req.URL.Path, "/git-receive-pack"); {
		case pushes && try == 1:
			backend.ServeHTTP(httptest.NewRecorder(), req)
			late, _ = repo.Git("rev-parse", first)
			_, _ = repo.Git("update-ref", "-d", first) // not yet
			panic(http.ErrAbortHandler)
		case pushes && try == 2:
			_, _ = repo.Git("update-ref", first, late)
			panic(http.ErrAbortHandler)
		}
		backend.ServeHTTP(w, req)
	})
	r := open(t, repo.URL, unhurried)
	at := must(r.Update(limited(t), "main", func(ctx context.Context, b Base) (*Change, error) {
		head := second
		if try = b.Try; try == 1 {
			head = first
		}
		change, err := put("a", head)(ctx, b)
		change.Ref = &Ref{Name: head}
		return change, err
	}))(t)
	if want := must(repo.Git("rev-parse", second))(t); at.Commit != want || late == "" {
		t.Errorf("landed %s, the last step's is %s, the late one %s", at.Commit, want, late)
	}
}

// TestAPushWithoutAnAnswerOnARewrittenBranch is made again: the new history does
// not have it.
func TestAPushWithoutAnAnswerOnARewrittenBranch(t *testing.T) {
	server, repo := gitserver.Serve(t, shop...)
	server.Inject(gitserver.Push, 1, func(w http.ResponseWriter, req *http.Request, backend http.Handler) {
		defer func() {
			other, _ := repo.Git("commit-tree", "-m", "another world", "main~1^{tree}")
			_, _ = repo.Git("update-ref", "refs/heads/main", other)
			panic(recover())
		}()
		gitserver.Cut(0)(w, req, backend)
	})
	r := open(t, repo.URL, unhurried)
	must(r.Update(limited(t), "main", put("a", "1")))(t)
	if got := commits(t, repo); got != "another world\nput a" {
		t.Errorf("the history is %q", got)
	}
}

// TestABranchThatIsReplacedMeanwhile has another history, and the old one is gone.
func TestABranchThatIsReplacedMeanwhile(t *testing.T) {
	for name, stage := range map[string]gitserver.Stage{"seen by git": gitserver.DiscoverPush, "seen by the server": gitserver.Push} {
		t.Run(name, func(t *testing.T) {
			server, repo := gitserver.Serve(t, shop...)
			must(repo.Advance("main"))(t)
			server.Inject(stage, 1, gitserver.Before(func() error { _, err := repo.Replace("main"); return err }))
			r := open(t, repo.URL, unhurried)
			at := must(r.Update(limited(t), "main", careless))(t)
			if got := commits(t, repo); got != "another history\nedit" || at.Tries != 2 {
				t.Errorf("the history is %q after %d tries", got, at.Tries)
			}
		})
	}
}

func TestAnEndBeforeThePush(t *testing.T) {
	_, repo := gitserver.Serve(t, shop...)
	ctx, cancel := context.WithCancel(t.Context())
	r := open(t, repo.URL, func(o *Options) {
		o.Step = func(step string) {
			if strings.HasPrefix(step, "push") {
				cancel()
			}
		}
	})
	_, err := r.Update(ctx, "main", careless)
	var gaveUp *GaveUpError
	if !errors.As(err, &gaveUp) || gaveUp.Pending || !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// clock goes on by a step each time that it is asked.
type clock struct {
	at   time.Time
	step time.Duration
}

func (c *clock) now() time.Time {
	c.at = c.at.Add(c.step)
	return c.at
}

// TestUnreachable ends where no connection can be made for a while: what is wrong
// there is the URL or the network.
func TestUnreachable(t *testing.T) {
	closed := must(net.Listen("tcp", "127.0.0.1:0"))(t)
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	r := open(t, "http://"+closed.Addr().String()+"/envs.git", unhurried, func(o *Options) { o.Now = (&clock{step: 10 * time.Second}).now })
	for name, f := range map[string]func(context.Context) error{
		"update": func(ctx context.Context) error { _, err := r.Update(ctx, "main", put("a", "1")); return err },
		"read": func(ctx context.Context) error {
			return r.Retry(ctx, func(ctx context.Context) error { _, err := r.DefaultBranch(ctx); return err })
		},
	} {
		err := f(limited(t))
		var away *UnreachableError
		if !errors.As(err, &away) || away.After != refusedPatience || away.Tries != 7 || !strings.Contains(err.Error(), "onnect") || !strings.Contains(err.Error(), "check the host") {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

// TestPatience: tries without a connection are bounded by time, however many they
// are, and what answers in between is not given up.
func TestPatience(t *testing.T) {
	refused, noHost, busy := &UnavailableError{Unreachable: true}, &UnavailableError{Unreachable: true, NoRoute: true}, &UnavailableError{}
	of := func(n int, err *UnavailableError) []*UnavailableError {
		return slices.Repeat([]*UnavailableError{err}, n)
	}
	for name, c := range map[string]struct {
		answers    []*UnavailableError // one a second
		unanswered bool
		ends       bool // at the last one, and not before
	}{
		"refused for a minute":           {of(61, refused), false, true},
		"refused for less":               {of(60, refused), false, false},
		"no host":                        {of(16, noHost), false, true},
		"no host for less":               {of(15, noHost), false, false},
		"no host, then one that refuses": {slices.Concat(of(10, noHost), of(51, refused)), false, true},
		"refused, then no host":          {slices.Concat(of(10, refused), of(50, noHost)), false, false},
		"it answers in between":          {slices.Concat(of(50, refused), of(1, busy), of(60, refused)), false, false},
		"it answers badly":               {of(1000, busy), false, false},
		"a push may have landed":         {of(1000, noHost), true, false},
	} {
		at := &clock{step: time.Second}
		u := &update{remote: open(t, "https://git.example.com/envs.git", func(o *Options) { o.Now = at.now }), unanswered: c.unanswered}
		for i, answer := range c.answers {
			err := u.consider(t.Context(), answer)
			if ends := c.ends && i == len(c.answers)-1; (err != nil) != ends {
				t.Errorf("%s: after %d: %v", name, i+1, err)
				break
			}
		}
	}
}

func TestAStepThatFails(t *testing.T) {
	_, repo := gitserver.Serve(t, shop...)
	r := open(t, repo.URL)
	superseded := errors.New("superseded")
	at, err := r.Update(limited(t), "main", func(context.Context, Base) (*Change, error) { return nil, superseded })
	if !errors.Is(err, superseded) || at.Tries != 1 {
		t.Errorf("%+v, %v", at, err)
	}
	at, err = r.Update(limited(t), "main", func(context.Context, Base) (*Change, error) { return nil, nil })
	if err != nil || at.Commit != "" || at.Parent != must(repo.Tip("main"))(t) {
		t.Errorf("%+v, %v", at, err)
	}
}

func TestAHangingServerIsLeftAtTheDeadline(t *testing.T) {
	for _, stage := range []gitserver.Stage{gitserver.DiscoverFetch, gitserver.ListRefs, gitserver.Fetch, gitserver.DiscoverPush, gitserver.Push} {
		t.Run(string(stage), func(t *testing.T) {
			server, repo := gitserver.Serve(t, shop...)
			ctx, cancel := context.WithCancelCause(t.Context())
			late := errors.New("too late")
			gone := make(chan struct{})
			server.Inject(stage, 1, func(_ http.ResponseWriter, req *http.Request, _ http.Handler) {
				cancel(late)
				<-req.Context().Done() // the client's processes have ended
				close(gone)
			})
			temp := t.TempDir()
			r := open(t, repo.URL, func(o *Options) { o.TempDir = temp })
			_, err := r.Update(ctx, "main", put("a", "1"))
			var gaveUp *GaveUpError
			if !errors.As(err, &gaveUp) || !errors.Is(err, late) || gaveUp.Pending != (stage == gitserver.Push || stage == gitserver.DiscoverPush) {
				t.Errorf("error %v", err)
			}
			<-gone
			if err := r.Close(); err != nil {
				t.Error(err)
			}
			if left := must(os.ReadDir(temp))(t); len(left) > 0 {
				t.Errorf("%s is left", left[0].Name())
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	_, repo := gitserver.Serve(t, shop...)
	update := func(t *testing.T, url, branch string, with ...func(*Options)) error {
		t.Helper()
		_, err := open(t, url, with...).Update(limited(t), branch, put("a", "1"))
		if err == nil {
			t.Fatal("it landed")
		}
		return err
	}
	t.Run("protected", func(t *testing.T) {
		if err := repo.Hook("pre-receive", `printf 'GitLab: You are not allowed to push code to protected branches on this project, \033[31mhunter2\033[0m.\n'; exit 1`); err != nil {
			t.Fatal(err)
		}
		err := update(t, repo.URL, "main", func(o *Options) { o.Scrub = func(s string) string { return strings.ReplaceAll(s, "hunter2", "***") } })
		var refused *RefusedError
		if !errors.As(err, &refused) || refused.Server != "GitLab: You are not allowed to push code to protected branches on this project, ***." || refused.Hint != hintBranch {
			t.Errorf("error %#v", err)
		}
	})
	t.Run("update hook", func(t *testing.T) {
		must(repo.Git("update-ref", "refs/heads/other", "main"))(t)
		for name, script := range map[string]string{"pre-receive": "exit 0", "update": "echo only on Mondays; exit 1"} {
			if err := repo.Hook(name, script); err != nil {
				t.Fatal(err)
			}
		}
		var refused *RefusedError
		if err := update(t, repo.URL, "other"); !errors.As(err, &refused) || !strings.Contains(refused.Server, "only on Mondays") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("no branch", func(t *testing.T) {
		must(repo.Git("update-ref", "refs/heads/mail", "main"))(t)
		if err := update(t, repo.URL, "mian"); !errors.Is(err, ErrNoBranch) || !strings.Contains(err.Error(), "branch mian") || !strings.Contains(err.Error(), "there are: mai") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("no name of a branch", func(t *testing.T) {
		for _, name := range []string{"", "a b", "a..b", "+x", "main:refs/heads/other", "*"} {
			if name == "+x" {
				continue // git takes it
			}
			if err := update(t, repo.URL, name); !strings.Contains(err.Error(), "is not a name of a branch") {
				t.Errorf("%q: error %v", name, err)
			}
		}
	})
	t.Run("no repository", func(t *testing.T) {
		var refused *RefusedError
		if err := update(t, repo.URL+"x", "main"); !errors.As(err, &refused) || refused.Hint != hintURL {
			t.Errorf("error %v", err)
		}
	})
	t.Run("no server", func(t *testing.T) {
		r := open(t, "http://127.0.0.1:1/x.git")
		var away *UnavailableError
		if _, err := r.Tip(t.Context(), "main"); !errors.As(err, &away) {
			t.Errorf("error %v", err)
		}
	})
}

func TestEmptyRepository(t *testing.T) {
	_, repo := gitserver.Serve(t)
	if _, err := open(t, repo.URL).Tip(t.Context(), "main"); !errors.Is(err, ErrEmpty) {
		t.Errorf("error %v", err)
	}
}

func TestCredentials(t *testing.T) {
	server, err := gitserver.Start(gitserver.Options{Dir: t.TempDir(), User: "bot", Password: "hunter2"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	repo := must(server.Create("envs"))(t)
	must(repo.Commit("main", "start", shop...))(t)

	asked := 0
	access := func(password string) func(*Options) {
		return func(o *Options) {
			o.Access = func(context.Context) (git.Settings, error) {
				asked++
				token := base64.StdEncoding.EncodeToString([]byte("bot:" + password))
				return git.Settings{Config: [][2]string{{"http.extraHeader", "Authorization: Basic " + token}}}, nil
			}
		}
	}
	must(open(t, repo.URL, access("hunter2")).Update(limited(t), "main", put("a", "1")))(t)
	if asked < 3 {
		t.Errorf("access was asked %d times: a token may have expired since", asked)
	}
	for name, with := range map[string]func(*Options){"wrong": access("guess"), "none": func(*Options) {}} {
		_, err := open(t, repo.URL, with).Update(limited(t), "main", put("b", "1"))
		var refused *RefusedError
		if !errors.As(err, &refused) || refused.Hint != hintToken || strings.Contains(err.Error(), "guess") {
			t.Errorf("%s: error %v", name, err)
		}
	}
	gone := errors.New("the vault is shut")
	_, err = open(t, repo.URL, func(o *Options) {
		o.Access = func(context.Context) (git.Settings, error) { return git.Settings{}, gone }
	}).Tip(t.Context(), "main")
	if !errors.Is(err, gone) {
		t.Errorf("error %v", err)
	}
}

func TestOptions(t *testing.T) {
	for url, want := range map[string]string{
		"":                                  "no URL",
		"https://bot:hunter2@example.com/x": "has a password in it",
		"https://example.com/x\ny":          "line break",
		"envs":                              "not a URL of a Git repository",
	} {
		_, err := Open(t.Context(), Options{URL: url, Author: somebody, TempDir: t.TempDir()})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: error %v", url, err)
		}
	}
	if _, err := Open(t.Context(), Options{URL: "https://example.com/x"}); err == nil || !strings.Contains(err.Error(), "author") {
		t.Errorf("error %v", err)
	}
	_, err := Open(t.Context(), Options{URL: "https://example.com/x", Author: somebody, TempDir: "/nowhere/at/all"})
	if err == nil || !strings.Contains(err.Error(), "temporary files") || strings.Contains(err.Error(), "/nowhere") {
		t.Errorf("error %v", err)
	}
}
