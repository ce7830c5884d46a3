// Package remote reads and writes a branch on a server with git's own
// plumbing. Nothing is checked out, and what nobody reads is not fetched: the
// cost follows the path that is edited, not the size of the repository.
//
//  1. Open makes a bare repository that lives as long as the Remote (store.go).
//  2. Tip fetches the last commit of a branch, without its files; Tree gives the
//     files as a file system, fetched by object id when they are read (tip.go).
//     Resolve fetches what people name otherwise (resolve.go).
//  3. Commit writes files, the directories on their paths and a commit (commit.go).
//  4. Push moves refs if they are still what they were (push.go), and tells what
//     a server's refusal means (classify.go).
//  5. Update does 2 to 4 until the commit is on the branch (update.go); Retry
//     repeats what else a server did not answer (retry.go).
//  6. Log and Landed read the history without files (history.go); FirstParents tells
//     when a path of it last changed (firstparents.go).
package remote

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/internal/repourl"
	"github.com/assaydev/assay/internal/scratch"
)

// Options say where the repository is and how to speak with it.
type Options struct {
	// URL is the repository's, as git takes it, or an absolute path. A password
	// has no place in it.
	URL string
	// Access is asked before each command that speaks with the server, since
	// tokens expire. Nil speaks without credentials.
	Access func(ctx context.Context) (git.Settings, error)
	// Env is the whole environment of git, as NAME=VALUE: PATH for ssh and
	// signing programs, and proxy variables. The process's own is left out.
	Env []string
	// Config holds settings for all commands, as those for signing.
	Config [][2]string
	// Scrub takes secrets out of what git and the server say.
	Scrub func(string) string
	// Step is told what is being done, for people. Nil is quiet.
	Step func(string)
	// Again is told each try that is made again: as a ref had moved, or as the server
	// did not answer. Nil is quiet.
	Again func(moved bool)
	// Turns are shared with others that update the same branches; nil shares nothing.
	Turns *Turns

	Author    git.Identity // of commits
	Committer git.Identity // the author where it is empty
	Sign      bool         // sign commits as Config says

	// TempDir is where the bare repository is made.
	TempDir string
	// Random draws a number from 0 up to less than n, to space tries; a source of
	// the process's own if nil.
	Random func(n int64) int64
	// Now is the clock that tries are bounded by; the system's if nil.
	Now func() time.Time
}

// Remote is a repository on a server. One goroutine at a time may use it; the
// trees that it gives are safe for concurrent use.
type Remote struct {
	opt  Options
	dir  string // private
	made *scratch.Dir
	*store

	mu         sync.Mutex // serialises commands that speak with the server
	everything bool       // the server ignores filters

	separate bool // the server moves one ref at a time
}

// Open makes the bare repository. It does not speak with the server. The caller
// closes the Remote.
func Open(ctx context.Context, opt Options) (*Remote, error) {
	if err := check(opt); err != nil {
		return nil, err
	}
	if opt.Committer == (git.Identity{}) {
		opt.Committer = opt.Author
	}
	if opt.Step == nil {
		opt.Step = func(string) {}
	}
	if opt.Again == nil {
		opt.Again = func(bool) {}
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	dir, err := scratch.Make(opt.TempDir, "assay-git-")
	if err != nil {
		return nil, fmt.Errorf("make repository: %w; is the directory for temporary files there and writable?", excerpt.Cause(err))
	}
	r := &Remote{opt: opt, dir: dir.Path, made: dir}
	if r.store, err = r.newStore(ctx, "repository", sha1Format); err != nil {
		_ = dir.Remove()
		return nil, err
	}
	return r, nil
}

// Close removes the bare repository.
func (r *Remote) Close() error {
	if err := r.made.Remove(); err != nil {
		return fmt.Errorf("remove repository: %w", excerpt.Cause(err))
	}
	return nil
}

// SendsEverything reports whether the server was seen to ignore filters: each
// new commit comes with all files.
func (r *Remote) SendsEverything() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.everything
}

func check(opt Options) error {
	switch u, err := repourl.Parse(opt.URL); {
	case errors.Is(err, repourl.ErrEmpty):
		return errors.New("no URL of a Git repository")
	case u.HasPassword:
		return errors.New("the repository's URL has a password in it: give the URL without it, and the password as a credential")
	case err != nil:
		return fmt.Errorf("it is not a URL of a Git repository: %w: name https://, ssh:// or an absolute path", err)
	}
	if opt.Author.Name == "" || opt.Author.Email == "" {
		return errors.New("the author of commits has no name or no email address")
	}
	return nil
}

// scrub takes secrets and the machine's paths out of a text.
func (r *Remote) scrub(text string) string {
	text = strings.ReplaceAll(text, r.dir, "(temporary)")
	if r.opt.Scrub == nil {
		return text
	}
	return r.opt.Scrub(text)
}

func (r *Remote) runner(dir string) git.Runner {
	// Whoever has a key and known hosts replaces this by a command of its own.
	env := append([]string{"GIT_SSH_COMMAND=ssh -F none -o BatchMode=yes -o StrictHostKeyChecking=yes -o ConnectTimeout=30"}, r.opt.Env...)
	env = append(env,
		"HOME="+r.dir, "XDG_CONFIG_HOME="+r.dir, "TMPDIR="+r.dir, "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL="+os.DevNull,
		"GIT_AUTHOR_NAME="+r.opt.Author.Name, "GIT_AUTHOR_EMAIL="+r.opt.Author.Email,
		"GIT_COMMITTER_NAME="+r.opt.Committer.Name, "GIT_COMMITTER_EMAIL="+r.opt.Committer.Email,
	)
	return git.Runner{Dir: dir, Env: env, Group: true, Config: append(settings(), r.opt.Config...), Scrub: r.scrub}
}
