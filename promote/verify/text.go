package verify

import (
	"fmt"

	"github.com/assaydev/assay/internal/cli"
	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/visible"
	"github.com/assaydev/assay/promote"
)

// Text is the finding for people: one line that says whether it holds, and a line below it for
// each thing to know.
func (f Finding) Text() string {
	where := visible.Name(f.Dir)
	if f.Name != "" {
		where += " (" + f.Name + ")"
	}
	if !f.OK {
		return "failed  " + where + ": " + f.Error + "\n"
	}
	candidate := "no candidate"
	if f.ID != "" {
		candidate = cli.Join("candidate "+promote.LabelOf(f.Candidate), f.ID, "can be promoted and rejected")
	}
	text := fmt.Sprintf("ok      %s: %s\n", where, cli.Join(f.Layout, fmt.Sprintf("%d objects", f.Objects), candidate))
	for _, commit := range f.Claims {
		text += "        promoted as tested; the verdict is claimed by " + commit + "\n"
	}
	for _, name := range f.Files {
		text += "        changes: " + excerpt.Joined(name) + "\n"
	}
	for _, env := range f.Also {
		text += "        also changes: " + excerpt.Joined(env) + "\n"
	}
	for _, u := range f.Untested {
		text += "        ships untested: " + excerpt.Joined(u) + "\n"
	}
	for _, w := range f.Warnings {
		text += "        warning: " + excerpt.Joined(w) + "\n"
	}
	return text
}
