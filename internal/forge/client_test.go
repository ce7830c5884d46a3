package forge_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/assaydev/assay/internal/forge"
	"github.com/assaydev/assay/test/forgefake"
)

func ptr[T any](v T) *T { return &v }

func TestLifeOfAPull(t *testing.T) {
	eachForge(t, func(t *testing.T, s *side) {
		ctx := t.Context()
		pull := s.create()
		want := forge.Pull{
			Number: 1, Title: "Promote v2", Body: "Verdict: promote", Head: head, Base: "main",
			HeadSHA: s.moved, State: forge.StateOpen, Labels: []string{"assay"},
		}
		if diff := cmp.Diff(want, pull, cmpopts.IgnoreFields(forge.Pull{}, "URL")); diff != "" {
			t.Errorf("created (-want +got):\n%s", diff)
		}
		if !strings.Contains(pull.URL, path) {
			t.Errorf("its page is %s", pull.URL)
		}

		again := s.open(s.opt) // as after a restart
		found, err := again.Find(ctx, head, "main")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]forge.Pull{pull}, found); diff != "" {
			t.Errorf("found (-created +found):\n%s", diff)
		}

		if err := again.Update(ctx, 1, forge.Change{Title: ptr("Promote v2.1"), Draft: ptr(true)}); err != nil {
			t.Fatal(err)
		}
		if got, _ := again.Get(ctx, 1); got.Title != "Promote v2.1" || got.Body != pull.Body || !got.Draft {
			t.Errorf("updated to %+v", got)
		}
		if err := again.Update(ctx, 1, forge.Change{Draft: ptr(false), Body: ptr("More evidence")}); err != nil {
			t.Fatal(err)
		}
		if got, _ := again.Get(ctx, 1); got.Title != "Promote v2.1" || got.Body != "More evidence" || got.Draft {
			t.Errorf("updated to %+v", got)
		}

		for range 2 {
			if err := again.Comment(ctx, 1, "Superseded soon"); err != nil {
				t.Fatal(err)
			}
			if err := again.AddLabels(ctx, 1, "assay", "prod"); err != nil {
				t.Fatal(err)
			}
		}
		kept := s.one()
		if !slices.Equal(kept.Comments, []string{"Superseded soon"}) || !slices.Equal(kept.Labels, []string{"assay", "prod"}) {
			t.Errorf("comments %q, labels %q", kept.Comments, kept.Labels)
		}

		sha, err := again.Merge(ctx, 1, forge.Merge{HeadSHA: s.moved, Title: "Promote v2 (#1)", Message: "Assay-Outcome: promoted"})
		if err != nil {
			t.Fatal(err)
		}
		if tip := s.git.tip("main"); sha != tip {
			t.Errorf("merged as %s, and main is at %s", sha, tip)
		}
		if message := s.git.git("", "log", "-1", "--format=%B", "main"); message != "Promote v2 (#1)\n\nAssay-Outcome: promoted" {
			t.Errorf("the commit says %q", message)
		}
		found, err = again.Find(ctx, head, "main")
		if err != nil || len(found) != 1 || found[0].State != forge.StateMerged || found[0].MergeSHA != sha {
			t.Errorf("after the merge it is %+v, %v", found, err)
		}
		if twice, err := again.Merge(ctx, 1, forge.Merge{HeadSHA: s.moved}); err != nil || twice != sha {
			t.Errorf("merging it again is %s, %v; want %s", twice, err, sha)
		}
		if err := again.Close(ctx, 1); !errors.Is(err, forge.ErrMerged) {
			t.Errorf("closing it is %v, want ErrMerged", err)
		}
	})
}

func TestUpdateSendsOnlyWhatDiffers(t *testing.T) {
	eachForge(t, func(t *testing.T, s *side) {
		pull := s.create()
		before := len(s.fake.Requests())
		if err := s.Update(t.Context(), 1, forge.Change{Title: &pull.Title, Body: &pull.Body, Draft: &pull.Draft}); err != nil {
			t.Fatal(err)
		}
		if after := s.fake.Requests()[before:]; len(after) != 1 || !strings.HasPrefix(after[0], "GET ") {
			t.Errorf("an update without a difference sent %v", after)
		}
	})
}

