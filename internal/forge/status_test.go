package forge_test

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/assaydev/assay/internal/forge"
	"github.com/assaydev/assay/test/forgefake"
)

// TestSetStatus: a commit has the status by the forge's own word for it, twice without harm.
func TestSetStatus(t *testing.T) {
	eachForge(t, func(t *testing.T, s *side) {
		long := strings.Repeat("ä", 300)
		for _, state := range []forge.StatusState{forge.StatusPending, forge.StatusPending, forge.StatusFailure, forge.StatusSuccess} {
			if err := s.SetStatus(t.Context(), s.moved, forge.Status{Context: "assay/prod", State: state, Description: "it runs: " + long, URL: "https://example.com/1"}); err != nil {
				t.Fatal(err)
			}
		}
		want := []string{"pending", "pending", "failure", "success"}
		if s.kind == forge.GitLab {
			want = []string{"pending", "failed", "success"} // it refuses the second
		}
		var got []string
		for _, kept := range s.fake.Statuses() {
			got = append(got, kept.State)
			if kept.Commit != s.moved || kept.Context != "assay/prod" || !strings.HasPrefix(kept.Description, "it runs: ") || kept.URL != "https://example.com/1" {
				t.Errorf("the forge has %+v", kept)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("the forge has %q, want %q", got, want)
		}
		err := s.SetStatus(t.Context(), strings.Repeat("0", 40), forge.Status{Context: "assay/prod", State: forge.StatusPending})
		mustHave(t, err, "set the status of commit "+strings.Repeat("0", 40)+" of acme/shop")
		s.opt.Token = token("read-only")
		err = s.open(s.opt).SetStatus(t.Context(), s.moved, forge.Status{Context: "assay/prod", State: forge.StatusPending})
		mustHave(t, err, "the token may not do this")
	})
}

// TestAnswered: every request is told, with what the forge says of its limit, and so is one
// without an answer.
func TestAnswered(t *testing.T) {
	eachForge(t, func(t *testing.T, s *side) {
		var mu sync.Mutex
		var told []forge.Answer
		s.opt.Answered = func(a forge.Answer) {
			mu.Lock()
			defer mu.Unlock()
			told = append(told, a)
		}
		c := s.open(s.opt)
		s.fake.Quota(10, time.Now().Add(time.Hour), 10)
		if _, err := c.Find(t.Context(), head, "main"); err != nil {
			t.Fatal(err)
		}
		s.fake.Fail(forgefake.Fault{Method: http.MethodPost, Times: 1})
		if err := c.SetStatus(t.Context(), s.moved, forge.Status{Context: "assay/prod", State: forge.StatusPending}); err != nil {
			t.Fatal(err)
		}
		if len(told) != 3 || told[0].Status != 200 || told[0].Remaining != 9 || told[1].Status != 0 || told[1].Remaining != -1 || told[2].Remaining != 8 {
			t.Errorf("told %+v", told)
		}
		for _, a := range told {
			if !strings.HasPrefix(a.Host, "127.0.0.1:") {
				t.Errorf("of the host %q", a.Host)
			}
		}
	})
}
