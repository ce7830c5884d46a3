package adopt

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"path"

	"github.com/assaydev/assay/internal/scaffold"
	"github.com/assaydev/assay/render"
)

// others are the resources that are there already, less those that are written. What an
// earlier Init wrote for another engine goes, if nobody has edited it since. Nothing is
// written over or removed unless the options say so.
func (e Environment) others(opt Options, dir string, s *Scaffold) ([]string, error) {
	entries, err := e.FS.ReadDir(e.at(dir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var others []string
	for _, entry := range entries {
		name := path.Join(e.at(dir), entry.Name())
		if entry.IsDir() {
			continue
		}
		if _, written := s.Files[name]; written {
			if !opt.Overwrite {
				return nil, &ExistsError{name}
			}
			continue
		}
		data, err := e.read(name)
		if err != nil {
			return nil, err
		}
		judges, unchanged, err := scaffold.Wrote(entry.Name(), data)
		switch {
		case err != nil:
			return nil, err
		case unchanged && !opt.Overwrite:
			return nil, &ExistsError{name}
		case unchanged:
			s.Files[name] = nil
		case judges:
			return nil, &OthersError{[]string{name}}
		default:
			others = append(others, name)
		}
	}
	return others, nil
}

// alone refuses resources that judge beside those of the engine.
func (e Environment) alone(ctx context.Context, s *Scaffold, others []string, rehearsed *render.Result) error {
	all := len(rehearsed.Judges())
	if all < 2 {
		return nil
	}
	var judging []string
	for _, name := range others {
		less := &Scaffold{Files: maps.Clone(s.Files), Images: s.Images}
		less.Files[name] = nil
		if res, err := e.rehearse(ctx, less); err == nil && len(res.Judges()) < all {
			judging = append(judging, name)
		}
	}
	if len(judging) == 0 {
		s.Notes = append(s.Notes, "other resources that the plan names judge too, beside those that are written")
		return nil
	}
	return &OthersError{judging}
}
