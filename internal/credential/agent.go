package credential

import (
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

// start serves clients until stop, which waits for them to be gone.
func (a *keyAgent) start() (stop func() error, err error) {
	listener, err := net.Listen("unix", a.socket)
	if err != nil {
		return nil, err
	}
	var (
		serving sync.WaitGroup
		mu      sync.Mutex
		open    = map[net.Conn]bool{}
	)
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open[conn] = true
			mu.Unlock()
			serving.Go(func() {
				_ = agent.ServeAgent(a.keys, conn) // ends with the client, in whatever way
				_ = conn.Close()
				mu.Lock()
				delete(open, conn)
				mu.Unlock()
			})
		}
	})
	return func() error {
		err := listener.Close()
		mu.Lock()
		for conn := range open {
			_ = conn.Close()
		}
		mu.Unlock()
		serving.Wait()
		return err
	}, nil
}
