package change

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/bluekeyes/go-gitdiff/gitdiff"

	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/internal/yamledit"
)

// diff applies spec.diff, strictly: every line of context must be where the
// diff says.
func (m *maker) diff() error {
	if strings.TrimSpace(m.Change.Diff) == "" {
		return nil
	}
	files, err := parseDiff(m.Change.Diff)
	if err != nil {
		return m.at("diff", err)
	}
	seen := map[string]bool{}
	for _, f := range files {
		name, err := m.diffTarget(f)
		if err != nil {
			return m.at("diff", err)
		}
		if seen[name] {
			return m.fault("diff", "line %d: %s is already changed above: make it one section", f.line, name)
		}
		seen[name] = true
		if err := m.part("diff", func() error { return m.applyDiff(name, f) }); err != nil {
			return m.at("diff", err)
		}
	}
	return nil
}

// diffTarget is the file of the environment that a section of the diff changes.
func (m *maker) diffTarget(f diffFile) (string, error) {
	refuse := func(format string, args ...any) error {
		return fmt.Errorf("line %d: %s", f.line, fmt.Sprintf(format, args...))
	}
	switch {
	case f.IsNew:
		return "", refuse("it creates %s: a candidate changes files that exist; add the file first", excerpt.Cut(f.NewName, longestText))
	case f.IsDelete:
		return "", refuse("it deletes %s: a candidate keeps every file", excerpt.Cut(f.OldName, longestText))
	case f.IsRename || f.IsCopy:
		return "", refuse("it renames or copies %s: a candidate keeps every file where it is", excerpt.Cut(f.OldName, longestText))
	case f.IsBinary:
		return "", refuse("%s is binary: only text can be changed", excerpt.Cut(f.NewName, longestText))
	case f.NewMode != 0 && f.NewMode != f.OldMode:
		return "", refuse("it changes the mode of %s: a candidate changes what files hold", excerpt.Cut(f.NewName, longestText))
	case len(f.TextFragments) == 0:
		return "", refuse("there is no hunk for %s: add what changes, or leave the file out", excerpt.Cut(f.NewName, longestText))
	}
	names := m.diffNames(f)
	switch len(names) {
	case 0:
		return "", refuse("there is no file %s in %s: write paths relative to the environment", excerpt.Cut(f.newName, longestText), m.Dir)
	case 1:
	default:
		return "", refuse("%s could be %s: write the path without a/ and b/, relative to the environment", excerpt.Cut(f.newName, longestText), strings.Join(names, " or "))
	}
	name := names[0]
	if err := m.ordinary(name); err != nil {
		return "", refuse("%v", err)
	}
	return name, nil
}

// diffNames are the files that exist under the name: with or without git's
// prefix, relative to the environment or to the repository.
func (m *maker) diffNames(f diffFile) []string {
	var out []string
	for _, name := range []string{strings.TrimPrefix(f.newName, "b/"), f.newName} {
		if name != f.newName && strings.TrimPrefix(f.oldName, "a/") != name {
			continue
		}
		for _, full := range []string{path.Join(m.Dir, name), path.Clean(name)} {
			info, err := m.FS.Stat(full)
			if err != nil || !info.Mode().IsRegular() || !within(m.Dir, full) {
				continue
			}
			if len(out) == 0 || out[0] != full {
				out = append(out, full)
			}
		}
	}
	return out
}

func within(dir, name string) bool { return dir == "." || strings.HasPrefix(name, dir+"/") }

// ordinary refuses Assay's own files.
func (m *maker) ordinary(name string) error {
	data, err := m.tree.read(name)
	if err != nil {
		return err
	}
	if spec.KindByName(path.Base(name)) != "" || spec.IsOwn(name, data) {
		return fmt.Errorf("%s is Assay's own: a candidate changes neither plans nor markers", name)
	}
	return nil
}

