package credential

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"sync"
	"time"
)

// Logins are what the Credentials of one process share, so that many of them do not log in at
// once: a GitHub App's token is used by all that ask for the same repository until it
// ends, and one host is asked for one token at a time. The zero value is ready; nil shares
// nothing. It is safe for concurrent use.
type Logins struct {
	mu     sync.Mutex
	grants map[[sha256.Size]byte]*grant
	hosts  map[string]chan struct{}
}

// grant is a token that an app has for a repository.
type grant struct {
	turn    chan struct{} // held while looking at what follows
	current string
	expires time.Time

	used time.Time // last, under Logins.mu
}

func newGrant() *grant { return &grant{turn: make(chan struct{}, 1)} }

// kept is how long a token stays that nobody asks for; GitHub's end after an hour.
const kept = 2 * time.Hour

// of is the grant of an app for a repository, and the turn of the API's host. A grant is shared
// only under the same key: nobody without it gets its token.
func (l *Logins) of(a App, repo, host string) (*grant, chan struct{}) {
	if l == nil {
		return newGrant(), make(chan struct{}, 1)
	}
	key := sha256.Sum256(fmt.Appendf(nil, "%q %q %d %q %q", a.API, a.ID, a.Installation, repo, a.Key))
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.grants == nil {
		l.grants, l.hosts = map[[sha256.Size]byte]*grant{}, map[string]chan struct{}{}
	}
	now := time.Now()
	maps.DeleteFunc(l.grants, func(_ [sha256.Size]byte, g *grant) bool { return now.Sub(g.used) > kept })
	if l.grants[key] == nil {
		l.grants[key] = newGrant()
	}
	if l.hosts[host] == nil {
		l.hosts[host] = make(chan struct{}, 1)
	}
	l.grants[key].used = now
	return l.grants[key], l.hosts[host]
}
