package stack

import (
	"context"
	"crypto/ed25519"
	"encoding/pem"
	"fmt"
	"net/http"
	"os"
	"path/filepath"

	"golang.org/x/crypto/ssh"

	"github.com/assaydev/assay/test/e2e/process"
)

// NotifySecret is what callers of the promoter's webhook know.
const NotifySecret = "a-secret-of-the-stack"

// Promoter is a running promoter.
type Promoter struct {
	Notify string // URL of its webhook
	Log    string // the file that it logs to
}

// Shared are the flags of a promoter that shares its work with others by Leases.
var Shared = []string{"--shards", "2"}

// StartPromoter starts the promoter under the account of manifests/promoter, and waits until it
// is ready. Without the flags Shared it needs no Leases.
func (s *Stack) StartPromoter(flags ...string) (*Promoter, error) {
	return s.StartReplica("promoter", flags...)
}

// StartReplica starts a promoter that shares the work with others of other names.
func (s *Stack) StartReplica(name string, flags ...string) (*Promoter, error) {
	token, err := s.Cluster.Account(s.ctx, "argocd", "assay-promoter")
	if err != nil {
		return nil, err
	}
	config, err := s.Cluster.Kubeconfig("promoter", token, "argocd")
	if err != nil {
		return nil, err
	}
	key, secret := filepath.Join(s.opt.Dir, "signing-key"), filepath.Join(s.opt.Dir, "notify-secret")
	if err := writeSigningKey(key); err != nil {
		return nil, err
	}
	if err := os.WriteFile(secret, []byte(NotifySecret), 0o600); err != nil {
		return nil, err
	}
	free, err := process.FreeAddresses(2)
	if err != nil {
		return nil, err
	}
	daemon := process.NewGroup(s.ctx, s.opt.Dir)
	if s.daemons == nil {
		s.daemons = map[string]*process.Group{}
	}
	s.daemons[name] = daemon
	err = daemon.Start(process.Command{
		Name: name, Path: s.opt.Assayd, Dir: s.opt.Dir, Env: process.Environment(s.opt.Dir),
		Args: append([]string{"promoter", "--kubeconfig", config, "--signing-key", key, "--health-address", free[0], "--notify-address", free[1], "--notify-secret", secret, "-v"}, flags...),
	})
	if err != nil {
		return nil, err
	}
	err = daemon.Ready(name, process.StartLimit, answers("http://"+free[0]+"/readyz", http.StatusOK))
	return &Promoter{Notify: "http://" + free[1] + "/notify", Log: filepath.Join(s.opt.Dir, name+".log")}, err
}

// StopPromoter ends all of them at once, as a machine that fails does.
func (s *Stack) StopPromoter() {
	for name := range s.daemons {
		s.KillReplica(name)
	}
}

// KillReplica ends one at once.
func (s *Stack) KillReplica(name string) {
	if daemon := s.daemons[name]; daemon != nil {
		daemon.Kill()
	}
	delete(s.daemons, name)
}

// writeSigningKey makes the key once: a promoter that starts again has the same one.
func writeSigningKey(file string) error {
	if _, err := os.Stat(file); err == nil {
		return nil
	}
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return err
	}
	block, err := ssh.MarshalPrivateKey(private, "promoter")
	if err != nil {
		return err
	}
	return os.WriteFile(file, pem.EncodeToMemory(block), 0o600)
}

// answers is a check that a URL answers with a status.
func answers(url string, status int) func(context.Context) error {
	return func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		defer res.Body.Close()
		if res.StatusCode != status {
			return fmt.Errorf("%s answers %s", url, res.Status)
		}
		return nil
	}
}
