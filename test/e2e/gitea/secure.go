package gitea

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/assaydev/assay/test/e2e/process"
)

// secure makes the certificate and the key of the host, and returns the settings of
// the server that name them.
func (s *Server) secure(ctx context.Context, dir, web, ssh string) (string, error) {
	s.URL, s.SSH = "https://"+web, ssh
	host, port, err := net.SplitHostPort(ssh)
	if err != nil {
		return "", err
	}
	certificate, key, hostKey := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"), filepath.Join(dir, "host")
	if err := s.writeCertificate(certificate, key); err != nil {
		return "", err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(s.CA) {
		return "", errors.New("read certificate: it is not one")
	}
	s.client = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}}
	if _, err := process.Run(ctx, dir, nil, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "gitea", "-f", hostKey); err != nil {
		return "", err
	}
	public, err := os.ReadFile(hostKey + ".pub")
	if err != nil {
		return "", err
	}
	s.KnownHosts = fmt.Sprintf("[%s]:%s %s", host, port, public)
	return fmt.Sprintf(`PROTOCOL = https
CERT_FILE = %s
KEY_FILE = %s
START_SSH_SERVER = true
BUILTIN_SSH_SERVER_USER = git
SSH_DOMAIN = %s
SSH_LISTEN_HOST = %s
SSH_LISTEN_PORT = %s
SSH_PORT = %s
SSH_SERVER_HOST_KEYS = %s`, certificate, key, host, host, port, port, hostKey), nil
}

// writeCertificate makes one of this machine's loopback address, which is its own authority.
func (s *Server) writeCertificate(certificate, key string) error {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		return err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return err
	}
	s.CA = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	if err := os.WriteFile(certificate, s.CA, 0o600); err != nil {
		return err
	}
	return os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600)
}
