package change

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/bluekeyes/go-gitdiff/gitdiff"

	"github.com/assaydev/assay/internal/excerpt"
)

// parseDiff reads a unified diff, and holds that each of its lines counts.
func parseDiff(text string) ([]diffFile, error) {
	lines := strings.SplitAfter(text, "\n")
	if last := len(lines) - 1; lines[last] == "" {
		lines = lines[:last]
	} else {
		lines[last] += "\n"
	}
	// A diff whose headers end so was brought here with other line breaks.
	if carried(lines) {
		for i := range lines {
			lines[i] = strings.TrimSuffix(lines[i], "\r\n") + "\n"
		}
	}
	parsed, _, err := gitdiff.Parse(strings.NewReader(strings.Join(lines, "")))
	if err != nil {
		return nil, fmt.Errorf("is not a unified diff: %s: make it with git diff", strings.TrimPrefix(excerpt.FirstLine(err, longestText), "gitdiff: "))
	}
	if len(parsed) == 0 {
		return nil, errors.New("is not a unified diff: there is no --- and +++ line: make it with git diff")
	}
	return walk(lines, parsed)
}

// carried reports whether every line ends with a carriage return.
func carried(lines []string) bool {
	for _, l := range lines {
		if !strings.HasSuffix(l, "\r\n") {
			return false
		}
	}
	return true
}

// walk finds the lines of each file and hunk, and refuses lines that the
// parser passes over: they would be lost without a word.
func walk(lines []string, parsed []*gitdiff.File) ([]diffFile, error) {
	w := &walker{lines: lines}
	var out []diffFile
	for i, p := range parsed {
		f := diffFile{File: p}
		if err := w.headers(&f, i == 0); err != nil {
			return nil, err
		}
		for _, fragment := range p.TextFragments {
			if err := w.hunk(&f, fragment); err != nil {
				return nil, err
			}
		}
		if f.newName == "" {
			f.oldName, f.newName = p.OldName, p.NewName
		}
		if f.line == 0 {
			f.line = min(w.at+1, len(lines))
		}
		out = append(out, f)
	}
	for ; w.at < len(lines); w.at++ {
		// What git format-patch ends with: "-- " and its version.
		if l := strings.TrimRight(lines[w.at], "\r\n"); l == "-- " {
			break
		} else if strings.TrimSpace(l) != "" && !passable(l) {
			return nil, fmt.Errorf("line %d belongs to no hunk: correct the counts between the @@, or make the diff again", w.at+1)
		}
	}
	return out, nil
}

type walker struct {
	lines []string
	at    int
}

// headers passes over what comes before the hunks of a file.
func (w *walker) headers(f *diffFile, first bool) error {
	for ; w.at < len(w.lines); w.at++ {
		l := strings.TrimRight(w.lines[w.at], "\r\n")
		switch {
		case strings.HasPrefix(l, "@@ -"):
			return nil
		case strings.HasPrefix(l, "diff --git "):
			if f.line > 0 {
				return nil // the section before has no hunk
			}
			f.line = w.at + 1
		case strings.HasPrefix(l, "--- "):
			if f.line == 0 {
				f.line = w.at + 1
			}
			f.oldName = written(l[4:])
		case strings.HasPrefix(l, "+++ "):
			f.newName = written(l[4:])
		case !first && strings.TrimSpace(l) != "" && !passable(l):
			return fmt.Errorf("line %d belongs to no hunk: correct the counts between the @@, or make the diff again", w.at+1)
		}
	}
	return nil
}

// passable reports whether a line between hunks is one that git and diff write there.
func passable(l string) bool {
	for _, prefix := range []string{
		"index ", "Index: ", "=====", "diff ", "old mode ", "new mode ", "deleted file mode ", "new file mode ", "copy ", "rename ",
		"similarity ", "dissimilarity ", "Binary files ", "GIT binary patch", "Only in ",
	} {
		if strings.HasPrefix(l, prefix) {
			return true
		}
	}
	return false
}

// hunk passes over a hunk.
func (w *walker) hunk(f *diffFile, fragment *gitdiff.TextFragment) error {
	f.hunks = append(f.hunks, w.at+1)
	if fragment.OldLines == 0 && fragment.OldPosition > 0 {
		return fmt.Errorf("line %d: the hunk has no line of the file to be held against: make the diff with context, as git diff does", w.at+1)
	}
	w.at++
	for left := len(fragment.Lines); w.at < len(w.lines); w.at++ {
		switch l := w.lines[w.at]; {
		case strings.HasPrefix(l, `\ `):
		case left == 0:
			return nil
		default:
			left--
			f.carriage = f.carriage || strings.HasSuffix(l, "\r\n")
		}
	}
	return nil
}

// written is a file's name as a header line has it, less what follows a tab.
func written(s string) string {
	if strings.HasPrefix(s, `"`) {
		if quoted, err := strconv.QuotedPrefix(s); err == nil {
			if name, err := strconv.Unquote(quoted); err == nil {
				return name
			}
		}
	}
	name, _, _ := strings.Cut(s, "\t")
	return strings.TrimRight(name, " ")
}