func TestCreateDraft(t *testing.T) {
	eachForge(t, func(t *testing.T, s *side) {
		n := proposal()
		n.Draft = true
		pull, err := s.Create(t.Context(), n)
		if err != nil || !pull.Draft || pull.Title != n.Title {
			t.Errorf("created %+v, %v", pull, err)
		}
	})
}

func TestClose(t *testing.T) {
	eachForge(t, func(t *testing.T, s *side) {
		s.create()
		for range 2 {
			if err := s.Close(t.Context(), 1); err != nil {
				t.Fatal(err)
			}
		}
		if got := s.one().State; got != "closed" {
			t.Errorf("it is %s", got)
		}
		found, err := s.Find(t.Context(), head, "main")
		if err != nil || len(found) != 1 || found[0].State != forge.StateClosed || found[0].MergeSHA != "" {
			t.Errorf("found %+v, %v", found, err)
		}
	})
}

// TestFind has more than a page, of several branches, and a fork's.
func TestFind(t *testing.T) {
	eachForge(t, func(t *testing.T, s *side) {
		for i := range 120 {
			s.fake.Add(forgefake.Pull{Title: fmt.Sprint(i), Head: head, Base: "main", State: "closed"})
		}
		s.fake.Add(forgefake.Pull{Head: head, Base: "main", Fork: true})
		s.fake.Add(forgefake.Pull{Head: head, Base: "release"})
		s.fake.Add(forgefake.Pull{Head: "other", Base: "main"})
		found, err := s.Find(t.Context(), head, "main")
		if err != nil {
			t.Fatal(err)
		}
		if len(found) != 120 || found[0].Number != 120 || found[119].Number != 1 {
			t.Errorf("found %d, want 120 from the newest on", len(found))
		}
		list, err := s.List(t.Context(), "assay/prod/", "")
		if err != nil || len(list) != 1 || list[0].Number != 122 {
			t.Errorf("listed %+v, %v", list, err)
		}
		list, err = s.List(t.Context(), "", "main")
		if err != nil || len(list) != 1 || list[0].Head != "other" {
			t.Errorf("listed %+v, %v", list, err)
		}
	})
}

func TestTooLong(t *testing.T) {
	eachForge(t, func(t *testing.T, s *side) {
		long := strings.Repeat("ü", s.BodyLimit())
		n := proposal()
		n.Body = long + "!"
		if _, err := s.Create(t.Context(), n); !errors.Is(err, forge.ErrTooLong) {
			t.Errorf("a body that is too long is %v", err)
		}
		n = proposal()
		n.Title = strings.Repeat("ü", forge.TitleLimit+1)
		if _, err := s.Create(t.Context(), n); !errors.Is(err, forge.ErrTooLong) {
			t.Errorf("a title that is too long is %v", err)
		}
		if err := s.Comment(t.Context(), 1, n.Body+long); !errors.Is(err, forge.ErrTooLong) {
			t.Errorf("a comment that is too long is %v", err)
		}
		if sent := s.fake.Requests(); len(sent) != 0 {
			t.Errorf("sent %v", sent)
		}
		n.Title, n.Body, n.Draft = n.Title[2:], long, true
		if _, err := s.Create(t.Context(), n); err != nil {
			t.Errorf("the longest title and body: %v", err)
		}
	})
}

func TestDenied(t *testing.T) {
	eachForge(t, func(t *testing.T, s *side) {
		s.create()
		name := map[forge.Kind]string{forge.GitHub: "pull request 1 of acme/shop on GitHub", forge.GitLab: "merge request 1 of acme/shop on GitLab"}[s.kind]
		with := func(token func(context.Context) (string, error), repo string) *forge.Client {
			opt := s.opt
			opt.Token, opt.Repo.Path = token, repo
			return s.open(opt)
		}
		_, err := with(token("wrong"), path).Get(t.Context(), 1)
		mustHave(t, err, name, "401", "the token is wrong, expired")
		err = with(token("read-only"), path).Close(t.Context(), 1)
		mustHave(t, err, "close "+name, "403", "it needs")
		_, err = with(token(secret), "acme/none").Find(t.Context(), head, "main")
		mustHave(t, err, "find pull requests of acme/none", "404", "/acme/none exists")
		_, err = with(token(""), path).Find(t.Context(), head, "main")
		mustHave(t, err, "the forge's token is empty")
		_, err = with(func(context.Context) (string, error) { return "", errors.New("no such file") }, path).Find(t.Context(), head, "main")
		mustHave(t, err, "no such file")
	})
}

