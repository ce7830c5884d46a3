package spec

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/object/manifest"
)

const (
	maxBytes = 4 << 20 // of a plan or marker, and of a document's text once aliases are expanded
	maxNodes = 100_000 // of a document, once aliases are expanded
	maxDepth = 100
	group    = "assay.dev"
)

// document is one YAML document of a file.
type document struct {
	root *yaml.Node
	problems
}

// parse returns the documents of a plan or marker; none when the file is an
// ordinary manifest.
func parse(file string, data []byte) ([]document, error) {
	roots, err := nodes(file, data)
	if err != nil {
		if mentionsUs(data) {
			return nil, err
		}
		return nil, nil // whoever renders the file says what is wrong with it
	}
	docs := make([]document, len(roots))
	own := false
	for i, root := range roots {
		docs[i] = document{root: root, problems: problems{file: file}}
		if len(roots) > 1 {
			docs[i].document = i + 1
		}
		own = own || isOwn(root)
	}
	if !own {
		return nil, nil
	}
	for i := range docs {
		if docs[i].measure(); len(docs[i].list) > 0 {
			return nil, docs[i].err()
		}
	}
	return docs, nil
}

func mentionsUs(data []byte) bool { return bytes.Contains(data, []byte(group+"/")) }

// isOwn tells a document of ours by its apiVersion. One that has none is ours by its kind.
func isOwn(root *yaml.Node) bool {
	version, ok := scalarAt(root, "apiVersion")
	if !ok {
		kind, _ := scalarAt(root, "kind")
		return kind == KindPlan || kind == KindCandidate
	}
	return version == group || strings.HasPrefix(version, group+"/")
}

func scalarAt(root *yaml.Node, key string) (string, bool) {
	if root.Kind != yaml.MappingNode {
		return "", false
	}
	for i := 0; i+1 < len(root.Content); i += 2 {
		if root.Content[i].Value == key && root.Content[i+1].Kind == yaml.ScalarNode {
			return root.Content[i+1].Value, true
		}
	}
	return "", false
}

// nodes parses the text into the roots of its documents; empty documents are left out.
func nodes(file string, data []byte) ([]*yaml.Node, error) {
	p := problems{file: file}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if len(data) > maxBytes {
		p.add(0, "", "it has %d bytes, the limit is %d MiB: keep large content in files of its own", len(data), maxBytes>>20)
		return nil, p.err()
	}
	if line, ok := invalidUTF8(data); ok {
		p.add(line, "", "the text is not valid UTF-8: save the file as UTF-8")
		return nil, p.err()
	}
	if err := manifest.CheckNested(file, data); err != nil {
		return nil, err
	}
	var roots []*yaml.Node
	for dec := yaml.NewDecoder(bytes.NewReader(data)); ; {
		var doc yaml.Node
		err := dec.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return roots, nil
		}
		if err != nil {
			p.list = append(p.list, syntaxProblem(data, err))
			return nil, p.err()
		}
		if len(doc.Content) == 1 && !isNull(doc.Content[0]) {
			roots = append(roots, doc.Content[0])
		}
	}
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

func invalidUTF8(data []byte) (line int, ok bool) {
	if utf8.Valid(data) {
		return 0, false
	}
	line = 1
	for len(data) > 0 {
		r, size := utf8.DecodeRune(data)
		if r == utf8.RuneError && size == 1 {
			return line, true
		}
		if r == '\n' {
			line++
		}
		data = data[size:]
	}
	return line, true
}

var (
	syntaxError = regexp.MustCompile(`^yaml: (?:line (\d+): )?([^\n]*)`)
	tabIndent   = regexp.MustCompile("^ *\t")
)

// syntaxProblem takes the line out of the parser's error, and finds the tab
// that it often means: the parser's own words do not name it.
func syntaxProblem(data []byte, err error) problem {
	line, text := 0, err.Error()
	if m := syntaxError.FindStringSubmatch(text); m != nil {
		line, _ = strconv.Atoi(m[1])
		text = m[2]
	}
	lines := bytes.Split(data, []byte("\n"))
	for _, n := range []int{line, line + 1, line - 1} {
		if n >= 1 && n <= len(lines) && tabIndent.Match(lines[n-1]) {
			return problem{n, "", "a tab indents this line: use spaces"}
		}
	}
	return problem{line, "", fmt.Sprintf("the YAML is not valid: %s", excerpt.Cut(text, 200))}
}

// measure refuses a document that is too deep or, once its aliases are
// expanded, too large; nothing is expanded for it.
func (d *document) measure() {
	m := measurer{known: map[*yaml.Node]extent{}, active: map[*yaml.Node]bool{}}
	e := m.of(d.root)
	switch {
	case m.circle > 0:
		d.add(m.circle, "", "an alias stands inside its own anchor: write the value out")
	case e.nodes > maxNodes:
		d.add(d.root.Line, "", "it holds more than %d values once aliases are expanded: write less, or use fewer aliases", maxNodes)
	case e.bytes > maxBytes:
		d.add(d.root.Line, "", "it holds more than %d MiB once aliases are expanded: write less, or use fewer aliases", maxBytes>>20)
	case e.depth > maxDepth:
		d.add(d.root.Line, "", "it is nested more than %d levels deep: nest less", maxDepth)
	}
}

// extent is how large a node is once aliases are expanded.
type extent struct{ nodes, bytes, depth int }

type measurer struct {
	known  map[*yaml.Node]extent
	active map[*yaml.Node]bool
	circle int // the line of an alias inside its own anchor
}

func (m *measurer) of(n *yaml.Node) extent {
	if n.Kind == yaml.AliasNode {
		if m.active[n.Alias] {
			m.circle = n.Line
			return extent{}
		}
		n = n.Alias
	}
	if e, ok := m.known[n]; ok {
		return e
	}
	m.active[n] = true
	e := extent{nodes: 1, bytes: len(n.Value), depth: 1}
	for _, c := range n.Content {
		inner := m.of(c)
		e.nodes = min(e.nodes+inner.nodes, maxNodes+1)
		e.bytes = min(e.bytes+inner.bytes, maxBytes+1)
		e.depth = max(e.depth, inner.depth+1)
	}
	delete(m.active, n)
	m.known[n] = e
	return e
}
