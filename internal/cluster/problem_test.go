package cluster

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"syscall"
	"testing"
)

// TestNoAnswer: of what client-go says, only the network's and the certificate's
// part is told; the rest may hold paths of the machine.
func TestNoAnswer(t *testing.T) {
	const other = "no request could be made, or no answer came: see what kubectl auth whoami says with the same kubeconfig"
	for name, c := range map[string]struct {
		cause error
		want  string
	}{
		"a file":        {&fs.PathError{Op: "open", Path: "/home/ann/.kube/token", Err: syscall.EACCES}, other},
		"a file within": {fmt.Errorf("failed to read token file %q: %w", "/home/ann/x509: token", syscall.EACCES), other},
		"nothing":       {io.EOF, other},
		"certificate":   {x509.HostnameError{Certificate: &x509.Certificate{}, Host: "prod"}, "it cannot be reached: x509: certificate is not valid for any names, but wanted to match prod"},
		"handshake":     {errors.New("tls: no supported versions"), "it cannot be reached: tls: no supported versions"},
		"plain HTTP":    {http.ErrSchemeMismatch, "it cannot be reached: http: server gave HTTP response to HTTPS client"},
		"refused": {
			&net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED},
			"it cannot be reached: dial tcp: connection refused: see that the kubeconfig names the right server, and that the network lets you there",
		},
	} {
		if got := (&Client{}).unreachable(&url.Error{Op: "Get", URL: "https://prod/api", Err: c.cause}); got.Error() != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
