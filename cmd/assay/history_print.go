package main

import (
	"github.com/assaydev/assay/internal/cli"
	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/internal/history"
)

// historyTable is for people: evidence is cut, times are UTC.
func historyTable(list []history.Decision, bare bool) string {
	t := cli.Table{Head: []string{"TIME", "OUTCOME", "CANDIDATE", "ID", "BY", "COMMIT", "EVIDENCE"}, Bare: bare}
	for _, d := range list {
		outcome := string(d.Outcome)
		if _, ok := d.Reverted(list); ok {
			outcome += " (reverted)"
		}
		t.Add(d.Time.UTC().Format("2006-01-02T15:04Z"), outcome, d.Candidate, d.Experiment, d.Engine, git.Short(d.Commit), excerpt.Column(d.Evidence, 72))
	}
	return t.String()
}
