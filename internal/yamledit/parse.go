package yamledit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/assaydev/assay/internal/excerpt"
)

// File is a parsed file. It does not change: Apply returns new bytes.
type File struct {
	name  string
	text  *text
	docs  []*document
	large int // the size from which proofs parse parts
}

// document is one document of a file.
type document struct {
	root    *yaml.Node // a null without text where the document is empty
	begin   int        // the offset of its directives, its "---" or its content
	start   int        // the offset after "---", or where content begins
	aliases map[*yaml.Node][]*yaml.Node
}

// Parse reads every document of a file. name is the file's path for
// messages. A file without content is one empty document. The error, an
// *Error, names what cannot be edited safely.
func Parse(name string, data []byte) (*File, error) {
	f := &File{name: name, text: newText(data), large: largeFile}
	if err := f.checkCharset(data); err != nil {
		return nil, err
	}
	nodes, err := decode(data)
	if err != nil {
		return nil, f.explain(err)
	}
	var tags *layout
	if bytes.IndexByte(data, '!') >= 0 {
		tags = f.layout()
	}
	for _, n := range nodes {
		d := &document{root: n.Content[0], begin: f.text.at(n.Line, n.Column)}
		if d.aliases, err = f.guard(d.root, tags); err != nil {
			return nil, err
		}
		d.start = f.text.afterMarker(d.begin)
		f.docs = append(f.docs, d)
	}
	if len(f.docs) == 0 {
		none := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Line: len(f.text.lines)}
		f.docs = []*document{{root: none, start: len(data)}}
	}
	return f, nil
}

// Documents is the number of documents in the file.
func (f *File) Documents() int { return len(f.docs) }

// decode parses every document. It never panics, whatever the parser does.
func decode(data []byte) (docs []*yaml.Node, err error) {
	defer func() {
		if p := recover(); p != nil {
			docs, err = nil, fmt.Errorf("the parser gave up: %v", p)
		}
	}()
	for dec := yaml.NewDecoder(bytes.NewReader(data)); ; {
		n := new(yaml.Node)
		if err := dec.Decode(n); errors.Is(err, io.EOF) {
			return docs, nil
		} else if err != nil {
			return nil, err
		}
		if n.Kind != yaml.DocumentNode || len(n.Content) != 1 {
			return nil, errors.New("a document without content")
		}
		docs = append(docs, n)
	}
}

// afterMarker is the offset after the "---" of the document that starts at
// offset i, past its directives; i when the document has no marker.
func (t *text) afterMarker(i int) int {
	j := i
	for t.byteAt(j) == '%' || t.byteAt(j) == '#' || j > i && t.blank(j) && t.next(j) > j {
		j = t.next(j)
	}
	if rest := t.data[j:]; bytes.HasPrefix(rest, []byte("---")) && (len(rest) == 3 || strings.IndexByte(" \t\r\n", rest[3]) >= 0) {
		return j + 3
	}
	return i
}

var parserLine = regexp.MustCompile(`^(?:yaml: )?(?:line (\d+): )?`)

// explain turns the parser's message into an Error, with the cause that
// people run into most.
func (f *File) explain(err error) error {
	message := err.Error()
	m := parserLine.FindStringSubmatch(message)
	line, _ := strconv.Atoi(m[1])
	if line = min(line, len(f.text.lines)); line == 0 && len(f.text.lines) <= 2 {
		line = 1
	}
	if n := f.templated(); n > 0 {
		return f.refuse(n, nil, "templated YAML: {{ }} outside of quotes; edit what the template takes its values from, or quote the braces")
	}
	if n := f.tabbed(); n > 0 {
		return f.refuse(n, nil, "a tab in the indentation; indent with spaces")
	}
	return f.refuse(line, nil, "not valid YAML: %s; correct the file", excerpt.Cut(message[len(m[0]):], 200))
}

// templated is the first line that holds braces of a template outside of a
// comment; 0 when none does.
func (f *File) templated() int {
	for n, start := range f.text.lines {
		line := f.text.data[start:f.text.finish(start)]
		i := bytes.Index(line, []byte("{{"))
		if i < 0 || bytes.HasPrefix(bytes.TrimSpace(line), []byte("#")) {
			continue
		}
		if q := bytes.IndexAny(line, `"'`); q >= 0 && q < i {
			continue
		}
		return n + 1
	}
	return 0
}

// tabbed is the first line that is indented with a tab; 0 when none is.
func (f *File) tabbed() int {
	for n, start := range f.text.lines {
		if _, c := f.text.indent(start); c == '\t' && !f.text.blank(start) {
			return n + 1
		}
	}
	return 0
}
