package remote

import (
	"errors"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/assaydev/assay/internal/credential"
	"github.com/assaydev/assay/test/gitserver"
	"github.com/assaydev/assay/test/openssh"
)

// TestOpenSSH is about the keys and hosts that reach a real ssh, against a real
// server: what the operator gives, and nothing of the user's or of the machine's.
func TestOpenSSH(t *testing.T) {
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	right, public := openssh.NewKey(t, filepath.Join(dir, "right"))
	wrong, _ := openssh.NewKey(t, filepath.Join(dir, "wrong"))
	_, other := openssh.NewKey(t, filepath.Join(dir, "other"))
	ssh := openssh.Serve(t, public)
	_, repo := gitserver.Serve(t, shop...)
	socket := agent(t, filepath.Join(dir, "right"))
	t.Setenv("SSH_AUTH_SOCK", socket)

	host := "[" + strings.Replace(ssh.Address, ":", "]:", 1)
	known := []byte(host + " " + ssh.HostKey + "\n")
	for name, c := range map[string]struct {
		o    credential.Options
		want string // of the error; empty lets it in
	}{
		"right key and host":    {credential.Options{SSHKey: right, KnownHosts: known}, ""},
		"agent":                 {credential.Options{SSHAgent: socket, KnownHosts: known}, ""},
		"unknown host":          {credential.Options{SSHKey: right, KnownHosts: []byte("example.com " + ssh.HostKey + "\n")}, "known_hosts: it has no key of"},
		"changed host key":      {credential.Options{SSHKey: right, KnownHosts: []byte(host + " " + other + "\n")}, "put the server's key into known_hosts"},
		"wrong key":             {credential.Options{SSHKey: wrong, KnownHosts: known}, "check the user name, the token or the key"},
		"agent without the key": {credential.Options{SSHAgent: agent(t, filepath.Join(dir, "wrong")), KnownHosts: known}, "check the user name, the token or the key"},
	} {
		t.Run(name, func(t *testing.T) {
			c.o.URL = "ssh://" + me.Username + "@" + ssh.Address + repo.Dir
			tip, err := tipOver(t, c.o)
			switch {
			case c.want == "" && err != nil:
				t.Error(err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got %s, %v; want %q", tip, err, c.want)
			}
		})
	}
	var refused *RefusedError
	if _, err := tipOver(t, credential.Options{URL: "ssh://" + me.Username + "@" + ssh.Address + repo.Dir, SSHKey: wrong, KnownHosts: known}); !errors.As(err, &refused) {
		t.Errorf("a wrong key is tried again: %v", err)
	}
}

// tipOver reads main as the command does.
func tipOver(t *testing.T, o credential.Options) (string, error) {
	o.TempDir = os.TempDir()
	c, err := credential.Open(t.Context(), o)
	if err != nil {
		return "", err
	}
	defer func() { _ = c.Close() }()
	author, _ := c.Identities()
	r, err := Open(t.Context(), Options{
		URL: c.URL(), Env: []string{"PATH=" + os.Getenv("PATH")}, Scrub: c.Scrub, Author: author, TempDir: t.TempDir(), Access: c.Access,
	})
	if err != nil {
		return "", err
	}
	defer func() { _ = r.Close() }()
	return r.Tip(t.Context(), "main")
}

// agent starts an ssh-agent that holds a key.
func agent(t *testing.T, key string) string {
	t.Helper()
	out, err := exec.Command("ssh-agent", "-s").Output()
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`SSH_AUTH_SOCK=([^;]+);(?s:.*)SSH_AGENT_PID=(\d+);`).FindSubmatch(out)
	if found == nil {
		t.Fatalf("ssh-agent says %s", out)
	}
	env := append(os.Environ(), "SSH_AUTH_SOCK="+string(found[1]), "SSH_AGENT_PID="+string(found[2]))
	t.Cleanup(func() {
		end := exec.Command("ssh-agent", "-k")
		end.Env = env
		_ = end.Run()
	})
	add := exec.Command("ssh-add", "-q", key)
	add.Env = env
	if out, err := add.CombinedOutput(); err != nil {
		t.Fatalf("ssh-add: %v: %s", err, out)
	}
	return string(found[1])
}
