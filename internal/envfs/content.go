package envfs

import (
	"crypto/sha256"
	"errors"
	"hash"
	"io/fs"
	"maps"
	"slices"
	"strconv"
)

// Content tells views from each other: two that are equal, of one opening of a
// repository, have the same files, as long as nobody writes to it.
type Content struct {
	opened *meter
	edits  [sha256.Size]byte
}

// Content is that of the view.
func (f *FS) Content() Content {
	c := Content{opened: f.meter}
	if f.over == nil {
		return c
	}
	sum, edited := sha256.New(), false
	base := &FS{base: f.base, meter: f.meter, trail: f.trail, places: newPlaces()}
	for _, name := range slices.Sorted(maps.Keys(f.over.files)) {
		data := f.over.files[name]
		if data == nil {
			if _, err := base.lstat(name); errors.Is(err, fs.ErrNotExist) {
				continue // it is not there anyway
			}
		}
		edited = true
		note(sum, name, data)
	}
	if edited {
		sum.Sum(c.edits[:0])
	}
	return c
}

// Identity says which files these are, less edits, where the base knows: as an id of Git's does.
// It is empty where it does not.
func (f *FS) Identity() string {
	if base, ok := f.base.(interface{ Identity() string }); ok {
		return base.Identity()
	}
	return ""
}

func note(sum hash.Hash, name string, data []byte) {
	size := -1
	if data != nil {
		size = len(data)
	}
	_, _ = sum.Write([]byte(strconv.Quote(name) + strconv.Itoa(size) + "\n"))
	_, _ = sum.Write(data)
}
