package main

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/internal/history"
)

// historyTable is for people: evidence is cut, times are UTC.
func historyTable(list []history.Decision, bare bool) string {
	t := table{head: []string{"TIME", "OUTCOME", "CANDIDATE", "ID", "BY", "COMMIT", "EVIDENCE"}, bare: bare}
	for _, d := range list {
		outcome := string(d.Outcome)
		if _, ok := d.Reverted(list); ok {
			outcome += " (reverted)"
		}
		t.add(d.Time.UTC().Format("2006-01-02T15:04Z"), outcome, d.Candidate, d.Experiment, d.Engine, git.Short(d.Commit), excerpt.Column(d.Evidence, 72))
	}
	return t.String()
}

// table lines up columns, which are two spaces apart.
type table struct {
	head []string
	bare bool // without the head
	rows [][]string
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

// String is empty without rows. A cell that is empty shows as a dash.
func (t *table) String() string {
	if len(t.rows) == 0 {
		return ""
	}
	var out strings.Builder
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	if !t.bare {
		_, _ = fmt.Fprintln(w, strings.Join(t.head, "\t"))
	}
	for _, row := range t.rows {
		cells := make([]string, len(row))
		for i, cell := range row {
			if cells[i] = excerpt.Joined(strings.ReplaceAll(cell, "\t", " ")); cell == "" {
				cells[i] = "-"
			}
		}
		_, _ = fmt.Fprintln(w, strings.Join(cells, "\t"))
	}
	_ = w.Flush() // a builder takes all
	return out.String()
}
