package yamledit

import (
	"errors"
	"strings"
	"testing"
)

// TestApplyLaws makes random edits of every seed, in all variants of line
// breaks, and holds that each is made right or refused for a reason.
func TestApplyLaws(t *testing.T) {
	rounds := 40
	if testing.Short() {
		rounds = 5
	}
	made := 0
	for i, seed := range seeds {
		for _, data := range variants(seed) {
			for round := range rounds {
				for _, count := range []int{1, 3} {
					out, edits, err := try([]byte(data), uint64(1000*round+i), count)
					var refused *Error
					switch {
					case err == nil:
						made++
					case strings.HasPrefix(err.Error(), "WRONG"), strings.Contains(err.Error(), "in place"):
						t.Errorf("%v\nedits %+v\nof %q\nto %q", err, edits, data, out)
					case errors.As(err, &refused) && (refused.File == "" || refused.Reason == "" || len(err.Error()) > 600):
						t.Errorf("an incomplete or long error: %v", err)
					}
				}
			}
		}
	}
	if low := 60 * rounds; made < low {
		t.Errorf("made only %d edits, want %d or more", made, low)
	}
}

// variants are a file with other line breaks, a byte order mark, and without
// its last line break.
func variants(s string) []string {
	crlf := strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\n", "\r\n")
	cut := strings.TrimSuffix(strings.TrimSuffix(s, "\n"), "\r")
	return []string{s, crlf, byteOrderMark + strings.TrimPrefix(s, byteOrderMark), cut, strings.TrimSuffix(crlf, "\r\n")}
}
