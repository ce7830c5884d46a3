package git

import (
	"fmt"
	"io/fs"
	"path"
)

// mostAhead is how many objects one request asks for.
const mostAhead = 20_000

// How much of a tree is walked: few objects may be directories and files without end. A
// path is no longer than on Linux, in bytes.
const (
	mostDirs  = 200_000
	mostFiles = 2_000_000
	mostPath  = 4096
)

var errBomb = fmt.Errorf("there are more than %d directories or %d files, or paths of more than %d bytes: name a directory below", mostDirs, mostFiles, mostPath)

// Ahead fetches what a walk below a directory will read, each level of
// directories in one request, and all files in one. Of files only those of
// directories that reads names, by path and by the names of their files, and of
// all below such a one; below the root that would be the whole repository, and is
// left out. Without it each directory and its files are a request.
func (t *Tree) Ahead(top string, reads func(dir string, files []string) bool) error {
	if t.fetch == nil {
		return nil
	}
	at, err := t.find(top)
	if err != nil {
		return &fs.PathError{Op: "read", Path: top, Err: err}
	}
	if !at.mode.IsDir() {
		return nil
	}
	var files []string
	dirs := 0
	for level := []ahead{{at, top, false}}; len(level) > 0; {
		if dirs += len(level); dirs > mostDirs {
			return &fs.PathError{Op: "read", Path: top, Err: errBomb}
		}
		ids := make([]string, len(level))
		for i, d := range level {
			ids[i] = d.id
		}
		if err := t.bringAll(ids); err != nil {
			return err
		}
		var below []ahead
		for _, d := range level {
			list, err := t.list(d.treeEntry)
			if err != nil {
				return &fs.PathError{Op: "read", Path: d.path, Err: err}
			}
			if len(d.path) > mostPath || len(below) > mostDirs || len(files) > mostFiles {
				return &fs.PathError{Op: "read", Path: top, Err: errBomb}
			}
			d.read = d.read || reads(d.path, fileNames(list))
			for _, e := range list {
				switch {
				case e.mode.IsDir() && e.id != "":
					below = append(below, ahead{e, path.Join(d.path, e.name), d.read && d.path != "."})
				case !e.mode.IsDir() && d.read:
					files = append(files, e.id)
				}
			}
		}
		level = below
	}
	return t.bringAll(files)
}

// ahead is a directory that is about to be read.
type ahead struct {
	treeEntry
	path string
	read bool // its files are read too
}

func fileNames(list []treeEntry) []string {
	var names []string
	for _, e := range list {
		if e.isFile() {
			names = append(names, e.name)
		}
	}
	return names
}

// bringAll fetches objects in as few requests as may be.
func (t *Tree) bringAll(ids []string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for len(ids) > 0 {
		n := min(len(ids), mostAhead)
		for i, id := range ids[:n] {
			if !t.here[id] {
				if err := t.bring(id, ids[i:n]...); err != nil {
					return err
				}
				break
			}
		}
		ids = ids[n:]
	}
	return nil
}
