package pullrequest

import (
	"fmt"
	"strings"

	"github.com/assaydev/assay/internal/engine/evidence"
	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/internal/object/diff"
)

// section is a heading and lines, of which the last may be left out.
type section struct {
	head  string
	lines []string
}

// within returns the section in at most half bytes, and takes them off room.
// It says how many lines it leaves out; it is empty where not even that fits.
func (s section) within(room *int, most int) string {
	if len(s.lines) == 0 {
		return ""
	}
	text := s.upTo(most)
	*room -= len(text)
	return text
}

func (s section) upTo(most int) string {
	text := s.head + strings.Join(s.lines, "")
	if len(text) <= most {
		return text
	}
	note := func(n int) string { return fmt.Sprintf("\nAnd %d more.\n", n) }
	size, kept := len(s.head)+len(note(len(s.lines))), 0
	for size <= most && kept < len(s.lines) {
		size += len(s.lines[kept])
		kept++
	}
	if kept--; kept < 0 {
		return ""
	}
	return s.head + strings.Join(s.lines[:kept], "") + note(len(s.lines)-kept)
}

// column is one of the metrics' table.
type column struct {
	title string
	cell  func(evidence.Metric) string
}

func columns() []column {
	return []column{
		{"Metric", func(m evidence.Metric) string { return joined(" in ", cell(m.Name), cell(m.Unit)) }},
		{"Candidate", func(m evidence.Metric) string { return cell(m.Candidate) }},
		{"Baseline", func(m evidence.Metric) string { return cell(m.Baseline) }},
		{"Limit", func(m evidence.Metric) string { return cell(m.Limit) }},
		{"Passed", func(m evidence.Metric) string { return passed(m.Passed) }},
		{"Note", func(m evidence.Metric) string { return cell(m.Note) }},
	}
}

func passed(p *bool) string {
	switch {
	case p == nil:
		return ""
	case *p:
		return "yes"
	}
	return "**no**"
}

// metrics are a table of the columns that hold anything.
func (b Body) metrics() section {
	all := columns()
	if several(b.Metrics) {
		all = append(all, column{"Of", func(m evidence.Metric) string { return cell(m.Source) }})
	}
	var used []column
	for _, c := range all {
		for _, m := range b.Metrics {
			if c.cell(m) != "" {
				used = append(used, c)
				break
			}
		}
	}
	s := section{head: "\n### Metrics\n\n"}
	for _, c := range used {
		s.head += "| " + c.title + " "
	}
	s.head += "|\n" + strings.Repeat("|---", len(used)) + "|\n"
	for _, m := range b.Metrics {
		var row strings.Builder
		for _, c := range used {
			row.WriteString("| " + c.cell(m) + " ")
		}
		s.lines = append(s.lines, row.String()+"|\n")
	}
	return s
}

// several reports whether the metrics are of more than one object.
func several(metrics []evidence.Metric) bool {
	for _, m := range metrics {
		if m.Source != metrics[0].Source {
			return true
		}
	}
	return false
}

// rewritten are addresses that the variant had otherwise, so that it called its own copies.
func (b Body) rewritten() section {
	s := section{head: "\n### Differs from what is promoted\n\n"}
	for _, r := range b.Rewritten {
		s.lines = append(s.lines, "- "+code(r, "(unnamed)")+"\n")
	}
	return s
}

func (b Body) files() section {
	s := section{head: "\n### Files\n\n"}
	for _, f := range b.Files {
		added, removed := f.Lines()
		s.lines = append(s.lines, fmt.Sprintf("- %s %s (+%d -%d)\n", code(f.Path, "."), kindOf(f), added, removed))
	}
	return s
}

func kindOf(f git.File) diff.Kind {
	switch {
	case f.Before == nil:
		return diff.Added
	case f.After == nil:
		return diff.Removed
	}
	return diff.Changed
}

// state puts a NextState of package promote into words.
func state(of string) string {
	switch of {
	case "set":
		return "gets the candidate, to test it in turn"
	case "already":
		return "has it already"
	case "elsewhere":
		return "gets the candidate in a commit of its own, once this is merged"
	}
	return code(of, "")
}

func (b Body) next() section {
	s := section{head: "\n### Next environments\n\n"}
	for _, n := range b.Next {
		s.lines = append(s.lines, "- "+joined(" ", code(n.Environment, "."), state(n.State))+"\n")
	}
	return s
}

func law(number int) string {
	switch number {
	case 2:
		return "Tested is promoted: the edited files render to what was tested, object for object."
	case 3:
		return "Losers leave no trace: the edited files render to what the baseline was, object for object."
	case 4:
		return "Structure: no file comes or goes but the candidate's, and bytes outside the edits are the same."
	case 5:
		return "Nothing untested ships unseen: every object that differs was tested, or is listed above."
	}
	return fmt.Sprintf("Law %d.", number)
}

func (b Body) proof() section {
	s := section{head: "\n### Proven before it was written\n\n"}
	for _, number := range b.Proof.Laws {
		s.lines = append(s.lines, "- "+law(number)+"\n")
	}
	if b.Proof.Commit != "" {
		compared := ""
		if b.Proof.Objects > 0 {
			compared = fmt.Sprintf("; %d objects were compared", b.Proof.Objects)
		}
		s.lines = append(s.lines, fmt.Sprintf("- On the commit %s%s.\n", code(b.Proof.Commit, ""), compared))
	}
	return s
}

func (b Body) links() section {
	s := section{head: "\n### Links\n\n"}
	for _, l := range b.Links {
		if to := destination(l.URL); to != "" {
			s.lines = append(s.lines, "- ["+code(l.Text, "link")+"]("+to+")\n")
		}
	}
	return s
}
