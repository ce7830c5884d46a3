package cmp

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/assaydev/assay/internal/excerpt"
)

// longestSocket is the longest path that a socket may have on every Unix that we know.
const longestSocket = 103

// listen makes the socket. One that a server left behind is removed; nothing else is.
func listen(ctx context.Context, socket string) (net.Listener, error) {
	if len(socket) > longestSocket {
		return nil, fmt.Errorf("listen: the path of the socket has %d bytes, and the system takes %d: give a shorter directory: %s", len(socket), longestSocket, socket)
	}
	info, err := os.Lstat(socket)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, fmt.Errorf("listen: look at %s: %w", socket, excerpt.Cause(err))
	case info.Mode()&fs.ModeSocket == 0:
		return nil, fmt.Errorf("listen: %s is there already, and is not a socket: remove it, or give another directory", socket)
	default:
		dialer := net.Dialer{Timeout: time.Second}
		if conn, err := dialer.DialContext(context.WithoutCancel(ctx), "unix", socket); err == nil {
			_ = conn.Close()
			return nil, fmt.Errorf("listen: another server answers at %s: end it first", socket)
		}
		if err := os.Remove(socket); err != nil {
			return nil, fmt.Errorf("listen: remove the socket that a server left behind: %s: %w", socket, excerpt.Cause(err))
		}
	}
	var config net.ListenConfig
	l, err := config.Listen(context.WithoutCancel(ctx), "unix", socket)
	if err != nil {
		return nil, fmt.Errorf("listen: make a socket in %s: %w", filepath.Dir(socket), excerpt.Cause(err))
	}
	return l, nil
}
