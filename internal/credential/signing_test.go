package credential

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/assaydev/assay/internal/git"
)

const emptyTree = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"

// signed makes a signed commit in a repository, and returns its ID and the
// commit itself.
func signed(t *testing.T, c *Credentials, dir string) (id, text string) {
	t.Helper()
	g, err := settings(t, c)
	if err != nil || !g.Sign {
		t.Fatalf("sign %v: %v", g.Sign, err)
	}
	id, err = gitWith(t, g, dir, "commit-tree", "-S", "-m", "signed", emptyTree)
	if err != nil {
		t.Fatal(id)
	}
	id = strings.TrimSpace(id)
	text, err = gitWith(t, g, dir, "cat-file", "commit", id)
	if err != nil {
		t.Fatal(text)
	}
	return id, text
}

func TestSSHSignature(t *testing.T) {
	if _, err := exec.LookPath("ssh-keygen"); err != nil {
		t.Skip("ssh-keygen is not installed")
	}
	root, _ := bareRepo(t, "r.git")
	private, public := openSSH(t, newEd25519(t))
	_, other := openSSH(t, newEd25519(t))
	c := open(t, Options{
		URL: root + "/r.git", Signing: Signing{Format: "ssh", Key: private},
		Author: git.Identity{Name: "Ann Author", Email: "ann@example.test"}, Committer: git.Identity{Name: "Bot", Email: "bot@example.test"},
	})
	id, text := signed(t, c, root+"/r.git")
	for _, want := range []string{"\nauthor Ann Author <ann@example.test> ", "\ncommitter Bot <bot@example.test> ", "\ngpgsig -----BEGIN SSH SIGNATURE-----"} {
		if !strings.Contains(text, want) {
			t.Errorf("the commit lacks %q:\n%s", want, text)
		}
	}
	for valid, key := range map[bool]ssh.PublicKey{true: public, false: other} {
		signers := filepath.Join(t.TempDir(), "allowed_signers")
		if err := os.WriteFile(signers, append([]byte("bot@example.test "), ssh.MarshalAuthorizedKey(key)...), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := runGit(t, c, root+"/r.git", "-c", "gpg.ssh.allowedSignersFile="+signers, "verify-commit", id)
		if (err == nil) != valid || valid != strings.Contains(out, `Good "git" signature for bot@example.test`) {
			t.Errorf("verify-commit, want valid %v: %v\n%s", valid, err, out)
		}
	}
}

// TestSignedOverSSH has one key to log in with and another to sign with.
func TestSignedOverSSH(t *testing.T) {
	root, _ := bareRepo(t, "r.git")
	private, public := openSSH(t, newEd25519(t))
	signing, signer := openSSH(t, newEd25519(t))
	server := serveSSH(t, "git", public)
	c := open(t, Options{
		URL: "ssh://" + server.address + root + "/r.git", SSHKey: private, KnownHosts: server.knownHosts(),
		Signing: Signing{Format: "ssh", Key: signing}, Author: git.Identity{Name: "Bot", Email: "bot@example.test"},
	})
	noPrivateKey(t, c.dir, signing)
	local := root + "/local.git"
	if out, err := runGit(t, c, root, "init", "-q", "--bare", local); err != nil {
		t.Fatal(out)
	}
	if out, err := runGit(t, c, local, "hash-object", "-t", "tree", "-w", "--stdin"); err != nil {
		t.Fatal(out)
	}
	id, _ := signed(t, c, local)
	if out, err := runGit(t, c, local, "push", c.URL(), id+":refs/heads/signed"); err != nil {
		t.Fatalf("push: %v\n%s", err, out)
	}
	signers := filepath.Join(t.TempDir(), "allowed_signers")
	if err := os.WriteFile(signers, append([]byte("bot@example.test "), ssh.MarshalAuthorizedKey(signer)...), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := runGit(t, c, root+"/r.git", "-c", "gpg.ssh.allowedSignersFile="+signers, "verify-commit", id); err != nil {
		t.Errorf("verify-commit: %v\n%s", err, out)
	}
}

// TestSigningKeyDoesNotLogIn, although the same agent holds it.
func TestSigningKeyDoesNotLogIn(t *testing.T) {
	root, _ := bareRepo(t, "r.git")
	stranger, _ := openSSH(t, newEd25519(t))
	signing, public := openSSH(t, newEd25519(t))
	server := serveSSH(t, "git", public)
	c := open(t, Options{
		URL: "ssh://" + server.address + root + "/r.git", SSHKey: stranger, KnownHosts: server.knownHosts(),
		Signing: Signing{Format: "ssh", Key: signing},
	})
	if out, err := runGit(t, c, root, "ls-remote", c.URL()); err == nil || !strings.Contains(out, "Permission denied") {
		t.Errorf("ls-remote: %v\n%s", err, out)
	}
}

// pathAlone is the environment that gpg gets.
func pathAlone() []string { return []string{"PATH=" + os.Getenv("PATH")} }

// newGPG makes a home of gpg with one key that has this passphrase.
func newGPG(t *testing.T, passphrase string) (home string, armoured []byte) {
	t.Helper()
	if _, err := exec.LookPath("gpg"); err != nil {
		t.Skip("gpg is not installed")
	}
	// The agent's socket is in it: the name must be short.
	home, err := os.MkdirTemp("", "gpg")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = exec.Command("gpgconf", "--homedir", home, "--kill", "all").Run()
		_ = os.RemoveAll(home)
	})
	// By default it takes seconds to make guessing the passphrase slow.
	if err := os.WriteFile(filepath.Join(home, "gpg-agent.conf"), []byte("s2k-count 65536\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	loopback := []string{"--homedir", home, "--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", passphrase}
	generate := exec.Command("gpg", append(loopback, "--quick-generate-key", "Bot <bot@example.test>", "ed25519", "sign", "never")...)
	if out, err := generate.CombinedOutput(); err != nil {
		t.Fatalf("make a key: %v\n%s", err, out)
	}
	armoured, err = exec.Command("gpg", append(loopback, "--armor", "--export-secret-keys")...).Output()
	if err != nil {
		t.Fatal(err)
	}
	if err := exec.Command("gpgconf", "--homedir", home, "--kill", "all").Run(); err != nil {
		t.Fatal(err) // the agent would remember the passphrase
	}
	return home, armoured
}

func TestOpenPGPSignature(t *testing.T) {
	home, armoured := newGPG(t, "")
	for name, s := range map[string]Signing{
		"key":  {Format: "openpgp", Env: pathAlone(), Key: armoured},
		"home": {Format: "openpgp", Env: pathAlone(), KeyID: "bot@example.test", Home: home},
	} {
		t.Run(name, func(t *testing.T) {
			root, _ := bareRepo(t, "r.git")
			c := open(t, Options{URL: root + "/r.git", Signing: s})
			id, text := signed(t, c, root+"/r.git")
			if !strings.Contains(text, "\ngpgsig -----BEGIN PGP SIGNATURE-----") {
				t.Errorf("the commit has no signature:\n%s", text)
			}
			out, err := runGit(t, c, root+"/r.git", "verify-commit", id)
			if err != nil || !strings.Contains(out, `Good signature from "Bot <bot@example.test>"`) {
				t.Errorf("verify-commit: %v\n%s", err, out)
			}
		})
	}
}

func TestSigningRefusals(t *testing.T) {
	lockedHome, locked := newGPG(t, "a passphrase")
	_, armoured := newGPG(t, "")
	private, _ := openSSH(t, newEd25519(t))
	empty := t.TempDir()
	for name, tt := range map[string]struct {
		s    Signing
		want string
	}{
		"passphrase":     {Signing{Format: "openpgp", Env: pathAlone(), Key: locked}, "without a passphrase"},
		"home locked":    {Signing{Format: "openpgp", Env: pathAlone(), KeyID: "bot@example.test", Home: lockedHome}, "without a passphrase"},
		"no such key":    {Signing{Format: "openpgp", Env: pathAlone(), KeyID: "nobody@example.test", Home: empty}, "try signing key"},
		"no OpenPGP key": {Signing{Format: "openpgp", Env: pathAlone(), Key: private}, "read signing key"},
		"no SSH key":     {Signing{Format: "ssh", Key: armoured}, "not a private key that OpenSSH writes"},
		"two ways":       {Signing{Format: "openpgp", Env: pathAlone(), Key: armoured, KeyID: "x"}, "give one"},
		"neither":        {Signing{Format: "openpgp"}, "needs a private key"},
		"no format":      {Signing{Key: private}, "say ssh or openpgp"},
		"other format":   {Signing{Format: "x509", Key: private}, `"x509" is not a format`},
		"no program":     {Signing{Format: "ssh", Key: private, Program: "/nonexistent/signer"}, "find signer"},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := Open(t.Context(), Options{URL: "/srv/r.git", Signing: tt.s, TempDir: os.TempDir()})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got %v, want %q", err, tt.want)
			}
			if c != nil {
				t.Error("there are credentials beside the error")
			}
			lacks(t, "the error", err.Error(), os.TempDir())
		})
	}
}