// TestTokenStaysOut has a forge that repeats the token, and one that redirects.
func TestTokenStaysOut(t *testing.T) {
	eachForge(t, func(t *testing.T, s *side) {
		s.fake.Fail(forgefake.Fault{Times: 1, Status: http.StatusBadRequest, Body: `{"message": "bad token ` + secret + `"}`})
		_, err := s.Find(t.Context(), head, "main")
		mustHave(t, err, "bad token ***")

		var leaked string
		elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			leaked = fmt.Sprint(r.Header)
			_, _ = w.Write([]byte("[]"))
		}))
		defer elsewhere.Close()
		s.fake.Fail(forgefake.Fault{Times: 1, Status: http.StatusFound, Header: http.Header{"Location": {elsewhere.URL}}})
		if _, err := s.Find(t.Context(), head, "main"); err != nil {
			t.Fatal(err)
		}
		if leaked == "" || strings.Contains(leaked, secret) {
			t.Errorf("the other server got %s", leaked)
		}
	})
}

// TestCutAnswer breaks the connection in the middle of a list.
func TestCutAnswer(t *testing.T) {
	eachForge(t, func(t *testing.T, s *side) {
		s.create()
		s.fake.Fail(forgefake.Fault{Times: 2, Half: true})
		found, err := s.Find(t.Context(), head, "main")
		if err != nil || len(found) != 1 {
			t.Errorf("found %+v, %v", found, err)
		}
	})
}

func TestOtherThanAnAPI(t *testing.T) {
	eachForge(t, func(t *testing.T, s *side) {
		s.fake.Fail(forgefake.Fault{Times: 1, Status: http.StatusOK, Body: "<html>Sign in</html>"})
		_, err := s.Find(t.Context(), head, "main")
		mustHave(t, err, "check the API's URL")
		s.fake.Fail(forgefake.Fault{Times: 1, Status: http.StatusBadRequest, Body: "<html>Proxy</html>"})
		_, err = s.Find(t.Context(), head, "main")
		mustHave(t, err, "400 Bad Request")
		if strings.Contains(err.Error(), "<") {
			t.Errorf("the error holds a page: %v", err)
		}
	})
}

func TestOpenRefuses(t *testing.T) {
	repo := forge.Repo{Kind: forge.GitHub, Base: "https://github.com", Path: path}
	for _, c := range []struct {
		opt  forge.Options
		want string
	}{
		{forge.Options{Repo: repo}, "need a token"},
		{forge.Options{Repo: forge.Repo{Base: "https://git.example.com", Path: path}, Token: token(secret)}, "does not tell the kind"},
		{forge.Options{Repo: forge.Repo{Kind: "svn", Base: "https://git.example.com", Path: path}, Token: token(secret)}, `"svn"`},
		{forge.Options{Repo: repo, Token: token(secret), API: "git.example.com"}, "must be like https://git.example.com/api/v3/"},
		{forge.Options{Repo: repo, Token: token(secret), API: "https://me:" + secret + "@git.example.com"}, "no credentials"},
	} {
		_, err := forge.Open(c.opt)
		mustHave(t, err, "open forge: ", c.want)
	}
}

// TestConcurrentCreate has many callers that open the same one.
func TestConcurrentCreate(t *testing.T) {
	eachForge(t, func(t *testing.T, s *side) {
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				pull, err := s.Create(t.Context(), proposal())
				if err != nil || pull.Number != 1 {
					t.Errorf("created %+v, %v", pull, err)
				}
			})
		}
		all.Wait()
		s.one()
	})
}

// TestDraftOnOwnServer has a GitHub of one's own, whose GraphQL is beside the
// REST API.
func TestDraftOnOwnServer(t *testing.T) {
	s := newSide(t, forge.GitHub)
	mux := http.NewServeMux()
	mux.Handle("/api/v3/", http.StripPrefix("/api/v3", s.fake))
	mux.Handle("/api/graphql", http.StripPrefix("/api", s.fake))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	s.opt.Repo.Base = server.URL
	s.opt.HTTP = nil
	s.Client = s.open(s.opt)
	s.create()
	for _, draft := range []bool{true, false} {
		if err := s.Update(t.Context(), 1, forge.Change{Draft: &draft}); err != nil {
			t.Fatal(err)
		}
		if s.one().Draft != draft {
			t.Errorf("it should be a draft: %t", draft)
		}
	}
}
