// Package openssh is a real OpenSSH server on the loopback interface, for tests.
package openssh

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Server lets in one key, and runs what it is asked for, as git's transport needs it.
type Server struct {
	Address string // host and port
	HostKey string // its public key, as known_hosts and authorized_keys have it
}

// Serve starts a server for a public key; it ends with the test, which is
// skipped where OpenSSH's server is not installed.
func Serve(t testing.TB, authorized string) Server {
	t.Helper()
	sshd, err := exec.LookPath("sshd")
	if err != nil {
		sshd = "/usr/sbin/sshd" // not on everybody's PATH
	}
	if _, err := exec.LookPath(sshd); err != nil {
		t.Skip("OpenSSH's server is not installed: apt-get install openssh-server")
	}
	dir := t.TempDir()
	_, host := NewKey(t, filepath.Join(dir, "host"))
	keys := filepath.Join(dir, "authorized_keys")
	writeFile(t, keys, authorized+"\n")
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	_, port, _ := strings.Cut(address, ":")
	_ = listener.Close()
	config := filepath.Join(dir, "sshd_config")
	writeFile(t, config, fmt.Sprintf("Port %s\nListenAddress 127.0.0.1\nHostKey %s\nAuthorizedKeysFile %s\nPidFile none\nStrictModes no\nUsePAM no\n"+
		"PasswordAuthentication no\nKbdInteractiveAuthentication no\nAcceptEnv GIT_PROTOCOL\nPermitRootLogin yes\nLogLevel DEBUG1\n", port, filepath.Join(dir, "host"), keys))
	if os.Getuid() == 0 {
		_ = os.MkdirAll("/run/sshd", 0o755) // sshd of Debian separates privileges there
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(sshd, "-D", "-e", "-f", config)
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = log.Close()
		if said, err := os.ReadFile(log.Name()); err == nil && t.Failed() {
			t.Logf("sshd: %s", said)
		}
	})
	for range 100 {
		if conn, err := net.Dial("tcp", address); err == nil {
			_ = conn.Close()
			return Server{address, host}
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal("sshd does not listen")
	return Server{}
}

// NewKey makes a key pair without a passphrase in a file and file.pub.
func NewKey(t testing.TB, file string) (private []byte, public string) {
	t.Helper()
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", file).CombinedOutput(); err != nil {
		t.Fatalf("ssh-keygen: %v: %s", err, out)
	}
	private, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	line, err := os.ReadFile(file + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	return private, strings.TrimSpace(string(line))
}

func writeFile(t testing.TB, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
