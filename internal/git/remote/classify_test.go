package remote

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

var classes = map[string]class{
	"doubtful": doubtful, "busy": busy, "raced": raced, "stale": stale, "refused": refused, "unavailable": unavailable, "unreachable": unreachable, "no route": noRoute, "unknown": unknown, "unnegotiated": unnegotiated, "separate": separate,
}

// TestRejections holds what git, GitHub, GitLab, Gitea and others say of a push
// against what it means. The comment of each file is what is wanted.
func TestRejections(t *testing.T) {
	names, err := filepath.Glob("testdata/rejections/*.txt")
	if err != nil || len(names) < 60 {
		t.Fatalf("%d fixtures, %v", len(names), err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txt"), func(t *testing.T) {
			want, stdout, stderr := rejection(t, name)
			got := classifyPush(stdout, stderr)
			class, known := classes[want["class"]]
			if !known || got.class != class {
				t.Errorf("class %v, want %s (%d)", got.class, want["class"], class)
			}
			if !strings.Contains(got.server, want["server"]) || !strings.Contains(got.hint, want["hint"]) {
				t.Errorf("the answer is %+v", got)
			}
			if got.reason == "" {
				t.Error("no reason")
			}
		})
	}
}

// TestServerSaid keeps what a server says, and leaves out what is around it.
func TestServerSaid(t *testing.T) {
	for name, c := range map[string]struct{ stderr, want string }{
		"gitea":    {"remote: \nremote: error:        \nremote: error: Not allowed to push        \nremote: error:        \nerror: failed to push\n", "Not allowed to push"},
		"older":    {"remote: \nremote: Gitea: Not allowed to push        \n", "Gitea: Not allowed to push"},
		"github":   {"remote: error: GH006: Protected branch update failed.        \nremote: error: A review is required.        \n", "GH006: Protected branch update failed.\nA review is required."},
		"gitlab":   {"remote: \nremote: ========================================================================\nremote: \nremote: ERROR: You are not allowed.\nremote: \nremote: ====\n", "You are not allowed."},
		"repeated": {"remote: error: error: fatal: no\nremote: no\n", "no"},
		"colours":  {"remote: \x1b[31merror:\x1b[0m no\n", "no"},
		"words":    {"remote: errors: 3 --- see the page\n", "errors: 3 --- see the page"},
	} {
		if got := serverSaid(c.stderr); got != c.want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// rejection reads a fixture: what is wanted, and what git printed and said.
func rejection(t testing.TB, name string) (want map[string]string, stdout, stderr string) {
	t.Helper()
	a, err := txtar.ParseFile(name)
	if err != nil || len(a.Files) != 2 {
		t.Fatalf("%s: %v", name, err)
	}
	want = map[string]string{}
	for line := range strings.Lines(string(a.Comment)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		want[key] = value
	}
	return want, string(a.Files[0].Data), string(a.Files[1].Data)
}

func FuzzClassify(f *testing.F) {
	names, err := filepath.Glob("testdata/rejections/*.txt")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range names {
		_, stdout, stderr := rejection(f, name)
		f.Add(stdout, stderr)
	}
	f.Fuzz(func(t *testing.T, stdout, stderr string) {
		a := classifyPush(stdout, stderr)
		if strings.Contains(a.server, "\x1b[") && !strings.Contains(stderr, "\x1b[\x1b") {
			t.Errorf("the terminal's codes are in %q", a.server)
		}
		if len(a.server) > 600 || len(a.reason) > 600+len(stdout) {
			t.Errorf("%d and %d bytes", len(a.server), len(a.reason))
		}
		if err := a.error(nil); err == nil || err.Error() == "" {
			t.Error("no error")
		}
		// Nothing makes an answer that leaves a ref open sound as if nothing was done.
		if strings.Contains(stdout, "!\tx:refs/heads/main\t[remote failure] (remote failed to report status)") && a.class == unavailable {
			t.Error("a push that may have landed counts as not done")
		}
	})
}

// TestNoUser: what ssh says itself is not taken for the server's word.
func TestNoUser(t *testing.T) {
	err := serverAnswer("No user exists for uid 1234\r\nfatal: Could not read from remote repository.\n").error(nil)
	want := "ssh does not start: No user exists for uid 1234: ssh and ssh-keygen need an entry of this uid in /etc/passwd: run as a user that has one, or use an https:// URL"
	if err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
}
