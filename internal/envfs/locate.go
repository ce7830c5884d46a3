package envfs

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"
	"sync"

	"github.com/assaydev/assay/internal/dotgit"
	"github.com/assaydev/assay/internal/excerpt"
)

var errTooLong = fmt.Errorf("its path has more than %d bytes: nest directories less", longestPath)

// maxLinks is how many links one name may pass, as on Linux.
const maxLinks = 40

// located is a name with every link followed.
type located struct {
	path   string
	info   fs.FileInfo
	edited bool // the content is the overlay's
}

// places remembers what exists, by every name that it was reached by.
type places struct {
	mu    sync.Mutex
	known map[string]located
}

func newPlaces() *places { return &places{known: map[string]located{}} }

func (p *places) get(name string) (located, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at, ok := p.known[name]
	return at, ok
}

func (p *places) put(name string, at located) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.known[name] = at
}

// find follows name through links, one element at a time, so that edits and
// counters apply to the real file whatever name it is read by.
func (f *FS) find(op, name string) (located, error) {
	if !fs.ValidPath(name) {
		return located{}, pathError(op, name, fs.ErrInvalid)
	}
	if len(name) > longestPath {
		return located{}, pathError(op, name[:40]+"...", errTooLong)
	}
	at, err := f.follow(name, new(int))
	if err != nil {
		return located{}, pathError(op, name, err)
	}
	if base := path.Base(name); at.info.Name() != base {
		at.info = renamed{at.info, base}
	}
	return at, nil
}

// renamed describes a link's target under the link's name, as os.Stat does.
type renamed struct {
	fs.FileInfo
	name string
}

func (r renamed) Name() string { return r.name }

// follow resolves the directory first, and remembers what it finds.
func (f *FS) follow(name string, links *int) (located, error) {
	if at, ok := f.places.get(name); ok {
		return at, nil
	}
	if f.inGit(name) {
		return located{}, dotgit.ErrInside
	}
	next := name
	if name != "." {
		parent, err := f.follow(path.Dir(name), links)
		if err != nil {
			return located{}, err
		}
		if !parent.info.IsDir() {
			return located{}, fs.ErrNotExist
		}
		if next = path.Join(parent.path, path.Base(name)); f.inGit(next) {
			return located{}, dotgit.ErrInside
		}
	}
	at, err := f.lstat(next)
	if err == nil && at.info.Mode()&fs.ModeSymlink != 0 {
		at, err = f.followLink(next, links)
	}
	if err == nil {
		f.places.put(name, at)
	}
	return at, err
}

func (f *FS) followLink(name string, links *int) (located, error) {
	if *links++; *links > maxLinks {
		return located{}, fmt.Errorf("the symlink %s leads in a circle: remove it", name)
	}
	target, err := f.target(name)
	if err != nil {
		return located{}, err
	}
	at, err := f.follow(target, links)
	if errors.Is(err, fs.ErrNotExist) && !IsDangling(err) {
		err = &danglingError{name, target}
	}
	return at, err
}

// danglingError is a link to what does not exist: fs.ErrNotExist, though there is
// something of the name.
type danglingError struct{ link, to string }

func (e *danglingError) Error() string {
	return fmt.Sprintf("the symlink %s leads to %s, which does not exist: add what it names, or remove the link", e.link, e.to)
}

// IsDangling reports whether the error is that of a link to what does not exist.
func IsDangling(err error) bool { return errors.As(err, new(*danglingError)) }

func (e *danglingError) Is(target error) bool { return target == fs.ErrNotExist }

// target is where the link at name points, relative to the root.
func (f *FS) target(name string) (string, error) {
	to, err := fs.ReadLink(f.base, name)
	if err != nil {
		return "", excerpt.Cause(err)
	}
	target := path.Join(path.Dir(name), to)
	if dotgit.Inside(to) {
		return "", fmt.Errorf("the symlink %s: %w", name, dotgit.ErrInside)
	}
	if path.IsAbs(to) || !fs.ValidPath(target) {
		return "", fmt.Errorf("the symlink %s leaves the repository: replace it with a copy of the file, or with a relative link to a file inside", name)
	}
	return target, nil
}

