package controller

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/assaydev/assay/internal/git/remote"
	"github.com/assaydev/assay/internal/outage"
	"github.com/assaydev/assay/promote/branch"
)

// servers remember which Git servers do not answer: a look at a repository there may take all the time that a
// look has, and there are few workers for all of them. The zero value is ready, and safe for concurrent use.
type servers struct {
	mu sync.Mutex
	at map[string]*gitServer // by host
}

// gitServer is one of them.
type gitServer struct {
	*outage.Memory
	looks int // that are under way, or about to begin
}

// reachLimit is how long a server has to say where a branch is: longer than one takes that starts again.
const reachLimit = 90 * time.Second

// ask asks the server of a host, unless it is known that no answer would come.
func (s *servers) ask(ctx context.Context, host string, question func(context.Context) error) error {
	of := s.enter(host)
	defer s.leave(host, of)
	if err := of.Begin(); err != nil {
		return fmt.Errorf("the Git server %s is left alone for a while: %w", host, err)
	}
	defer of.End()
	limited, cancel := context.WithTimeoutCause(ctx, reachLimit, &remote.UnavailableError{Reason: fmt.Sprintf("no answer within %s", reachLimit)})
	defer cancel()
	err := question(limited)
	if err != nil && ctx.Err() == nil && limited.Err() != nil && !remote.IsUnavailable(err) {
		err = context.Cause(limited)
	}
	of.Note(ctx, err)
	return err
}

func (s *servers) enter(host string) *gitServer {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.at == nil {
		s.at = map[string]*gitServer{}
	}
	if s.at[host] == nil {
		s.at[host] = &gitServer{Memory: outage.New(remote.IsUnavailable)}
	}
	s.at[host].looks++
	return s.at[host]
}

// leave forgets a server of which there is nothing to be remembered.
func (s *servers) leave(host string, of *gitServer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, away := of.Away()
	if of.looks--; of.looks == 0 && !away {
		delete(s.at, host)
	}
}

// host is the Git server of a key; of a repository on this machine it is its own.
func (k Key) host() string {
	host, _, _ := strings.Cut(k.Repo, "/")
	if host == "" {
		return k.Repo
	}
	return host
}

// reach opens the branch of an environment, and says why its revision moves nothing.
func (p *promoter) reach(ctx context.Context, key Key, of site) (s *branch.Session, why string, err error) {
	err = p.servers.ask(ctx, key.host(), func(ctx context.Context) (err error) {
		if s, err = p.open(ctx, of); err == nil {
			why, err = notABranch(ctx, s, key.Branch)
		}
		return err
	})
	if err != nil && s != nil {
		s.Close()
		s = nil
	}
	return s, why, err
}
