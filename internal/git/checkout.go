package git

import (
	"bytes"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/assaydev/assay/internal/scratch"
)

// attributesFile says how files of its directory and below are checked out.
const attributesFile = ".gitattributes"

// ending is how the lines of a file end in a checkout, where Git holds them with LF. The rules
// are those of gitattributes(5).
type ending int

const (
	asStored ending = iota
	crlf            // every line ends with CRLF
	crlfText        // so it is if the file holds text, and no CR in Git
)

// checkedOut is a file's content in a checkout.
func (e ending) checkedOut(data []byte) []byte {
	if e == asStored || e == crlfText && (bytes.IndexByte(data, '\r') >= 0 || isBinary(data)) {
		return data
	}
	out := make([]byte, 0, len(data)+bytes.Count(data, []byte("\n")))
	for i, c := range data {
		if c == '\n' && (i == 0 || data[i-1] != '\r') {
			out = append(out, '\r')
		}
		out = append(out, c)
	}
	return out
}

// stored is what Git holds of a file with this content in a checkout; before is what it held.
func (e ending) stored(data, before []byte) []byte {
	if e == asStored || e == crlfText && (bytes.IndexByte(before, '\r') >= 0 || isBinary(data)) {
		return data
	}
	return bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))
}

// isBinary is Git's own guess.
func isBinary(data []byte) bool {
	var printable, other int
	for i, c := range data {
		switch {
		case c == 0, c == '\r' && (i+1 == len(data) || data[i+1] != '\n'):
			return true
		case c == '\n', c == '\r':
		case c == '\b', c == '\t', c == '\f', c == 0x1b:
			printable++
		case c < ' ', c == 0x7f:
			other++
		default:
			printable++
		}
	}
	if n := len(data); n > 0 && data[n-1] == 0x1a { // the end of a file of old
		other--
	}
	return printable>>7 < other
}

// Stored is what a commit that follows on the tree's holds of a file, for its content in a
// checkout.
func (t *Tree) Stored(name string, data []byte) ([]byte, error) {
	e, err := t.ending(name)
	if err != nil || e == asStored {
		return data, err
	}
	var before []byte
	if old, err := t.find(name); err == nil && old.mode.IsRegular() {
		if before, err = t.content(old); err != nil {
			return nil, err
		}
	}
	return e.stored(data, before), nil
}

// ending asks Git for all files of a directory at once.
func (t *Tree) ending(name string) (ending, error) {
	t.endings.Lock()
	defer t.endings.Unlock()
	dir := path.Dir(name)
	rules, known := t.endings.rules[dir]
	if !known {
		var err error
		if rules, err = t.rules(dir); err != nil {
			return asStored, err
		}
		t.endings.rules[dir] = rules
	}
	if len(rules) == 0 {
		return asStored, nil
	}
	if e, known := t.endings.of[name]; known {
		return e, nil
	}
	names := []string{name}
	if at, err := t.find(dir); err == nil && at.mode.IsDir() {
		list, err := t.list(at)
		if err != nil {
			return asStored, err
		}
		for _, e := range list {
			if other := path.Join(dir, e.name); e.mode.IsRegular() && other != name {
				names = append(names, other)
			}
		}
	}
	err := t.askEndings(rules, names)
	if err != nil {
		return asStored, fmt.Errorf("read the attributes of %s: %w", name, err)
	}
	return t.endings.of[name], nil
}

// rule is a file of attributes.
type rule struct{ name, id string }

// rules are the files of attributes that count in a directory; none where they say nothing of
// line endings.
func (t *Tree) rules(dir string) ([]rule, error) {
	var found []rule
	speak := false
	for at := dir; ; at = path.Dir(at) {
		name := path.Join(at, attributesFile)
		if e, err := t.find(name); err == nil && e.mode.IsRegular() {
			if err := t.bringAlone(e.id); err != nil {
				return nil, err
			}
			data, err := t.content(e)
			if err != nil {
				return nil, fmt.Errorf("read %s: %w", name, err)
			}
			found = append(found, rule{name, e.id})
			speak = speak || bytes.Contains(data, []byte("eol"))
		}
		if at == "." {
			break
		}
	}
	if !speak {
		return nil, nil
	}
	return found, nil
}

// askEndings fills in what Git says of files, by an index that holds the rules alone.
func (t *Tree) askEndings(rules []rule, names []string) error {
	made, err := scratch.Make(t.temp, "assay-attributes-")
	if err != nil {
		return fmt.Errorf("make index: %w", err)
	}
	defer func() { _ = made.Remove() }()
	// The machine's own attributes are no part of the commit.
	r := t.objects.runner.With("GIT_INDEX_FILE="+filepath.Join(made.Path, "index"), "GIT_ATTR_NOSYSTEM=1")
	r.Config = append(r.Config[:len(r.Config):len(r.Config)], [2]string{"core.attributesFile", os.DevNull})
	var info bytes.Buffer
	for _, rule := range rules {
		_, _ = fmt.Fprintf(&info, "100644 %s\t%s\x00", rule.id, rule.name)
	}
	if _, err := r.Run(t.ctx, info.Bytes(), "update-index", "-z", "--index-info"); err != nil {
		return err
	}
	out, err := r.Run(t.ctx, []byte(strings.Join(names, "\x00")+"\x00"), "check-attr", "-z", "--cached", "--stdin", "text", "crlf", "eol")
	if err != nil {
		return err
	}
	attributes := map[string]map[string]string{}
	fields := strings.Split(string(out), "\x00")
	for ; len(fields) > 3; fields = fields[3:] {
		if attributes[fields[0]] == nil {
			attributes[fields[0]] = map[string]string{}
		}
		attributes[fields[0]][fields[1]] = fields[2]
	}
	for _, name := range names {
		t.endings.of[name] = endingOf(attributes[name])
	}
	return nil
}

// endingOf reads the attributes of one file. crlf is what text was called before Git 1.7.2.
func endingOf(attributes map[string]string) ending {
	text := attributes["text"]
	if text == "unspecified" {
		text = attributes["crlf"]
	}
	switch {
	case attributes["eol"] != "crlf" || text == "unset":
		return asStored
	case text == "auto":
		return crlfText
	}
	return crlf
}
