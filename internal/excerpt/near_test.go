package excerpt_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaydev/assay/internal/excerpt"
)

func TestNear(t *testing.T) {
	for _, tt := range []struct {
		word  string
		known []string
		want  []string
	}{
		{"candidat", []string{"targets", "candidate", "queue"}, []string{"candidate"}},
		{"Mode", []string{"mode"}, []string{"mode"}},
		{"productpage", []string{"iter8/productpage", "reviews"}, []string{"iter8/productpage"}},
		{"web", []string{"web-a", "web-b", "web-c", "web-d"}, []string{"web-a", "web-b", "web-c"}},
		{"abc", []string{"xyz"}, nil},
		{"a", []string{"b"}, nil},
		{"", []string{"a"}, nil},
		{"web", []string{"", "web"}, []string{"web"}},
		{"tag", []string{"tag", "tag"}, []string{"tag"}},
		{strings.Repeat("a", 1000), []string{strings.Repeat("a", 999)}, nil},
	} {
		if diff := cmp.Diff(tt.want, excerpt.Near(tt.word, tt.known)); diff != "" {
			t.Errorf("Near(%.20q): %s", tt.word, diff)
		}
	}
}
