package main

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/assaydev/assay/internal/digest"
	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/internal/history"
)

// decisionReport is one line of a history.
type decisionReport struct {
	Time       time.Time     `json:"time"`
	Outcome    string        `json:"outcome"`
	Candidate  string        `json:"candidate,omitempty"`
	ID         string        `json:"id,omitempty"`
	Digest     digest.Digest `json:"digest,omitempty"`
	Engine     string        `json:"engine,omitempty"`
	Commit     string        `json:"commit"`
	Head       string        `json:"head,omitempty"` // of the pull request that the commit merges
	Subject    string        `json:"subject"`
	Evidence   string        `json:"evidence,omitempty"`
	Untested   []string      `json:"untested,omitempty"`
	Promotion  string        `json:"promotion,omitempty"`
	Next       []string      `json:"next,omitempty"`
	Reverts    string        `json:"reverts,omitempty"`
	RevertedBy string        `json:"revertedBy,omitempty"`
}

func newDecisionReport(d history.Decision, list []history.Decision) decisionReport {
	r := decisionReport{
		Time: d.Time.UTC(), Outcome: d.Outcome, Candidate: d.Candidate, ID: d.Experiment, Digest: d.Digest, Engine: d.Engine, Commit: d.Commit, Head: d.Head,
		Subject: d.Subject, Evidence: d.Evidence, Untested: d.Untested, Promotion: d.Promotion, Next: d.Next, Reverts: d.Reverts,
	}
	if by, ok := d.Reverted(list); ok {
		r.RevertedBy = by.Commit
	}
	return r
}

func historyJSON(list []history.Decision) ([]byte, error) {
	out := make([]decisionReport, len(list))
	for i, d := range list {
		out[i] = newDecisionReport(d, list)
	}
	return encodeJSON(out)
}

// historyTable is for people: evidence is cut, times are UTC.
func historyTable(list []history.Decision) string {
	t := table{head: []string{"TIME", "OUTCOME", "CANDIDATE", "ID", "BY", "COMMIT", "EVIDENCE"}}
	for _, d := range list {
		outcome := d.Outcome
		if _, ok := d.Reverted(list); ok {
			outcome += " (reverted)"
		}
		t.add(d.Time.UTC().Format("2006-01-02T15:04Z"), outcome, d.Candidate, d.Experiment, d.Engine, git.Short(d.Commit), cut(d.Evidence, 72))
	}
	return t.String()
}

// table lines up columns, which are two spaces apart.
type table struct {
	head []string
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
	_, _ = fmt.Fprintln(w, strings.Join(t.head, "\t"))
	for _, row := range t.rows {
		cells := make([]string, len(row))
		for i, cell := range row {
			if cells[i] = oneLine(strings.ReplaceAll(cell, "\t", " ")); cell == "" {
				cells[i] = "-"
			}
		}
		_, _ = fmt.Fprintln(w, strings.Join(cells, "\t"))
	}
	_ = w.Flush() // a builder takes all
	return out.String()
}

// cut shortens a text to n characters.
func cut(text string, n int) string {
	if runes := []rune(text); len(runes) > n {
		return string(runes[:n-3]) + "..."
	}
	return text
}
