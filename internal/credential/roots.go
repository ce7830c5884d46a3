package credential

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
)

// bundles are where systems keep their roots in one file, as crypto/x509 knows
// them.
var bundles = [...]string{
	"/etc/ssl/certs/ca-certificates.crt",                // Debian, Alpine, Arch
	"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", // Fedora, RHEL
	"/etc/pki/tls/certs/ca-bundle.crt",                  // older ones
	"/etc/ssl/ca-bundle.pem",                            // SUSE
	"/etc/pki/tls/cacert.pem",                           // OpenELEC
	"/etc/ssl/cert.pem",                                 // BSD, macOS
}

// roots adds ca to the system's roots: as a pool for our own calls, and as a
// file's content for git, whose http.sslCAInfo replaces the system's. Both are
// nil without ca, which means the system's alone.
func roots(ca []byte) (*x509.CertPool, []byte, error) {
	if len(bytes.TrimSpace(ca)) == 0 {
		return nil, nil, nil
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		return nil, nil, fmt.Errorf("read the system's certificates: %w", err)
	}
	bundle := systemBundle()
	rest := ca
	for {
		var block *pem.Block
		block, rest = pem.Decode(rest)
		if block == nil {
			break
		}
		cert, err := parseCertificate(block)
		if err != nil {
			return nil, nil, fmt.Errorf("read CA certificates: %w", err)
		}
		pool.AddCert(cert)
		bundle = append(bundle, pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: block.Bytes})...)
	}
	if len(bytes.TrimSpace(rest)) > 0 || !bytes.Contains(ca, []byte("-----BEGIN")) {
		return nil, nil, errors.New("read CA certificates: they are not PEM: each begins with -----BEGIN CERTIFICATE-----")
	}
	return pool, bundle, nil
}

func parseCertificate(block *pem.Block) (*x509.Certificate, error) {
	if block.Type != "CERTIFICATE" {
		return nil, fmt.Errorf("there is a %s among them: leave it out", block.Type)
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("one is damaged: %w", err)
	}
	return cert, nil
}

func systemBundle() []byte {
	for _, name := range bundles {
		if data, err := os.ReadFile(name); err == nil { //nolint:gosec // one of the names above
			return append(data, '\n')
		}
	}
	return nil
}
