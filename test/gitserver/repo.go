package gitserver

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Repo is a bare repository on the server.
type Repo struct {
	Dir string
	URL string

	server *Server
}

// File is one to commit.
type File struct {
	Path   string
	Mode   string // 100644 if empty
	Data   string
	Delete bool
}

// Files are plain ones, from path to content.
func Files(list map[string]string) []File {
	var files []File
	for name, data := range list {
		files = append(files, File{Path: name, Data: data})
	}
	return files
}

// Git runs git in the repository and returns what it prints, without the last
// line break.
func (r *Repo) Git(args ...string) (string, error) { return r.GitIn(nil, args...) }

// GitIn is Git with more of an environment, as NAME=VALUE.
func (r *Repo) GitIn(env []string, args ...string) (string, error) {
	return r.server.run(r.Dir, "", env, args...)
}

// GitWith is Git with something to read.
func (r *Repo) GitWith(stdin string, args ...string) (string, error) {
	return r.server.run(r.Dir, stdin, nil, args...)
}

// Commit puts a commit on a branch, which is made if it is not there, and
// returns its id. The message may hold trailers.
func (r *Repo) Commit(branch, message string, files ...File) (string, error) {
	var in strings.Builder
	ref := "refs/heads/" + branch
	fmt.Fprintf(&in, "commit %s\nmark :1\ncommitter Server <server@example.com> now\ndata %d\n%s\n", ref, len(message), message)
	if _, err := r.Git("rev-parse", "--verify", "--quiet", ref); err == nil {
		fmt.Fprintf(&in, "from %s^0\n", ref)
	}
	for _, f := range files {
		writeFile(&in, f)
	}
	in.WriteString("get-mark :1\n")
	return r.server.run(r.Dir, in.String(), nil, "fast-import", "--quiet", "--date-format=now")
}

func writeFile(in *strings.Builder, f File) {
	if f.Delete {
		fmt.Fprintf(in, "D %s\n", quote(f.Path))
		return
	}
	mode := f.Mode
	if mode == "" {
		mode = "100644"
	}
	if mode == "160000" {
		fmt.Fprintf(in, "M %s %s %s\n", mode, f.Data, quote(f.Path))
		return
	}
	fmt.Fprintf(in, "M %s inline %s\ndata %d\n%s\n", mode, quote(f.Path), len(f.Data), f.Data)
}

// Tip is the commit that a branch is at.
func (r *Repo) Tip(branch string) (string, error) {
	return r.Git("rev-parse", "--verify", "refs/heads/"+branch)
}

// Advance puts an empty commit on a branch with plumbing, so that it moves
// under whoever is about to push.
func (r *Repo) Advance(branch string) (string, error) {
	tip, err := r.Tip(branch)
	if err != nil {
		return "", err
	}
	next, err := r.Git("commit-tree", "-p", tip, "-m", "somebody else's", tip+"^{tree}")
	if err != nil {
		return "", err
	}
	_, err = r.Git("update-ref", "refs/heads/"+branch, next, tip)
	return next, err
}

// Replace puts a commit with the same files and no history in a branch's place,
// as a forced push does.
func (r *Repo) Replace(branch string) (string, error) {
	next, err := r.Git("commit-tree", "-m", "another history", "refs/heads/"+branch+"^{tree}")
	if err != nil {
		return "", err
	}
	_, err = r.Git("update-ref", "refs/heads/"+branch, next)
	return next, err
}

// Hook installs a shell script as a hook: pre-receive, update, post-receive.
func (r *Repo) Hook(name, script string) error {
	dir := filepath.Join(r.Dir, "hooks")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("install hook: %w", err)
	}
	file := filepath.Join(dir, name)
	// Another name first: a file that is still open for writing cannot be run.
	if err := os.WriteFile(file+".new", []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
		return fmt.Errorf("install hook: %w", err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		return fmt.Errorf("install hook: %w", err)
	}
	return nil
}
