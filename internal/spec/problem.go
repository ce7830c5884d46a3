package spec

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"

	"github.com/assaydev/assay/internal/excerpt"
)

const (
	mostProblems   = 5    // in one message
	longestMessage = 1500 // bytes; Argo CD cuts messages at about 2 KB
	longestWord    = 64   // bytes of a word that a message repeats
	longestField   = 300
)

// problem is one thing that is wrong with a file.
type problem struct {
	line  int
	field string
	text  string
}

// problems collects what is wrong with one document.
type problems struct {
	file     string
	document int // from 1; 0 where the file has one
	list     []problem
}

func (p *problems) add(line int, field, format string, args ...any) {
	p.list = append(p.list, problem{line, field, fmt.Sprintf(format, args...)})
}

// err names file, line, document and field of each problem, first lines first.
func (p *problems) err() error {
	if len(p.list) == 0 {
		return nil
	}
	slices.SortStableFunc(p.list, func(a, b problem) int { return cmp.Compare(a.line, b.line) })
	text := p.format(p.list[0])
	shown := 1
	for _, q := range p.list[1:min(len(p.list), mostProblems)] {
		if line := "\n" + p.format(q); len(text)+len(line) <= longestMessage {
			text += line
			shown++
		}
	}
	if more := len(p.list) - shown; more > 0 {
		text += fmt.Sprintf("\n%s: and %d more", p.file, more)
	}
	return errors.New(text)
}

func (p *problems) format(q problem) string {
	where := p.file
	if q.line > 0 {
		where += ":" + strconv.Itoa(q.line)
	}
	if p.document > 0 {
		where += ": document " + strconv.Itoa(p.document)
	}
	if q.field != "" {
		where += ": " + excerpt.Cut(q.field, longestField)
	}
	return where + ": " + q.text
}

var plainKey = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// child names a field of a mapping.
func child(at, key string) string {
	switch {
	case !plainKey.MatchString(key):
		return at + "[" + strconv.Quote(excerpt.Cut(key, longestWord)) + "]"
	case at == "":
		return key
	}
	return at + "." + key
}
