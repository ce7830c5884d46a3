package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/assaydev/assay/internal/dotgit"
	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/internal/scratch"
)

// Commit is one that was prepared, and what it stands on.
type Commit struct {
	ID     string `json:"id"`
	Parent string `json:"parent"`
}

// Dirty lists what in dir differs from the last commit, staged or not, and
// files that are not tracked, less those that except names.
func (r *Repo) Dirty(ctx context.Context, dir string, except func(name string) bool) ([]string, error) {
	return r.dirty(ctx, []string{pathspec(r.full(dir))}, except)
}

// mostNames is how many files one git command is asked about.
const mostNames = 500

// Differ lists which of the files differ from the last commit, or are not in it.
func (r *Repo) Differ(ctx context.Context, names []string) (out []string, err error) {
	for some := range slices.Chunk(names, mostNames) {
		where := make([]string, len(some))
		for i, name := range some {
			where[i] = r.full(name)
		}
		found, err := r.dirty(ctx, where, func(name string) bool { return !slices.Contains(some, name) })
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	return out, nil
}

// dirty looks at full paths.
func (r *Repo) dirty(ctx context.Context, where []string, except func(name string) bool) ([]string, error) {
	ask := func(args ...string) []string { return append(append(args, "--"), where...) }
	if err := r.unfiltered(ctx, func() ([]byte, error) { return r.git(ctx, nil, ask("ls-files", "-z")...) }); err != nil {
		return nil, err
	}
	plain, done, err := r.unmarked(ctx, ask("ls-files", "-v", "-z"))
	if err != nil {
		return nil, err
	}
	defer done()
	// What a submodule has in its files is for its own configuration to say, which
	// may name programs too.
	out, err := plain.Run(ctx, nil, ask("status", "--porcelain=v1", "-z", "--no-renames", "--untracked-files=all", "--ignore-submodules=dirty")...)
	if err != nil {
		return nil, err
	}
	var names []string
	for entry := range strings.SplitSeq(string(out), "\x00") {
		if len(entry) < 4 {
			continue
		}
		if name := strings.TrimPrefix(entry[3:], r.prefix); !except(name) {
			names = append(names, name)
		}
	}
	return names, nil
}

// unmarked runs git with an index in which no file is marked as one that is not to be
// looked at, as update-index --assume-unchanged and sparse checkouts mark them: what
// was read of it counts all the same. The arguments list the files with their marks.
// The caller runs done once it has.
func (r *Repo) unmarked(ctx context.Context, list []string) (run git.Runner, done func(), err error) {
	out, err := r.git(ctx, nil, list...)
	if err != nil {
		return run, nil, err
	}
	var marked bytes.Buffer
	for entry := range strings.SplitSeq(string(out), "\x00") {
		if tag, name, found := strings.Cut(entry, " "); found && (tag == "S" || tag != strings.ToUpper(tag)) {
			_, _ = marked.WriteString(name + "\x00")
		}
	}
	if marked.Len() == 0 {
		return r.run, func() {}, nil
	}
	index, err := r.Private(ctx, "index")
	if err != nil {
		return run, nil, err
	}
	data, err := os.ReadFile(index) //nolint:gosec // Git's own
	if err != nil {
		return run, nil, fmt.Errorf("read index: %w", excerpt.Cause(err))
	}
	made, err := scratch.Make(r.temp, "assay-index-")
	if err != nil {
		return run, nil, fmt.Errorf("make index: %w", errors.Unwrap(err))
	}
	done = func() { _ = made.Remove() }
	at := filepath.Join(made.Path, "index")
	run = r.run.With("GIT_INDEX_FILE=" + at)
	if err = os.WriteFile(at, data, 0o600); err != nil { //nolint:gosec // in a directory that was made for it
		err = fmt.Errorf("make index: %w", excerpt.Cause(err))
	}
	for _, mark := range []string{"--no-assume-unchanged", "--no-skip-worktree"} {
		if err == nil {
			_, err = run.Run(ctx, marked.Bytes(), "update-index", "-z", mark, "--stdin")
		}
	}
	if err != nil {
		done()
	}
	return run, done, err
}

func pathspec(name string) string {
	if name == "" {
		return "."
	}
	return name
}

// Prepare makes a commit on top of the one that is checked out, with these
// files alone changed. What the user has staged is not part of it. Nothing refers
// to it yet.
func (r *Repo) Prepare(ctx context.Context, files []git.File, message string) (Commit, error) {
	for _, f := range files {
		if dotgit.Inside(f.Path) {
			return Commit{}, fmt.Errorf("commit %s: %w", f.Path, dotgit.ErrInside)
		}
	}
	if err := r.unlocked(ctx); err != nil {
		return Commit{}, err
	}
	parent, err := r.Head(ctx)
	if err != nil {
		return Commit{}, err
	}
	if parent == "" {
		return Commit{}, errors.New("the branch has no commit yet: make the first one, then start again")
	}
	c := Commit{Parent: parent}
	tree, err := r.writeTree(ctx, c.Parent, files)
	if err != nil {
		return Commit{}, err
	}
	args := []string{"commit-tree", "-p", c.Parent, "-F", "-"}
	sign, err := r.git(ctx, nil, "config", "--type=bool", "--default=false", "commit.gpgSign")
	if err != nil {
		return Commit{}, err
	}
	if git.FirstLine(sign) == "true" {
		args = append(args, "-S")
	}
	out, err := r.git(ctx, []byte(message), append(args, tree)...)
	if err != nil && slices.Contains(args, "-S") {
		return c, fmt.Errorf("sign the commit, as commit.gpgSign asks: %w%s", err, r.unsigned())
	}
	c.ID = git.FirstLine(out)
	return c, err
}

func (r *Repo) unsigned() string {
	if r.guard.Signer == "" {
		return ""
	}
	return fmt.Sprintf("; %s of the repository's own configuration is not run: set it in yours with git config --global", r.guard.Signer)
}

// unfiltered refuses files that a filter is for which only the repository's own
// configuration has: their content in Git would be another one.
func (r *Repo) unfiltered(ctx context.Context, list func() ([]byte, error)) error {
	if len(r.guard.Filters) == 0 {
		return nil
	}
	names, err := list()
	if err != nil {
		return err
	}
	out, err := r.git(ctx, names, "check-attr", "-z", "--stdin", "filter")
	if err != nil {
		return err
	}
	fields := strings.Split(string(out), "\x00")
	for i := 0; i+2 < len(fields); i += 3 {
		if key, found := r.guard.Filters[fields[i+2]]; found {
			return fmt.Errorf("%s needs the filter %s, and %s stands in the repository's own configuration, whose programs are not run: set it in yours with git config --global", fields[i], fields[i+2], key)
		}
	}
	return nil
}

// unlocked refuses early what UpdateIndex could not do.
func (r *Repo) unlocked(ctx context.Context) error {
	index, err := r.git(ctx, nil, "rev-parse", "--git-path", "index.lock")
	if err != nil {
		return err
	}
	name := git.FirstLine(index)
	if !filepath.IsAbs(name) {
		name = filepath.Join(r.run.Dir, name)
	}
	if _, err := os.Lstat(name); err == nil {
		return errors.New("another git process is at work in the repository (index.lock exists): wait for it, or remove the file if it crashed")
	}
	return nil
}

// writeTree is the parent's tree with the files changed.
func (r *Repo) writeTree(ctx context.Context, parent string, files []git.File) (string, error) {
	made, err := scratch.Make(r.temp, "assay-index-")
	if err != nil {
		return "", fmt.Errorf("make index: %w", errors.Unwrap(err))
	}
	defer func() { _ = made.Remove() }()
	indexed := r.run.With("GIT_INDEX_FILE=" + filepath.Join(made.Path, "index"))
	if _, err := indexed.Run(ctx, nil, "read-tree", parent); err != nil {
		return "", err
	}
	modes, err := r.entries(ctx, parent, paths(files))
	if err != nil {
		return "", err
	}
	if err := r.unfiltered(ctx, func() ([]byte, error) { return r.edited(files), nil }); err != nil {
		return "", err
	}
	var info bytes.Buffer
	for _, f := range files {
		if f.After == nil {
			removal(&info, parent, r.full(f.Path))
			continue
		}
		// As git add would: through the filters that attributes name.
		blob, err := r.git(ctx, f.After, "hash-object", "-w", "--stdin", "--path="+r.full(f.Path))
		if err != nil {
			return "", err
		}
		mode := "100644"
		if e, ok := modes[r.full(f.Path)]; ok {
			mode = e.mode
		}
		_, _ = fmt.Fprintf(&info, "%s %s\t%s\x00", mode, git.FirstLine(blob), r.full(f.Path))
	}
	if _, err := indexed.Run(ctx, info.Bytes(), "update-index", "-z", "--index-info"); err != nil {
		return "", err
	}
	out, err := indexed.Run(ctx, nil, "write-tree")
	return git.FirstLine(out), err
}

// edited lists the files that get a new content, as git reads lists.
func (r *Repo) edited(files []git.File) []byte {
	var names bytes.Buffer
	for _, f := range files {
		if f.After != nil {
			_, _ = names.WriteString(r.full(f.Path) + "\x00")
		}
	}
	return names.Bytes()
}

// removal is for an index of the repository that has the commit like.
func removal(info *bytes.Buffer, like, name string) {
	_, _ = fmt.Fprintf(info, "0 %s\t%s\x00", strings.Repeat("0", len(like)), name)
}

func paths(files []git.File) []string {
	names := make([]string, len(files))
	for i, f := range files {
		names[i] = f.Path
	}
	return names
}

// Land moves the branch from the commit's parent to it. It may have done so
// before.
func (r *Repo) Land(ctx context.Context, c Commit) error {
	if landed, err := r.contains(ctx, c.ID); landed || err != nil {
		return err
	}
	_, err := r.git(ctx, nil, "update-ref", "-m", "assay: "+git.Short(c.ID), "HEAD", c.ID, c.Parent)
	return err
}

// contains reports whether the commit is HEAD or before it.
func (r *Repo) contains(ctx context.Context, id string) (bool, error) {
	_, err := r.git(ctx, nil, "merge-base", "--is-ancestor", id, "HEAD")
	var failed *git.Error
	if errors.As(err, &failed) && failed.Code == 1 {
		return false, nil
	}
	return err == nil, err
}

// UpdateIndex sets the index at these paths to what the last commit has. What is
// staged for others stays.
func (r *Repo) UpdateIndex(ctx context.Context, names []string) error {
	head, err := r.Resolve(ctx, "HEAD")
	if err != nil {
		return err
	}
	entries, err := r.entries(ctx, head, names)
	if err != nil {
		return err
	}
	var info bytes.Buffer
	for _, name := range names {
		if e, ok := entries[r.full(name)]; ok {
			_, _ = fmt.Fprintf(&info, "%s %s\t%s\x00", e.mode, e.id, r.full(name))
		} else {
			removal(&info, head, r.full(name))
		}
	}
	_, err = r.git(ctx, info.Bytes(), "update-index", "-z", "--index-info")
	return err
}

// entry is a file in a tree.
type entry struct{ mode, kind, id string }

// entries are the named files of a commit, by full path; those that do not
// exist are left out.
func (r *Repo) entries(ctx context.Context, commit string, names []string) (map[string]entry, error) {
	args := []string{"ls-tree", "-z", "--full-tree", commit, "--"}
	for _, name := range names {
		args = append(args, r.full(name))
	}
	out, err := r.git(ctx, nil, args...)
	if err != nil {
		return nil, err
	}
	return parseEntries(out)
}

func parseEntries(out []byte) (map[string]entry, error) {
	list := map[string]entry{}
	for record := range strings.SplitSeq(string(out), "\x00") {
		if record == "" {
			continue
		}
		meta, name, found := strings.Cut(record, "\t")
		fields := strings.Fields(meta)
		if !found || len(fields) < 3 || !fs.ValidPath(name) {
			return nil, errors.New("git ls-tree: its output is not a list of files")
		}
		if _, twice := list[name]; twice {
			return nil, fmt.Errorf("the commit has two entries %q: remove one of them", name)
		}
		list[name] = entry{fields[0], fields[1], fields[2]}
	}
	return list, nil
}
