package local

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/assaydev/assay/internal/git"
)

// Private is a file in Git's own directory of this work tree, which no content of
// the repository can write.
func (r *Repo) Private(ctx context.Context, name string) (string, error) {
	out, err := r.git(ctx, nil, "rev-parse", "--git-path", name)
	if err != nil {
		return "", err
	}
	at := git.FirstLine(out)
	if !filepath.IsAbs(at) {
		at = filepath.Join(r.run.Dir, at)
	}
	return at, nil
}

// Path is a path of the directory that Open was given, from the top of the work
// tree.
func (r *Repo) Path(name string) string { return r.full(name) }

// Tracked lists which of the files Git tracks.
func (r *Repo) Tracked(ctx context.Context, names []string) ([]string, error) {
	if len(names) == 0 {
		return nil, nil
	}
	args := []string{"--literal-pathspecs", "ls-files", "-z", "--"}
	for _, name := range names {
		args = append(args, r.full(name))
	}
	out, err := r.git(ctx, nil, args...)
	if err != nil {
		return nil, err
	}
	var tracked []string
	for name := range strings.SplitSeq(string(out), "\x00") {
		if name != "" {
			tracked = append(tracked, strings.TrimPrefix(name, r.prefix))
		}
	}
	return tracked, nil
}

var wholeID = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)

// Holds proves that a commit that was prepared is what it is said to be: its only
// parent is the one that is named, its tree differs from the parent's in these
// files alone, which have these contents, and HEAD is the one or the other.
func (r *Repo) Holds(ctx context.Context, c Commit, files []git.File) error {
	if !wholeID.MatchString(c.ID) || !wholeID.MatchString(c.Parent) {
		return errors.New("the record names no commit by its whole ID")
	}
	head, err := r.Resolve(ctx, "HEAD")
	if err != nil {
		return err
	}
	if head != c.ID && head != c.Parent {
		return fmt.Errorf("the branch has moved to commit %s", git.Short(head))
	}
	out, err := r.git(ctx, nil, "rev-list", "--parents", "--max-count=1", c.ID)
	if err != nil {
		return err
	}
	if git.FirstLine(out) != c.ID+" "+c.Parent {
		return fmt.Errorf("commit %s does not stand on commit %s alone", git.Short(c.ID), git.Short(c.Parent))
	}
	if out, err = r.git(ctx, nil, "diff-tree", "-r", "-z", "--raw", "--no-renames", "--ignore-submodules=none", c.Parent, c.ID); err != nil {
		return err
	}
	changed, err := parseRaw(out)
	if err != nil {
		return err
	}
	for _, f := range files {
		name := r.full(f.Path)
		got, found := changed[name]
		delete(changed, name)
		want := ""
		if f.After != nil {
			blob, err := r.git(ctx, f.After, "hash-object", "--stdin", "--path="+name)
			if err != nil {
				return err
			}
			want = git.FirstLine(blob)
		}
		if found && got != want {
			return fmt.Errorf("commit %s holds another content of %s", git.Short(c.ID), f.Path)
		}
		if found {
			continue
		}
		now, err := r.entries(ctx, c.ID, []string{f.Path})
		if err != nil {
			return err
		}
		if now[name].id != want {
			return fmt.Errorf("commit %s does not change %s", git.Short(c.ID), f.Path)
		}
	}
	for name := range changed {
		return fmt.Errorf("commit %s changes %s too", git.Short(c.ID), name)
	}
	return nil
}

// parseRaw reads what git diff-tree prints: the new content of each path, empty
// for one that is gone. A changed mode is not an edit of ours.
func parseRaw(out []byte) (map[string]string, error) {
	changed := map[string]string{}
	fields := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
	if len(fields) == 1 && fields[0] == "" {
		return changed, nil
	}
	for i := 0; i+1 < len(fields); i += 2 {
		meta := strings.Fields(strings.TrimPrefix(fields[i], ":"))
		if len(meta) != 5 {
			return nil, errors.New("git diff-tree: its output is not a list of changes")
		}
		switch meta[4] {
		case "A", "M", "D":
		default:
			return nil, fmt.Errorf("the commit changes what %s is", fields[i+1])
		}
		if meta[4] == "M" && meta[0] != meta[1] || meta[4] == "A" && meta[1] != "100644" {
			return nil, fmt.Errorf("the commit changes the mode of %s", fields[i+1])
		}
		id := meta[3]
		if meta[4] == "D" {
			id = ""
		}
		changed[fields[i+1]] = id
	}
	return changed, nil
}