// lstat describes one path whose parents hold no links.
func (f *FS) lstat(name string) (located, error) {
	if f.over != nil {
		if at, ok, err := f.over.lstat(name); ok {
			return at, err
		}
	}
	info, err := fs.Lstat(f.base, name)
	switch {
	case err != nil:
		f.trail.note(name, nothing)
		return located{}, excerpt.Cause(err)
	case info.IsDir():
		f.trail.note(name, directory)
	default:
		f.trail.note(name, content)
	}
	return located{path: name, info: info}, nil
}

// Lstat describes a file, directory or link; it does not follow the last element.
func (f *FS) Lstat(name string) (fs.FileInfo, error) {
	at, err := f.findLink("lstat", name)
	return at.info, err
}

// ReadLink returns what the link at name holds.
func (f *FS) ReadLink(name string) (string, error) {
	at, err := f.findLink("readlink", name)
	if err != nil {
		return "", err
	}
	if at.info.Mode()&fs.ModeSymlink == 0 {
		return "", pathError("readlink", name, fs.ErrInvalid)
	}
	return fs.ReadLink(f.base, at.path)
}

// IsRepository reports whether a directory has a .git of its own, as a submodule or
// a clone has. It is all that can be learned of one.
func (f *FS) IsRepository(dir string) (bool, error) {
	at, err := f.find("stat", dir)
	if err != nil {
		return false, err
	}
	_, err = f.lstat(path.Join(at.path, ".git"))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// findLink is find, less the last step.
func (f *FS) findLink(op, name string) (located, error) {
	if !fs.ValidPath(name) {
		return located{}, pathError(op, name, fs.ErrInvalid)
	}
	if dotgit.Inside(path.Base(name)) {
		return located{}, pathError(op, name, dotgit.ErrInside)
	}
	dir, err := f.find(op, path.Dir(name))
	if err != nil {
		return located{}, err
	}
	full := path.Join(dir.path, path.Base(name))
	if f.inGit(full) {
		return located{}, pathError(op, name, dotgit.ErrInside)
	}
	at, err := f.lstat(full)
	if err != nil {
		return located{}, pathError(op, name, err)
	}
	return at, nil
}

var scheme = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*://`)

// Within reports whether a path is a directory or below it. Both are clean.
func Within(name, dir string) bool {
	return dir == "." || name == dir || strings.HasPrefix(name, dir+"/")
}

// Resolve joins a path from a file in dir to the root. It refuses absolute
// paths, URLs and paths that leave the repository. It reads nothing.
func Resolve(dir, rel string) (string, error) {
	name := path.Join(dir, rel)
	switch {
	case rel == "":
		return "", errors.New("the path is empty: name a file inside the repository")
	case scheme.MatchString(rel):
		return "", fmt.Errorf("%s is a URL: copy the file into the repository and name its path", hideUser(rel))
	case path.IsAbs(rel):
		return "", fmt.Errorf("%s is an absolute path: name it relative to %s", rel, dir)
	case !fs.ValidPath(name):
		return "", fmt.Errorf("%s leaves the repository: copy the file into it", rel)
	case dotgit.Inside(rel):
		return "", fmt.Errorf("%s: %w", rel, dotgit.ErrInside)
	}
	return name, nil
}

// hideUser drops what stands before the host of a URL: it may be a token.
func hideUser(url string) string {
	before, after, _ := strings.Cut(url, "://")
	host, rest, _ := strings.Cut(after, "/")
	if i := strings.LastIndex(host, "@"); i >= 0 {
		host = host[i+1:]
	}
	rest, _, _ = strings.Cut(rest, "?")
	return before + "://" + strings.TrimSuffix(host+"/"+rest, "/")
}
