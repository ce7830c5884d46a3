package remote

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/assaydev/assay/internal/git"
)

func packet(text string) string { return fmt.Sprintf("%04x%s", len(text)+4, text) }

const (
	advertisement = "application/x-git-upload-pack-advertisement"
	result        = "application/x-git-upload-pack-result"
)

// strange are answers that no Git server gives, to the first request and, where
// that is answered well, to the next ones.
func strange() map[string]struct{ kind, first, then string } {
	good := packet("# service=git-upload-pack\n") + "0000" + packet("version 2\n") + packet("ls-refs=unborn\n") + packet("fetch=shallow wait-for-done filter\n") + packet("object-format=sha1\n") + "0000"
	pack := "PACK\x00\x00\x00\x02\x00\x00\x00\x00"
	sum, _ := hex.DecodeString("029d08823bd8a8eab510ad6ac75c823cfd3ed31e") // of that
	fetched := func(data string) string { return packet("packfile\n") + packet("\x01"+data) + "0000" }
	return map[string]struct{ kind, first, then string }{
		"a login page":            {"text/html", "<html>Please log in</html>", ""},
		"nothing":                 {"text/html", "", ""},
		"nothing, as text":        {"text/plain", "", ""},
		"JSON":                    {"application/json", "{}", ""},
		"a page called Git's":     {advertisement, "<html>Please log in</html>", ""},
		"files of a web server":   {"text/plain", strings.Repeat("a", 40) + "\trefs/heads/main\n", ""},
		"a page after the refs":   {advertisement, good, "<html>log in</html>"},
		"a page for a pack":       {advertisement, good, fetched("<html>this is not a pack, but longer than a header</html>")},
		"a pack with a wrong sum": {advertisement, good, fetched(pack + strings.Repeat("z", 20))},
		"a pack of nothing":       {advertisement, good, fetched(pack + string(sum))},
		"garbage":                 {advertisement, good, "zzzz garbage"},
		"another section":         {advertisement, good, packet("\x02" + strings.Repeat("p\n", 100))},
	}
}

// ServeHTTP gives one of them.
func (c tale) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, _ := io.ReadAll(req.Body)
	switch {
	case req.Method == http.MethodGet:
		w.Header().Set("Content-Type", c.kind)
		_, _ = io.WriteString(w, c.first)
	case strings.Contains(string(body), "command=ls-refs") && c.then != "zzzz garbage":
		w.Header().Set("Content-Type", result)
		_, _ = io.WriteString(w, packet(strings.Repeat("a", 40)+" HEAD symref-target:refs/heads/main\n")+packet(strings.Repeat("a", 40)+" refs/heads/main\n")+"0000")
	default:
		w.Header().Set("Content-Type", result)
		_, _ = io.WriteString(w, c.then)
	}
}

type tale struct{ kind, first, then string }

// TestWhatIsNotAGitServer is named as what it is, at once, and is never an empty
// repository.
func TestWhatIsNotAGitServer(t *testing.T) {
	for name, c := range strange() {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(tale(c))
			defer server.Close()
			r := open(t, server.URL+"/x.git")
			start := time.Now()
			_, err := r.Update(limited(t), "main", careless)
			var refused *RefusedError
			if !errors.As(err, &refused) || !refused.Strange || errors.Is(err, ErrEmpty) || time.Since(start) > 10*time.Second {
				t.Errorf("after %s: %v", time.Since(start), err)
			}
			if c.kind == advertisement {
				return
			}
			if _, err := r.DefaultBranch(t.Context()); c.first != "" && !strings.Contains(c.first, "refs/") && (!errors.As(err, &refused) || !refused.Strange) {
				t.Errorf("the default branch: %v", err)
			}
		})
	}
}

// TestAnEndlessAnswerEnds: neither memory nor the disk is filled, and another try
// is not made.
func TestAnEndlessAnswerEnds(t *testing.T) {
	for name, text := range map[string]string{"a page": "<p>more</p>", "refs": packet(strings.Repeat("a", 40) + " refs/heads/" + strings.Repeat("x", 200) + "\n"), "progress": packet("\x02" + strings.Repeat("p", 60_000)), "lines": packet("\x02" + strings.Repeat("p\n", 20_000))} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				body, _ := io.ReadAll(req.Body)
				if req.Method == http.MethodGet && name != "a page" {
					tale(strange()["garbage"]).ServeHTTP(w, req)
					return
				}
				if strings.Contains(string(body), "command=ls-refs") && name != "refs" {
					tale{}.ServeHTTP(w, req)
					return
				}
				w.Header().Set("Content-Type", map[bool]string{true: "text/html", false: result}[name == "a page"])
				if name == "progress" || name == "lines" {
					_, _ = io.WriteString(w, packet("packfile\n"))
				}
				for some := strings.Repeat(text, 1+60_000/len(text)); ; {
					if _, err := io.WriteString(w, some); err != nil {
						return
					}
				}
			}))
			defer server.Close()
			_, err := open(t, server.URL+"/x.git").Update(limited(t), "main", careless)
			var refused *RefusedError
			if !errors.Is(err, git.ErrEndless) && (!errors.As(err, &refused) || !refused.Strange) {
				t.Errorf("error %v", err)
			}
		})
	}
}
