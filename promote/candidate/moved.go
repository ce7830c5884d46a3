package candidate

import (
	"context"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/history"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/render"
)

// recallMoved is the last decision against what is under test, made where the environment
// was before its directory was renamed: it has another digest there.
func (m *Marker) recallMoved(ctx context.Context, c spec.Candidate, past history.Past) (history.Decision, bool, error) {
	if !slices.ContainsFunc(past.Earlier, against) {
		return history.Decision{}, false, nil
	}
	req, err := m.with(c)
	if err != nil {
		return history.Decision{}, false, err
	}
	files, err := filesOf(req.FS, m.Dir)
	if err != nil {
		return history.Decision{}, false, err
	}
	for _, was := range past.Was {
		there := map[string][]byte{}
		for name, data := range files {
			there[path.Join(was.Dir, name)] = data
		}
		then := req
		then.FS, then.Environment = req.FS.With(there), was
		res, err := render.Environment(ctx, then)
		if ctx.Err() != nil {
			return history.Decision{}, false, err
		}
		if err != nil {
			continue // it needs what stands around it now
		}
		if d, known := history.Recall(past.Earlier, res.Digest); known {
			return d, true, nil
		}
	}
	return history.Decision{}, false, nil
}

// filesOf are the files in a directory, by their paths there.
func filesOf(fsys *envfs.FS, dir string) (map[string][]byte, error) {
	files := map[string][]byte{}
	err := fs.WalkDir(fsys, dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		rel := strings.TrimPrefix(strings.TrimPrefix(name, path.Clean(dir)), "/")
		files[rel], err = fsys.ReadFile(name)
		return err
	})
	return files, err
}
