package git

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestInherited(t *testing.T) {
	got := Inherited([]string{"PATH=/bin", "GIT_DIR=x", "GIT_AUTHOR_NAME=A", "GIT_CONFIG_PARAMETERS='a'", "GIT_CONFIG_COUNT=1", "GIT_CONFIG_GLOBAL=/g", "GIT_SSH_COMMAND=x", "HOME=/h", "GIT_"})
	if diff := cmp.Diff([]string{"PATH=/bin", "GIT_AUTHOR_NAME=A", "GIT_CONFIG_GLOBAL=/g", "HOME=/h"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestPatternsOfSettings(t *testing.T) {
	for key, want := range map[string]bool{
		"gpg.program": true, "gpg.ssh.program": true, "gpg.format": false, "credential.https://a.b/.helper": true, "credential.username": false,
		"diff.a.b.command": true, "diff.algorithm": false, "pager.log": true, "core.sshcommand": true, "core.autocrlf": false, "filter.x.clean": false,
	} {
		if got := slices.ContainsFunc(programs, func(p string) bool { return matches(p, key) }); got != want {
			t.Errorf("%s: %v", key, got)
		}
	}
}

func TestTooManyProgramsAreRefused(t *testing.T) {
	r := Runner{Dir: t.TempDir(), Env: []string{"PATH=" + os.Getenv("PATH"), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=" + os.DevNull}}
	if _, err := r.Run(t.Context(), nil, "init", "-q"); err != nil {
		t.Fatal(err)
	}
	config := strings.Repeat("x", 8)
	var text strings.Builder
	for i := range mostOverruled + 1 {
		text.WriteString("[filter \"" + config + strings.Repeat("y", i%7) + string(rune('a'+i%26)) + strings.Repeat("z", i/26) + "\"]\nclean = x\n")
	}
	if err := os.WriteFile(r.Dir+"/.git/config", []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := NewGuard(t.Context(), r); err == nil || !strings.Contains(err.Error(), "more than 1000 programs") {
		t.Errorf("error %v", err)
	}
}

// TestOutputIsBounded: what git prints and says is not kept without end, and a
// command that goes on is ended.
func TestOutputIsBounded(t *testing.T) {
	for name, script := range map[string]string{"output": "yes", "messages": "yes >&2", "a line": "tr '\\0' x < /dev/zero >&2"} {
		r := Runner{Dir: t.TempDir(), Group: true, Env: []string{"PATH=" + os.Getenv("PATH")}, Config: [][2]string{{"alias.talk", "!" + script}}}
		if _, err := r.Run(t.Context(), nil, "talk"); !errors.Is(err, ErrEndless) {
			t.Errorf("%s: %v", name, err)
		}
	}
	said := &tail{full: func() {}}
	for range 100_000 {
		_, _ = said.Write([]byte("progress of the server\r"))
	}
	_, _ = said.Write([]byte("\nfatal: the cause\n"))
	text := said.String()
	if len(text) > 4*keptSaid || !strings.HasSuffix(text, "\nfatal: the cause\n") || !strings.Contains(text, "\r...\n") {
		t.Errorf("%d bytes are kept, with the end %q", len(text), text[len(text)-40:])
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := (Runner{Dir: t.TempDir()}).Run(ctx, nil, "version"); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestTreesThatToolsReadInDifferentWays(t *testing.T) {
	id := strings.Repeat("\x01", 20)
	for text, want := range map[string]string{
		"100644 a\x00" + id + "100644 a\x00" + id:                      "two entries",
		"100644 a\x00" + id + "100644 b\x00" + id + "40000 a\x00" + id: "two entries",
		"100644 a/b\x00" + id:                                          "not a name of a file",
		"100644 ..\x00" + id:                                           "not a name of a file",
		"100644 \x00" + id:                                             "not a name of a file",
		"170000 a\x00" + id:                                            "damaged",
		"rwx a\x00" + id:                                               "damaged",
		"100644 a\x00" + "123":                                         "damaged",
	} {
		if list, err := parseTree([]byte(text), 20); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, %v", text, list, err)
		}
	}
	list, err := parseTree([]byte("040000 a\x00"+id+"100755 b\x00"+id+"100664 c\x00"+id), 20)
	if err != nil || !list[0].mode.IsDir() || list[1].mode != 0o755 || list[2].mode != 0o644 {
		t.Errorf("modes: %v, %v", list, err)
	}
}

// TestNoUser: ssh-keygen, which signs, says no more than that.
func TestNoUser(t *testing.T) {
	if got := (Runner{}).advice("error: No user exists for uid 1234\n\nfatal: failed to write commit object\n"); got != ": "+HintUser {
		t.Errorf("got %q", got)
	}
}
