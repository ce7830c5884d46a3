// Package kube runs a real kube-apiserver with its etcd on loopback, with all
// their data in a directory. Objects are stored and guarded, and nobody acts on them
// until Control.
//
//  1. Start builds both, on their first run, and starts etcd, then the API server.
//  2. It waits until the API server says that it is ready.
//  3. Server.Apply puts objects there (object.go), Server.Account makes a service
//     account's token, and Server.Kubeconfig a file to come in with.
//  4. Server.Control adds the controllers, the scheduler and pods that become ready
//     (controllers.go).
//  5. Server.Stop ends all of them.
package kube

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"

	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"

	"github.com/assaydev/assay/test/e2e/process"
)

const adminToken = "admin-of-gold"

// Options say where the API server runs.
type Options struct {
	Dir  string // an empty directory for its data
	Root string // the top of Assay's repository
}

// Server is a running API server.
type Server struct {
	URL   string // without a slash at its end
	Admin string // a token that may do everything
	CA    string // the file with its certificate

	group   *process.Group
	dir     string
	objects dynamic.Interface
	kinds   *discovery.DiscoveryClient

	mu     sync.Mutex
	mapper *restmapper.DeferredDiscoveryRESTMapper // of the kinds that there were
}

// Start starts a server. Stop must be called when the error is nil.
func Start(ctx context.Context, opt Options) (*Server, error) {
	s := &Server{Admin: adminToken, dir: opt.Dir, CA: filepath.Join(opt.Dir, "apiserver.crt"), group: process.NewGroup(ctx, opt.Dir)}
	if err := s.start(ctx, opt); err != nil {
		s.Stop()
		return nil, fmt.Errorf("start kube-apiserver: %w", err)
	}
	return s, nil
}

// Stop ends the server.
func (s *Server) Stop() { s.group.Stop() }

func (s *Server) start(ctx context.Context, opt Options) error {
	built, err := build(ctx, opt.Root, "etcd", "kube-apiserver")
	if err != nil {
		return err
	}
	free, err := process.FreeAddresses(3)
	if err != nil {
		return err
	}
	if err := s.startEtcd(built[0], free[0], free[1]); err != nil {
		return err
	}
	s.URL = "https://" + free[2]
	if err := s.startAPIServer(built[1], free[2], "http://"+free[0]); err != nil {
		return err
	}
	return s.group.Ready("kube-apiserver", process.StartLimit, s.ready)
}

// ready is a check that the API server serves.
func (s *Server) ready(ctx context.Context) error {
	if s.objects == nil {
		if err := s.connect(); err != nil {
			return err // it has not written its certificate yet
		}
	}
	return s.kinds.RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
}

// RestartAPIServer ends the API server at once, and starts it again on what etcd holds, with the
// same address, certificate and keys.
func (s *Server) RestartAPIServer() error {
	if err := s.group.Restart("kube-apiserver"); err != nil {
		return err
	}
	return s.group.Ready("kube-apiserver", process.StartLimit, s.ready)
}

func (s *Server) connect() (err error) {
	config := &rest.Config{Host: s.URL, BearerToken: s.Admin, TLSClientConfig: rest.TLSClientConfig{CAFile: s.CA}, QPS: -1}
	if s.kinds, err = discovery.NewDiscoveryClientForConfig(config); err != nil {
		return err
	}
	s.mapper = restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(s.kinds))
	s.objects, err = dynamic.NewForConfig(config)
	return err
}

// startEtcd starts the store.
func (s *Server) startEtcd(binary, client, peer string) error {
	return s.group.Start(process.Command{
		Name: "etcd", Path: binary, Dir: s.dir, Env: process.Environment(s.dir),
		Args: []string{
			"--data-dir", filepath.Join(s.dir, "etcd"), "--unsafe-no-fsync", "--log-level", "warn",
			"--listen-client-urls", "http://" + client, "--advertise-client-urls", "http://" + client,
			"--listen-peer-urls", "http://" + peer, "--initial-advertise-peer-urls", "http://" + peer, "--initial-cluster", "default=http://" + peer,
		},
	})
}

// startAPIServer starts it with RBAC, and the administrator's token.
func (s *Server) startAPIServer(binary, address, store string) error {
	key, tokens := filepath.Join(s.dir, "accounts.key"), filepath.Join(s.dir, "tokens.csv")
	if err := writeKey(key); err != nil {
		return err
	}
	if err := os.WriteFile(tokens, []byte(s.Admin+`,admin,admin,"system:masters"`+"\n"), 0o600); err != nil {
		return err
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	return s.group.Start(process.Command{
		Name: "kube-apiserver", Path: binary, Dir: s.dir, Env: process.Environment(s.dir),
		Args: []string{
			"--etcd-servers=" + store, "--bind-address=" + host, "--secure-port=" + port, "--advertise-address=" + host,
			"--endpoint-reconciler-type=none", "--cert-dir=" + s.dir, "--service-cluster-ip-range=10.0.0.0/24",
			"--authorization-mode=RBAC", "--token-auth-file=" + tokens,
			"--service-account-issuer=https://kubernetes.default.svc", "--service-account-key-file=" + key, "--service-account-signing-key-file=" + key,
		},
	})
}

// writeKey makes the key that signs the tokens of service accounts.
func writeKey(file string) error {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return err
	}
	data := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	return os.WriteFile(file, data, 0o600)
}
