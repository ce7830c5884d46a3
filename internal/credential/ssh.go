package credential

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// setSSH makes the files that ssh reads, and tells git to use them.
func (c *Credentials) setSSH(o Options) error {
	if c.remote.scheme != "ssh" {
		return nil
	}
	if _, err := exec.LookPath("ssh"); err != nil {
		return errors.New("find ssh: it is not installed: install OpenSSH's client, or use an https:// URL")
	}
	if err := c.setKnownHosts(o.KnownHosts); err != nil {
		return err
	}
	identity, err := c.setIdentity(o)
	if err != nil {
		return err
	}
	user := c.remote.user
	if user == "" {
		user = o.Username
	}
	if user == "" {
		user = "git"
	}
	if strings.ContainsAny(user, "\"\\%$\n") { // which ssh reads, and a plan may have given
		return errors.New("read user name: it holds a quote, a backslash, %, $ or a line break")
	}
	config, err := c.write("ssh_config", []byte(sshConfig(user, filepath.Join(c.dir, "known_hosts"), identity)))
	if err != nil {
		return err
	}
	// A file named so replaces the user's and the system's. The variable outranks
	// core.sshCommand, wherever that is set.
	c.access.Env = append(c.access.Env, "GIT_SSH_COMMAND=ssh -F '"+config+"'", "GIT_SSH_VARIANT=ssh")
	return nil
}

// sshConfig never asks, and never trusts a key that it was not given.
func sshConfig(user, knownHosts string, identity []string) string {
	return strings.Join(append([]string{
		`User "` + user + `"`,
		"BatchMode yes",
		"StrictHostKeyChecking yes",
		`UserKnownHostsFile "` + knownHosts + `"`,
		"GlobalKnownHostsFile /dev/null",
		"UpdateHostKeys no",
		"PreferredAuthentications publickey",
		"ForwardAgent no",
		"ConnectTimeout 30",
		"ServerAliveInterval 15",
		"ServerAliveCountMax 4",
		"LogLevel ERROR",
	}, identity...), "\n") + "\n"
}

// setIdentity readies the key, and returns the lines that name it.
func (c *Credentials) setIdentity(o Options) ([]string, error) {
	if o.SSHAgent != "" {
		if strings.ContainsAny(o.SSHAgent, "\"'\\%$\n") {
			return nil, errors.New("read SSH agent: its socket's name has a quote, a backslash, % or $")
		}
		// The keys of the agent, and none of the user's files.
		return []string{"IdentityFile none", `IdentityAgent "` + o.SSHAgent + `"`}, nil
	}
	if len(bytes.TrimSpace(o.SSHKey)) == 0 {
		return nil, errors.New("choose a login: the repository's URL is SSH's, and neither a private key nor an SSH agent is given: give one")
	}
	key, public, err := parseKey("SSH key", o.SSHKey)
	if err != nil {
		return nil, err
	}
	if err := c.addKey(key); err != nil {
		return nil, err
	}
	// The public half makes ssh offer this key of the agent's and no other.
	name, err := c.write("identity.pub", ssh.MarshalAuthorizedKey(public))
	if err != nil {
		return nil, err
	}
	return []string{"IdentitiesOnly yes", `IdentityFile "` + name + `"`, `IdentityAgent "` + c.agent.socket + `"`}, nil
}

// parseKey reads a private key in PEM, as OpenSSH or OpenSSL write it.
func parseKey(what string, data []byte) (any, ssh.PublicKey, error) {
	key, err := ssh.ParseRawPrivateKey(data)
	var locked *ssh.PassphraseMissingError
	switch {
	case errors.As(err, &locked):
		return nil, nil, fmt.Errorf("read %s: it has a passphrase: add it to an SSH agent and name the agent, or give a key without one", what)
	case err != nil && bytes.HasPrefix(bytes.TrimSpace(data), []byte("ssh-")):
		return nil, nil, fmt.Errorf("read %s: it is the public half: give the private one", what)
	case err != nil:
		return nil, nil, fmt.Errorf("read %s: it is not a private key that OpenSSH writes: the file begins with -----BEGIN and ends with a line -----END", what)
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		return nil, nil, fmt.Errorf("read %s: %w", what, err)
	}
	return key, signer.PublicKey(), nil
}

// setKnownHosts writes the file and checks that the server is in it.
func (c *Credentials) setKnownHosts(lines []byte) error {
	if err := checkKnownHosts(lines); err != nil {
		return fmt.Errorf("read known_hosts: %w", err)
	}
	name, err := c.write("known_hosts", lines)
	if err != nil {
		return err
	}
	check, err := knownhosts.New(name)
	if err != nil {
		return fmt.Errorf("read known_hosts: %w", err)
	}
	// ssh, too, falls back to the name without the port.
	for _, address := range []string{c.remote.sshAddress(), net.JoinHostPort(c.remote.host, "22")} {
		if covers(check, address) {
			return nil
		}
	}
	scan := c.remote.host
	if c.remote.port != "" {
		scan = "-p " + c.remote.port + " " + scan
	}
	return fmt.Errorf("check known_hosts: it has no key of %s: get them with `ssh-keyscan %s`, and compare them with what the server's owner publishes",
		knownhosts.Normalize(c.remote.sshAddress()), scan)
}

// checkKnownHosts refuses a line that cannot be read. The library passes over it,
// and so does ssh: a key would be missing, or a revoked one still accepted.
func checkKnownHosts(lines []byte) error {
	number := 0
	for line := range bytes.Lines(lines) {
		number++
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		_, _, _, _, _, err := ssh.ParseKnownHosts(line)
		if errors.Is(err, io.EOF) {
			err = errors.New("it has no key")
		}
		if err != nil {
			return fmt.Errorf("known_hosts:%d: %w: correct the line, or remove it", number, err)
		}
	}
	return nil
}

// covers asks for a key that is certainly not the server's: the answer tells
// whether there is another.
func covers(check ssh.HostKeyCallback, address string) bool {
	key, err := ssh.NewPublicKey(ed25519.PublicKey(make([]byte, ed25519.PublicKeySize)))
	if err != nil {
		return false
	}
	var unknown *knownhosts.KeyError
	err = check(address, &net.TCPAddr{IP: net.IPv4zero, Port: 22}, key)
	return !errors.As(err, &unknown) || len(unknown.Want) > 0
}
