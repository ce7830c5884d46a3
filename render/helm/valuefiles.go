package helm

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/spec"
)

// ValueFiles returns the files that the chart in dir takes values from, in the
// order in which they are merged (the last wins), relative to the repo: the
// chart's own values.yaml, where it has one, and then the source's value files.
func ValueFiles(fsys *envfs.FS, dir string, src spec.HelmSource, opt Options) ([]string, error) {
	r, err := newRenderer(fsys, dir, src, opt)
	if err != nil {
		return nil, err
	}
	files, err := r.valueFiles()
	if err != nil {
		return nil, err
	}
	own := path.Join(dir, "values.yaml")
	if exists, err := r.exists(own, "make it one"); err != nil {
		return nil, err
	} else if exists {
		files = slices.Insert(files, 0, own)
	}
	return files, nil
}

// valueFiles resolves the source's value files. A name may be a glob, as in
// Argo CD from v3.4 on: its matches come in lexical order, less the files that
// are listed by name.
func (r *renderer) valueFiles() ([]string, error) {
	names := make([]string, len(r.src.ValueFiles))
	named := map[string]bool{}
	for i, raw := range r.src.ValueFiles {
		name, err := r.locate(option("valueFiles", i), raw)
		if err != nil {
			return nil, err
		}
		names[i], named[name] = name, true
	}
	var files []string
	for i, name := range names {
		exists, err := r.exists(name, "name a file in "+option("valueFiles", i))
		if err != nil {
			return nil, err
		}
		if exists {
			files = append(files, name)
			continue
		}
		matches, err := r.glob(option("valueFiles", i), name)
		if err != nil {
			return nil, err
		}
		if len(matches) == 0 && !r.src.IgnoreMissingValueFiles {
			return nil, fmt.Errorf("%s: value file does not exist: correct %s, or set spec.helm.ignoreMissingValueFiles", name, option("valueFiles", i))
		}
		for _, match := range matches {
			if !named[match] && !slices.Contains(files, match) {
				files = append(files, match)
			}
		}
	}
	return files, nil
}

// option is where the user finds an entry of the source's options.
func option(field string, i int) string {
	return fmt.Sprintf("spec.helm.%s[%d] in assay.yaml or the plugin's parameters", field, i)
}

func (r *renderer) glob(option, pattern string) ([]string, error) {
	if !strings.ContainsAny(pattern, "*?[") {
		return nil, nil
	}
	matches, err := doublestar.Glob(r.fsys, pattern, doublestar.WithFilesOnly())
	if err != nil {
		return nil, fmt.Errorf("%s: expand %s: %w", pattern, option, err)
	}
	slices.Sort(matches)
	return matches, nil
}

// locate returns where a file that the source names is, relative to the repo.
// As in Argo CD, a relative name starts at the chart and an absolute one at the
// root of the repo.
func (r *renderer) locate(option, raw string) (string, error) {
	refuse := func(reason string) (string, error) {
		return "", fmt.Errorf("%s: %s: %q %s", r.dir, option, excerpt.Cut(withoutUser(raw), 200), reason)
	}
	if first, _, _ := strings.Cut(raw, "/"); strings.HasPrefix(first, "$") && r.refersToSource(first) {
		return refuse("is in another source of the Application, which Argo CD gives to Helm alone: copy the file into this repo")
	}
	name, err := r.expand(option, raw)
	if err != nil {
		return "", err
	}
	if name == "" {
		return refuse("is empty: name a file, or remove the entry")
	}
	if u, err := url.Parse(name); err == nil && u.Scheme != "" {
		return refuse("is a URL, and nothing is fetched while rendering: copy the file into the repo")
	}
	full := path.Join(r.dir, name)
	if strings.HasPrefix(name, "/") {
		full = path.Clean(name[1:])
	}
	if !fs.ValidPath(full) {
		return refuse("is outside the repo: copy the file into it")
	}
	if full == "." {
		return refuse("is the repo itself: name a file")
	}
	return full, nil
}

// refersToSource tells $values/file, a file of another source, from a variable
// of the build environment.
func (r *renderer) refersToSource(first string) bool {
	name := strings.Trim(first, "${}")
	_, known := r.opt.Env[name]
	return !known && !strings.HasPrefix(name, "ARGOCD_") && !strings.HasPrefix(first, "$$")
}

// exists reports whether there is a file to read values from. fix is what to do
// about anything else in its place. A link to nothing is not a missing file.
func (r *renderer) exists(name, fix string) (bool, error) {
	info, err := r.fsys.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !envfs.IsDangling(err):
		return false, nil
	case err != nil:
		return false, err
	case !info.Mode().IsRegular():
		return false, fmt.Errorf("%s: is not a regular file, and values are read from files: %s", name, fix)
	}
	return true, nil
}
