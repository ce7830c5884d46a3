package credential

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/assaydev/assay/internal/excerpt"
)

// Signing is how commits are signed.
type Signing struct {
	// Format is ssh or openpgp; empty does not sign.
	Format string
	// Key is a private key without a passphrase: OpenSSH's, or OpenPGP's in
	// ASCII armour.
	Key []byte
	// KeyID names an OpenPGP key in Home in place of Key.
	KeyID string
	// Home is the directory that gpg keeps its keys in.
	Home string
	// Program in place of ssh-keygen or gpg.
	Program string
	// Env is the whole environment of gpg while the key is tried, as NAME=VALUE:
	// PATH, and what else it needs. The process's own, which may hold secrets, is
	// left out.
	Env []string
}

// setSigning readies the key, and tries whether it signs.
func (c *Credentials) setSigning(ctx context.Context, s Signing) error {
	var err error
	switch s.Format {
	case "":
		if len(s.Key) > 0 || s.KeyID != "" {
			return errors.New("choose how to sign: there is a key and no format: say ssh or openpgp")
		}
		return nil
	case "ssh":
		err = c.signSSH(s)
	case "openpgp":
		err = c.signOpenPGP(ctx, s)
	default:
		return fmt.Errorf("choose how to sign: %q is not a format: say ssh or openpgp", s.Format)
	}
	set(&c.local.Settings, "gpg.format", s.Format)
	c.local.Sign = true
	return err
}

func (c *Credentials) signSSH(s Signing) error {
	if s.KeyID != "" || s.Home != "" {
		return errors.New("choose how to sign: a key's ID and home are OpenPGP's: give the SSH key itself")
	}
	key, public, err := parseKey("signing key", s.Key)
	if err != nil {
		return err
	}
	if _, err := c.program(s, "ssh-keygen", "gpg.ssh.program"); err != nil {
		return err
	}
	if err := c.addKey(key); err != nil {
		return err
	}
	set(&c.local.Settings, "user.signingKey", "key::"+strings.TrimSpace(string(ssh.MarshalAuthorizedKey(public))))
	c.local.Env = append(c.local.Env, "SSH_AUTH_SOCK="+c.agent.socket)
	return nil
}

func (c *Credentials) signOpenPGP(ctx context.Context, s Signing) error {
	program, err := c.program(s, "gpg", "gpg.openpgp.program")
	if err != nil {
		return err
	}
	if len(s.Key) > 0 {
		if s.KeyID != "" || s.Home != "" {
			return errors.New("choose how to sign: both a key and a key's ID or home are given: give one")
		}
		if s.Home, err = c.keyring(ctx, s.Env); err != nil {
			return err
		}
		if s.KeyID, err = importKey(ctx, program, s); err != nil {
			return err
		}
	}
	if s.KeyID == "" || s.Home == "" {
		return errors.New("choose how to sign: OpenPGP needs a private key, or a key's ID and the home of gpg")
	}
	if _, err := s.gpg(ctx, program, []byte("trial"), "--detach-sign", "--local-user", s.KeyID); err != nil {
		return fmt.Errorf("try signing key: %w: it must be in the home of gpg with its private half, valid, and without a passphrase that someone would have to type", err)
	}
	set(&c.local.Settings, "user.signingKey", s.KeyID)
	c.local.Env = append(c.local.Env, "GNUPGHOME="+s.Home)
	return nil
}

// program finds what signs, and tells git where it is not the usual one.
func (c *Credentials) program(s Signing, usual, setting string) (string, error) {
	name := s.Program
	if name == "" {
		name = usual
	} else {
		set(&c.local.Settings, setting, name)
	}
	if _, err := exec.LookPath(name); err != nil {
		return "", fmt.Errorf("find %s: it is not installed, and commits are to be signed with it", filepath.Base(name))
	}
	return name, nil
}

// keyring makes a home of gpg. Its agent starts with the first use, and would
// outlive us.
func (c *Credentials) keyring(ctx context.Context, env []string) (string, error) {
	dir, err := c.directory()
	if err != nil {
		return "", err
	}
	home := filepath.Join(dir, "gnupg")
	if err := os.Mkdir(home, 0o700); err != nil {
		return "", fmt.Errorf("make home of gpg: %w", excerpt.Cause(err))
	}
	ctx = context.WithoutCancel(ctx)
	c.onClose(func() error {
		end := exec.CommandContext(ctx, "gpgconf", "--homedir", home, "--kill", "all") //nolint:gosec // no input in it
		end.Env = env
		_ = end.Run()
		return nil
	})
	return home, nil
}

// importKey returns the key's fingerprint.
func importKey(ctx context.Context, program string, s Signing) (string, error) {
	if _, err := s.gpg(ctx, program, s.Key, "--import"); err != nil {
		return "", fmt.Errorf("read signing key: %w: give one private key as `gpg --armor --export-secret-keys ID` prints it", err)
	}
	out, err := s.gpg(ctx, program, nil, "--with-colons", "--list-secret-keys")
	if err != nil {
		return "", fmt.Errorf("read signing key: %w", err)
	}
	var fingerprints []string
	primary := false
	for line := range strings.Lines(string(out)) {
		switch fields := strings.Split(strings.TrimSpace(line), ":"); {
		case fields[0] == "sec":
			primary = true
		case fields[0] == "fpr" && primary && len(fields) > 9:
			fingerprints, primary = append(fingerprints, fields[9]), false
		}
	}
	if len(fingerprints) != 1 {
		return "", fmt.Errorf("read signing key: there are %d private keys in it: give one", len(fingerprints))
	}
	return fingerprints[0], nil
}

// gpg runs one command that never asks. Its errors are what it says first.
func (s Signing) gpg(ctx context.Context, program string, stdin []byte, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, program, append([]string{"--batch", "--no-tty", "--quiet", "--pinentry-mode", "error"}, args...)...) //nolint:gosec // the operator's program
	cmd.Env = append(slices.Clone(s.Env), "GNUPGHOME="+s.Home, "LC_ALL=C")
	cmd.Stdin = bytes.NewReader(stdin)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if err == nil {
		return stdout.Bytes(), nil
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	said, _, _ := strings.Cut(strings.TrimSpace(stderr.String()), "\n")
	if said == "" {
		return nil, err
	}
	return nil, errors.New(strings.ReplaceAll(said, s.Home, "its home"))
}

// AllowedSigner is the line by which ssh-keygen, and a git that uses it, trusts the
// signatures of a private key on commits.
func AllowedSigner(key []byte, principal string) (string, error) {
	_, public, err := parseKey("signing key", key)
	if err != nil {
		return "", err
	}
	return principal + ` namespaces="git" ` + strings.TrimSpace(string(ssh.MarshalAuthorizedKey(public))), nil
}
