package forge_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/assaydev/assay/internal/forge"
	"github.com/assaydev/assay/test/forgefake"
)

// merge tries as a caller does, while the forge asks for it.
func (s *side) merge(m forge.Merge) (string, error) {
	for range 5 {
		sha, err := s.Merge(s.t.Context(), 1, m)
		if !errors.Is(err, forge.ErrTryAgain) {
			return sha, err
		}
	}
	s.t.Fatal("the forge asks to try again without end")
	return "", nil
}

func TestMergeRefused(t *testing.T) {
	for name, c := range map[string]struct {
		github, gitlab string // in the forge's words
		arrange        func(*side)
		want           error
	}{
		"head moved": {"Head branch was modified", "SHA does not match HEAD", func(s *side) {
			s.git.commit(head, "tag: v2-by-hand\n")
		}, forge.ErrHeadMoved},
		"conflict": {"not mergeable", "Branch cannot be merged", func(s *side) {
			s.git.commit("main", "tag: v3\n")
		}, forge.ErrConflict},
		"draft": {"still a draft", "draft status", func(s *side) {
			if err := s.Update(s.t.Context(), 1, forge.Change{Draft: ptr(true)}); err != nil {
				s.t.Fatal(err)
			}
		}, forge.ErrNotMergeable},
		"a review is missing": {"At least 1 approving review is required", "not approved", func(s *side) {
			s.fake.Block(map[forge.Kind]string{
				forge.GitHub: "At least 1 approving review is required by reviewers with write access.", forge.GitLab: "not_approved",
			}[s.kind])
		}, forge.ErrNotMergeable},
		"checks run": {`Required status check "ci" is expected`, "ci still running", func(s *side) {
			s.fake.Block(map[forge.Kind]string{
				forge.GitHub: `Required status check "ci" is expected.`, forge.GitLab: "ci_still_running",
			}[s.kind])
		}, forge.ErrNotMergeable},
		"closed": {"not mergeable", "not open", func(s *side) {
			s.fake.ClosePull(1)
		}, forge.ErrNotMergeable},
	} {
		t.Run(name, func(t *testing.T) {
			eachForge(t, func(t *testing.T, s *side) {
				s.create()
				c.arrange(s)
				before := s.git.tip("main")
				sha, err := s.merge(forge.Merge{HeadSHA: s.moved})
				if sha != "" || !errors.Is(err, c.want) {
					t.Fatalf("got %q, %v; want %v", sha, err, c.want)
				}
				mustHave(t, err, map[forge.Kind]string{forge.GitHub: c.github, forge.GitLab: c.gitlab}[s.kind])
				if s.git.tip("main") != before {
					t.Error("main moved")
				}
			})
		})
	}
}

func TestMergeMethods(t *testing.T) {
	eachForge(t, func(t *testing.T, s *side) {
		s.create()
		sha, err := s.merge(forge.Merge{HeadSHA: s.moved, Method: forge.MethodSquash, Title: "Promote v2", Message: "Why"})
		if err != nil {
			t.Fatal(err)
		}
		if got := s.git.git("", "log", "-1", "--format=%H %P", "main"); got != sha+" "+s.git.git("", "rev-parse", s.moved+"^") {
			t.Errorf("squashed as %s, the commit and its parents are %s", sha, got)
		}
	})
	eachForge(t, func(t *testing.T, s *side) {
		s.create()
		sha, err := s.merge(forge.Merge{HeadSHA: s.moved, Method: forge.MethodRebase})
		if s.kind == forge.GitLab {
			if !errors.Is(err, forge.ErrNotMergeable) {
				t.Errorf("got %v", err)
			}
			mustHave(t, err, "a setting of the project")
			return
		}
		if err != nil || sha != s.git.tip("main") {
			t.Errorf("rebased as %s, %v", sha, err)
		}
	})
}

func TestMergeMethodIsNotAllowed(t *testing.T) {
	s := newSide(t, forge.GitHub)
	s.create()
	s.fake.Methods("squash")
	_, err := s.merge(forge.Merge{HeadSHA: s.moved})
	if !errors.Is(err, forge.ErrNotMergeable) {
		t.Errorf("got %v", err)
	}
	mustHave(t, err, "Merge commits are not allowed on this repository.")
}

func TestMergeNeedsAHead(t *testing.T) {
	s := newSide(t, forge.GitHub)
	if _, err := s.Merge(t.Context(), 1, forge.Merge{}); !errors.Is(err, forge.ErrHeadMoved) {
		t.Errorf("got %v", err)
	}
	if len(s.fake.Requests()) != 0 {
		t.Error("something was sent")
	}
}

// TestMergeWhileTheBaseMoves moves main between the forge's decision and its
// update; the next try merges on top.
func TestMergeWhileTheBaseMoves(t *testing.T) {
	s := newSide(t, forge.GitHub)
	s.create()
	s.fake.DuringMerge(func() {
		s.git.git("", "update-ref", "refs/heads/main", s.git.git("", "commit-tree", "-m", "Unrelated", "-p", s.git.tip("main"), s.git.tip("main")+"^{tree}"))
	})
	_, err := s.Merge(t.Context(), 1, forge.Merge{HeadSHA: s.moved})
	if !errors.Is(err, forge.ErrTryAgain) {
		t.Fatalf("got %v, want ErrTryAgain", err)
	}
	mustHave(t, err, "Base branch was modified")
	sha, err := s.Merge(t.Context(), 1, forge.Merge{HeadSHA: s.moved})
	if err != nil || sha != s.git.tip("main") {
		t.Errorf("merged as %s, %v", sha, err)
	}
}

// TestMergeWithLostAnswer finds out what became of it.
func TestMergeWithLostAnswer(t *testing.T) {
	for name, fault := range map[string]forgefake.Fault{
		"cut after it is served": {Served: true},
		"cut in the answer":      {Half: true},
		"a bad gateway after it": {Served: true, Status: http.StatusBadGateway},
		"cut before":             {},
		"an error before":        {Status: http.StatusInternalServerError},
	} {
		t.Run(name, func(t *testing.T) {
			eachForge(t, func(t *testing.T, s *side) {
				s.create()
				fault := fault
				fault.Times, fault.Method, fault.Path = 1, http.MethodPut, "/merge"
				s.fake.Fail(fault)
				sha, err := s.merge(forge.Merge{HeadSHA: s.moved})
				if err != nil || sha != s.git.tip("main") || s.one().State != "merged" {
					t.Errorf("merged as %s, %v", sha, err)
				}
				if merges := s.git.git("", "rev-list", "--count", "--merges", "main"); merges != "1" {
					t.Errorf("main has %s merges", merges)
				}
			})
		})
	}
}

// TestMergeIsDenied has a token that may only read.
func TestMergeIsDenied(t *testing.T) {
	eachForge(t, func(t *testing.T, s *side) {
		s.create()
		s.opt.Token = token("read-only")
		_, err := s.open(s.opt).Merge(t.Context(), 1, forge.Merge{HeadSHA: s.moved})
		mustHave(t, err, "merge", "403", "it needs")
	})
}
