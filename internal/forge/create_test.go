package forge_test

import (
	"errors"
	"net/http"
	"slices"
	"testing"

	"github.com/assaydev/assay/internal/forge"
	"github.com/assaydev/assay/test/forgefake"
)

func TestCreateAdopts(t *testing.T) {
	eachForge(t, func(t *testing.T, s *side) {
		s.fake.Add(forgefake.Pull{Head: head, Base: "main", Title: "By hand", Labels: []string{"Assay", "mine"}})
		n := proposal()
		n.Labels = []string{"assay", "prod"}
		pull, err := s.Create(t.Context(), n)
		if err != nil {
			t.Fatal(err)
		}
		if pull.Number != 1 || pull.Title != "By hand" || !slices.Equal(pull.Labels, []string{"Assay", "mine", "prod"}) {
			t.Errorf("adopted %+v", pull)
		}
		if kept := s.one(); !slices.Equal(kept.Labels, pull.Labels) {
			t.Errorf("the forge has the labels %q", kept.Labels)
		}
	})
}

func TestCreateAfterAPersonClosed(t *testing.T) {
	eachForge(t, func(t *testing.T, s *side) {
		s.create()
		s.fake.ClosePull(1)
		if pull := s.create(); pull.Number != 2 {
			t.Errorf("got %d, want a second one", pull.Number)
		}
		if s.fake.Pulls()[0].State != "closed" {
			t.Error("the closed one was opened again")
		}
	})
}

func TestCreateWithoutChange(t *testing.T) {
	eachForge(t, func(t *testing.T, s *side) {
		s.git.branch("same")
		s.git.commit("main", "tag: v3\n") // main is ahead now
		n := proposal()
		n.Head = "same"
		_, err := s.Create(t.Context(), n)
		if !errors.Is(err, forge.ErrNoChange) {
			t.Errorf("got %v, want ErrNoChange", err)
		}
		if len(s.fake.Pulls()) != 0 {
			t.Error("one was opened")
		}
	})
}

func TestCreateWithoutBranch(t *testing.T) {
	eachForge(t, func(t *testing.T, s *side) {
		n := proposal()
		n.Head = "none"
		_, err := s.Create(t.Context(), n)
		mustHave(t, err, "open a pull request of acme/shop", map[forge.Kind]string{
			forge.GitHub: "head invalid (422 Unprocessable Entity); check that the branch exists",
			forge.GitLab: "Ref Not Found (404 Not Found); check that https://gitlab.com/acme/shop exists, with its branches",
		}[s.kind])
	})
}

// TestCreateOnce loses the answer, or more, in every way: there is one pull
// request in the end.
func TestCreateOnce(t *testing.T) {
	for name, faults := range map[string][]forgefake.Fault{
		"cut before it is served": {{Times: 1}},
		"cut after it is served":  {{Times: 1, Served: true}},
		"cut in the answer":       {{Times: 1, Half: true}},
		"a bad gateway after it":  {{Times: 1, Served: true, Status: http.StatusBadGateway}},
		"errors, then it works":   {{Times: 3, Status: http.StatusInternalServerError}},
		"one after the other": {
			{Times: 1, Status: http.StatusServiceUnavailable},
			{Times: 1},
			{Times: 1, Served: true, Status: http.StatusGatewayTimeout},
		},
	} {
		t.Run(name, func(t *testing.T) {
			eachForge(t, func(t *testing.T, s *side) {
				for _, fault := range faults {
					fault.Method, fault.Path = http.MethodPost, s.pulls()
					s.fake.Fail(fault)
				}
				pull := s.create()
				if kept := s.one(); kept.Number != pull.Number || !slices.Equal(kept.Labels, []string{"assay"}) {
					t.Errorf("created %+v, the forge has %+v", pull, kept)
				}
			})
		})
	}
}

// TestCreateGivesUp has a forge that never opens one.
func TestCreateGivesUp(t *testing.T) {
	eachForge(t, func(t *testing.T, s *side) {
		s.fake.Fail(forgefake.Fault{Method: http.MethodPost, Path: s.pulls(), Status: http.StatusInternalServerError})
		_, err := s.Create(t.Context(), proposal())
		mustHave(t, err, "500", "is not known")
	})
}

// TestCreateCompletesLabels is interrupted between opening and labelling.
func TestCreateCompletesLabels(t *testing.T) {
	eachForge(t, func(t *testing.T, s *side) {
		labels := forgefake.Fault{Method: http.MethodPost, Path: "/labels", Status: http.StatusBadRequest}
		if s.kind == forge.GitLab {
			labels.Method, labels.Path = http.MethodPut, "/1"
		}
		s.fake.Fail(labels)
		pull, err := s.Create(t.Context(), proposal())
		if err == nil || pull.Number != 1 {
			t.Fatalf("got %+v, %v; want the pull request and an error", pull, err)
		}
		mustHave(t, err, "label", " 1 of acme/shop")
		s.fake.Recover()
		s.create()
		if kept := s.one(); !slices.Equal(kept.Labels, []string{"assay"}) {
			t.Errorf("it has the labels %q", kept.Labels)
		}
	})
}
