package cli

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/assaydev/assay/internal/excerpt"
)

// Table lines up columns, which are two spaces apart.
type Table struct {
	Head []string
	Bare bool // without the head
	rows [][]string
}

// Add adds a row.
func (t *Table) Add(cells ...string) { t.rows = append(t.rows, cells) }

// String is empty without rows. A cell that is empty shows as a dash.
func (t *Table) String() string {
	if len(t.rows) == 0 {
		return ""
	}
	var out strings.Builder
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	if !t.Bare {
		_, _ = fmt.Fprintln(w, strings.Join(t.Head, "\t"))
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