// applyDiff changes one file.
func (m *maker) applyDiff(name string, f diffFile) error {
	data, err := m.tree.read(name)
	if err != nil {
		return err
	}
	source, end := data, "\n"
	if all := bytes.Count(data, []byte("\n")); all > 0 && all == bytes.Count(data, []byte("\r\n")) && !f.carriage {
		source, end = bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n")), "\r\n"
	}
	out, err := f.apply(source)
	if err != nil {
		if back, failed := f.reversed().apply(source); failed == nil && !bytes.Equal(back, source) {
			m.note("%s is as the diff wants it", name)
			return nil
		}
		return fmt.Errorf("%s: %w", name, err)
	}
	if end != "\n" {
		out = bytes.ReplaceAll(out, []byte("\n"), []byte(end))
	}
	if err := m.parses(name, data, out); err != nil {
		return err
	}
	return m.tree.write(name, out)
}

// parses refuses to break a YAML file. What is not YAML before, as a chart's
// template, need not be afterwards.
func (m *maker) parses(name string, before, after []byte) error {
	ext := path.Ext(name)
	if ext != ".yaml" && ext != ".yml" && ext != ".json" || m.Layout == spec.Helm && strings.Contains("/"+name, "/templates/") {
		return nil
	}
	if _, err := yamledit.Parse(name, before); err != nil {
		return nil
	}
	if _, err := yamledit.Parse(name, after); err != nil {
		return fmt.Errorf("the file no longer parses with it: %w", err)
	}
	return nil
}

// diffFile is the section of a diff for one file.
type diffFile struct {
	*gitdiff.File
	oldName, newName string // as written
	line             int    // of the diff, from 1
	hunks            []int  // the line of each hunk
	carriage         bool   // some line of a hunk ends with a carriage return
}

// apply changes the text; the error names the hunk.
func (f diffFile) apply(source []byte) ([]byte, error) {
	var out bytes.Buffer
	applier := gitdiff.NewTextApplier(&out, bytes.NewReader(source))
	for i, fragment := range f.TextFragments {
		// As git does: what has context above alone belongs to the end of the file.
		atEnd := fragment.LeadingContext > 0 && fragment.TrailingContext == 0
		if end := fragment.OldPosition - 1 + fragment.OldLines; atEnd && end < countLines(source) {
			return nil, fmt.Errorf("the diff no longer applies: the hunk %s, on line %d of the diff, is for the end of the file, which goes on: make the diff again",
				header(fragment), f.hunks[i])
		}
		err := applier.ApplyFragment(fragment)
		var at *gitdiff.ApplyError
		switch {
		case errors.As(err, &at) && at.FragmentLine > 0:
			return nil, fmt.Errorf("the diff no longer applies: its line %d, in the hunk %s, is not line %d of the file: make the diff again",
				f.hunks[i]+at.FragmentLine, header(fragment), at.Line)
		case err != nil:
			return nil, fmt.Errorf("the diff no longer applies: the hunk %s, on line %d of the diff, does not fit the file: make the diff again",
				header(fragment), f.hunks[i])
		}
	}
	if err := applier.Close(); err != nil {
		return nil, errors.New("the diff no longer applies: make it again")
	}
	return out.Bytes(), nil
}

func countLines(data []byte) int64 {
	n := bytes.Count(data, []byte("\n"))
	if len(data) > 0 && data[len(data)-1] != '\n' {
		n++
	}
	return int64(n)
}

func header(f *gitdiff.TextFragment) string {
	return fmt.Sprintf("@@ -%d,%d +%d,%d @@", f.OldPosition, f.OldLines, f.NewPosition, f.NewLines)
}

// reversed is the section that undoes this one.
func (f diffFile) reversed() diffFile {
	file := *f.File
	file.TextFragments = make([]*gitdiff.TextFragment, len(f.TextFragments))
	for i, was := range f.TextFragments {
		is := *was
		is.OldPosition, is.NewPosition = was.NewPosition, was.OldPosition
		is.OldLines, is.NewLines = was.NewLines, was.OldLines
		is.LinesAdded, is.LinesDeleted = was.LinesDeleted, was.LinesAdded
		is.Lines = make([]gitdiff.Line, len(was.Lines))
		for j, l := range was.Lines {
			switch l.Op {
			case gitdiff.OpAdd:
				l.Op = gitdiff.OpDelete
			case gitdiff.OpDelete:
				l.Op = gitdiff.OpAdd
			case gitdiff.OpContext:
			}
			is.Lines[j] = l
		}
		file.TextFragments[i] = &is
	}
	f.File = &file
	return f
}
