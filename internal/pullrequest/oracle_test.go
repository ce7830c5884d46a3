package pullrequest_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/text"

	"github.com/assaydev/assay/internal/pullrequest"
)

// check reads the body as a forge does, with another's parser, and holds that
// nothing but our own words became more than text.
func check(t *testing.T, b pullrequest.Body, got string, limit int) {
	t.Helper()
	if len(got) > limit {
		t.Errorf("%d bytes of %d", len(got), limit)
	}
	if !utf8.ValidString(got) {
		t.Errorf("not UTF-8: %q", got)
	}
	source := []byte(got)
	doc := goldmark.New(goldmark.WithExtensions(extension.GFM)).Parser().Parse(text.NewReader(source))
	c := &checker{t: t, source: source}
	if err := ast.Walk(doc, c.visit); err != nil {
		t.Fatal(err)
	}
	c.table(got)
	before, _ := strings.CutSuffix(got, strings.Trim(strings.ToValidUTF8(b.Trailers, "\uFFFD"), "\n")+"\n")
	if i := strings.IndexFunc(before, func(r rune) bool { return r != '\n' && r != '\t' && !unicode.IsPrint(r) }); i >= 0 {
		t.Errorf("a character that does not show: %q", before[i:min(i+10, len(before))])
	}
	if c.opened != 0 {
		t.Errorf("%d details are not closed", c.opened)
	}
	if trailers := strings.Trim(strings.ToValidUTF8(b.Trailers, "\uFFFD"), "\n"); trailers != "" {
		last, ok := doc.LastChild().(*ast.FencedCodeBlock)
		if !ok || strings.TrimSuffix(string(last.Lines().Value(source)), "\n") != "\n"+trailers || !strings.HasSuffix(got, "\n\n"+trailers+"\n") {
			t.Errorf("the trailers are not the end:\n%s", got)
		}
	}
	if t.Failed() {
		t.Logf("body:\n%s", got)
	}
}

// checker walks a document.
type checker struct {
	t      *testing.T
	source []byte
	opened int
}

var (
	headings = []string{"Metrics", "Ships untested", "Differs from what is promoted", "What changes", "What would have changed", "Files", "Next environments", "Proven before it was written", "Links"}

	// What stands outside of code is ours: words, numbers and their signs.
	ours = regexp.MustCompile(`^[A-Za-z0-9 ,.:;()'+\n-]*$`)

	// Of HTML, only what folds a diff.
	folded = regexp.MustCompile(`^(<details>|<summary><code>[^<>]*</code> (added|removed|changed)[^<>]*</summary>|</details>)$`)
)

func (c *checker) visit(n ast.Node, entering bool) (ast.WalkStatus, error) {
	if !entering {
		return ast.WalkContinue, nil
	}
	switch n := n.(type) {
	case *ast.CodeSpan, *ast.FencedCodeBlock:
		return ast.WalkSkipChildren, nil
	case *ast.Text:
		if s := string(n.Segment.Value(c.source)); !ours.MatchString(s) {
			c.t.Errorf("outside of code: %q", s)
		}
	case *ast.Heading:
		if title := strings.TrimSpace(string(n.Lines().Value(c.source))); n.Level != 3 || !slices.Contains(headings, title) {
			c.t.Errorf("heading %q", title)
		}
	case *ast.Link:
		if to := string(n.Destination); !strings.HasPrefix(to, "https://argocd.example.com/") {
			c.t.Errorf("link to %q", to)
		}
	case *ast.HTMLBlock:
		c.html(n)
	case *ast.AutoLink, *ast.Image, *ast.RawHTML, *ast.CodeBlock, *ast.Blockquote, *ast.ThematicBreak:
		c.t.Errorf("a %s: %q", n.Kind(), n.Text(c.source)) //nolint:staticcheck // deprecated, and enough to say what it is
	case *ast.Emphasis:
		if s := string(n.Text(c.source)); s != "no" { //nolint:staticcheck // as above
			c.t.Errorf("emphasis of %q", s)
		}
	}
	return ast.WalkContinue, nil
}

// Where a row is cut into cells, as GitHub's parser has it: a backslash keeps
// whatever follows, another backslash too. goldmark is of another mind.
var rowCell = regexp.MustCompile(`(\\[^\n]|[^|\n])+`)

// table holds that each row has as many cells as the first.
func (c *checker) table(got string) {
	_, rest, found := strings.Cut(got, "\n### Metrics\n\n|")
	if !found {
		return
	}
	rows, _, _ := strings.Cut(rest, "\n\n")
	columns := 0
	for row := range strings.Lines(rows) {
		row = strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(row), "|"), "|")
		cells := len(rowCell.FindAllString(row, -1))
		if columns == 0 {
			columns = cells
		}
		if cells != columns {
			c.t.Errorf("%d cells of %d: %q", cells, columns, row)
		}
	}
}

func (c *checker) html(n *ast.HTMLBlock) {
	for line := range strings.Lines(string(n.Lines().Value(c.source))) {
		switch line = strings.TrimSpace(line); {
		case line == "":
		case !folded.MatchString(line):
			c.t.Errorf("HTML %q", line)
		case line == "<details>":
			c.opened++
		case line == "</details>":
			c.opened--
		}
		if c.opened < 0 || c.opened > 1 {
			c.t.Errorf("details nest: %d", c.opened)
		}
	}
}
