// Package envfs is the confined, read-only view of an env repo that all of
// Assay reads through.
//
// Data flows one way:
//
//  1. Open roots a file system at the repo with os.Root: no path, symlink or
//     ".." leaves it.
//  2. Every read is charged against Limits; past them it fails with a *LimitError.
//  3. With lays edits over it in memory: this is how a candidate is rendered
//     from edited files while nothing is written to disk.
//
// Names are slash-separated and relative to the repo's root, as in io/fs.
package envfs

import "io/fs"

// Limits bound what one render may read. A zero field means its default.
type Limits struct {
	FileBytes  int64 // one file, default 32 MiB
	TotalBytes int64 // all files together, default 256 MiB
	Files      int   // files read, default 50,000
}

// FS is a confined view of a repository. It implements fs.ReadFileFS,
// fs.ReadDirFS and fs.StatFS. It is safe for concurrent use; views made by
// With share its counters.
type FS struct {
	base  fs.FS
	edits map[string][]byte // nil value: the file is gone
}
