package credential

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// sshServer serves git over SSH to one key and one user.
type sshServer struct {
	address string
	host    ssh.Signer
}

func serveSSH(t *testing.T, user string, allowed ssh.PublicKey) sshServer {
	t.Helper()
	if _, err := exec.LookPath("ssh"); err != nil {
		t.Skip("OpenSSH's client is not installed")
	}
	host, err := ssh.NewSignerFromKey(newEd25519(t))
	if err != nil {
		t.Fatal(err)
	}
	config := &ssh.ServerConfig{PublicKeyCallback: func(meta ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		if meta.User() != user || !bytes.Equal(key.Marshal(), allowed.Marshal()) {
			return nil, errors.New("not let in")
		}
		return nil, nil
	}}
	config.AddHostKey(host)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go serveConn(conn, config)
		}
	}()
	return sshServer{address: listener.Addr().String(), host: host}
}

func serveConn(conn net.Conn, config *ssh.ServerConfig) {
	defer func() { _ = conn.Close() }()
	_, channels, requests, err := ssh.NewServerConn(conn, config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for c := range channels {
		channel, requests, err := c.Accept()
		if err != nil {
			return
		}
		go serveSession(channel, requests)
	}
}

var served = regexp.MustCompile(`^git-(upload|receive)-pack '[^']+'$`)

// serveSession runs what git asks for, with the protocol's version that it asks for.
func serveSession(channel ssh.Channel, requests <-chan *ssh.Request) {
	defer func() { _ = channel.Close() }()
	env := os.Environ()
	for r := range requests {
		switch r.Type {
		case "env":
			var v struct{ Name, Value string }
			_ = ssh.Unmarshal(r.Payload, &v)
			env = append(env, v.Name+"="+v.Value)
			_ = r.Reply(true, nil)
		case "exec":
			var v struct{ Command string }
			_ = ssh.Unmarshal(r.Payload, &v)
			_ = r.Reply(true, nil)
			code := uint32(1)
			if served.MatchString(v.Command) {
				cmd := exec.Command("sh", "-c", v.Command)
				cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = env, channel, channel, channel.Stderr()
				if cmd.Run() == nil {
					code = 0
				}
			}
			_, _ = channel.SendRequest("exit-status", false, binary.BigEndian.AppendUint32(nil, code))
			return
		default:
			_ = r.Reply(false, nil)
		}
	}
}

func (s sshServer) knownHosts() []byte {
	return []byte(knownhosts.Line([]string{s.address}, s.host.PublicKey()) + "\n")
}

func newEd25519(t testing.TB) ed25519.PrivateKey {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// openSSH is a private key as OpenSSH writes it, and its public half.
func openSSH(t testing.TB, key crypto.PrivateKey) ([]byte, ssh.PublicKey) {
	t.Helper()
	block, err := ssh.MarshalPrivateKey(key, "a comment")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(block), signer.PublicKey()
}

func TestSSHLogins(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ecdsaKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, key := range map[string]crypto.PrivateKey{"ed25519": newEd25519(t), "rsa": rsaKey, "ecdsa": ecdsaKey} {
		t.Run(name, func(t *testing.T) {
			root, commit := bareRepo(t, "r.git")
			private, public := openSSH(t, key)
			server := serveSSH(t, "git", public)
			c := open(t, Options{URL: "ssh://" + server.address + root + "/r.git", SSHKey: private, KnownHosts: server.knownHosts()})
			out, err := runGit(t, c, root, "ls-remote", c.URL(), "main")
			if err != nil || out != commit+"\trefs/heads/main\n" {
				t.Fatalf("ls-remote: %v\n%s", err, out)
			}
			if out, err := runGit(t, c, root+"/r.git", "push", c.URL(), commit+":refs/heads/other"); err != nil {
				t.Fatalf("push: %v\n%s", err, out)
			}
			noPrivateKey(t, c.dir, private)
		})
	}
}

// noPrivateKey looks for a line of the key in every file.
func noPrivateKey(t *testing.T, dir string, private []byte) {
	t.Helper()
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the directory has mode %v: %v", info.Mode(), err)
	}
	line := bytes.Split(private, []byte("\n"))[2]
	files := 0
	err = filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		files++
		data, err := os.ReadFile(name)
		if bytes.Contains(data, line) {
			t.Errorf("%s holds the private key", name)
		}
		if info, err := d.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v: %v", name, info.Mode(), err)
		}
		return err
	})
	if err != nil || files == 0 {
		t.Errorf("looked at %d files: %v", files, err)
	}
}

func TestSSHRefusals(t *testing.T) {
	root, _ := bareRepo(t, "r.git")
	private, public := openSSH(t, newEd25519(t))
	stranger, _ := openSSH(t, newEd25519(t))
	server := serveSSH(t, "deploy", public)
	impostor := serveSSH(t, "deploy", public)
	changed := []byte(strings.ReplaceAll(string(impostor.knownHosts()), portOf(impostor), portOf(server)))
	o := Options{URL: "ssh://deploy@" + server.address + root + "/r.git", SSHKey: private, KnownHosts: server.knownHosts()}

	tests := []struct {
		name   string
		change func(*Options)
		want   string
	}{
		{"right key", func(*Options) {}, ""},
		{"wrong key", func(o *Options) { o.SSHKey = stranger }, "Permission denied (publickey)"},
		{"wrong user", func(o *Options) { o.URL = strings.Replace(o.URL, "deploy@", "root@", 1) }, "Permission denied (publickey)"},
		{"user beside the URL", func(o *Options) { o.URL, o.Username = strings.Replace(o.URL, "deploy@", "", 1), "deploy" }, ""},
		{"another host key", func(o *Options) { o.KnownHosts = changed }, "Host key verification failed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := o
			tt.change(&o)
			c := open(t, o)
			out, err := runGit(t, c, root, "ls-remote", c.URL())
			if (err == nil) != (tt.want == "") || !strings.Contains(out, tt.want) {
				t.Errorf("err %v, want %q\n%s", err, tt.want, out)
			}
			lacks(t, "the scrubbed message", c.Scrub(out), c.dir)
		})
	}
}

func portOf(s sshServer) string {
	_, port, _ := net.SplitHostPort(s.address)
	return port
}

// TestSSHAgentOfTheOperator uses a running agent in place of a key.
func TestSSHAgentOfTheOperator(t *testing.T) {
	root, commit := bareRepo(t, "r.git")
	private, public := openSSH(t, newEd25519(t))
	server := serveSSH(t, "git", public)
	o := Options{URL: "ssh://" + server.address + root + "/r.git", SSHKey: private, KnownHosts: server.knownHosts()}
	running := open(t, o)
	o.SSHKey, o.SSHAgent = nil, running.agent.socket
	c := open(t, o)
	out, err := runGit(t, c, root, "ls-remote", c.URL(), "main")
	if err != nil || out != commit+"\trefs/heads/main\n" {
		t.Fatalf("ls-remote: %v\n%s", err, out)
	}
}

func TestCloseLeavesNothing(t *testing.T) {
	private, public := openSSH(t, newEd25519(t))
	c, err := Open(t.Context(), Options{
		URL: "git@git.example.test:team/repo.git", SSHKey: private,
		KnownHosts: []byte(knownhosts.Line([]string{"git.example.test"}, public)),
		TempDir:    os.TempDir(),
	})
	if err != nil {
		t.Fatal(err)
	}
	client, err := net.Dial("unix", c.agent.socket)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	for range 2 {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Lstat(c.dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the directory is still there: %v", err)
	}
	if _, err := client.Read(make([]byte, 1)); err == nil {
		t.Error("the agent still answers")
	}
}
