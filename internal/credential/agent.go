package credential

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"sync"

	"golang.org/x/crypto/ssh/agent"
)

// keyAgent is an SSH agent in this process, on a socket in the private
// directory. Keys stay in memory, so that a process that is killed leaves none
// behind.
type keyAgent struct {
	socket string
	keys   agent.Agent
}

// addKey hands a private key to the agent, and starts it with the first.
func (c *Credentials) addKey(key any) error {
	if c.agent == nil {
		dir, err := c.directory()
		if err != nil {
			return err
		}
		a := &keyAgent{socket: filepath.Join(dir, "agent"), keys: agent.NewKeyring()}
		stop, err := a.start()
		if err != nil {
			return fmt.Errorf("start SSH agent: %w", err)
		}
		c.onClose(stop)
		c.agent = a
	}
	if err := c.agent.keys.Add(agent.AddedKey{PrivateKey: key}); err != nil {
		return fmt.Errorf("hand key to SSH agent: %w", err)
	}
	return nil
}

// start serves clients until stop, which cuts them off and waits for that.
func (a *keyAgent) start() (stop func() error, err error) {
	listener, err := net.Listen("unix", a.socket)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { a.serve(ctx, conn) })
		}
	})
	return func() error {
		err := listener.Close()
		cancel()
		serving.Wait()
		return err
	}, nil
}

// serve answers one client until it leaves or the context ends.
func (a *keyAgent) serve(ctx context.Context, conn net.Conn) {
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer func() {
		stop()
		_ = conn.Close()
	}()
	_ = agent.ServeAgent(a.keys, conn) // clients end in whatever way they like
}
