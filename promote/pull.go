package promote

import "fmt"

// Pull is the pull request of a proposal.
type Pull struct {
	Number int64     `json:"number,omitempty"`
	URL    string    `json:"url,omitempty"`
	Head   string    `json:"head"` // its branch
	State  PullState `json:"state"`
}

// String says what became of it, for people.
func (p *Pull) String() string {
	switch {
	case p.State == Pushed && p.URL != "":
		return fmt.Sprintf("pushed the branch %s: open its pull request at %s", p.Head, p.URL)
	case p.State == Pushed:
		return fmt.Sprintf("pushed the branch %s: open its pull request", p.Head)
	case p.State == Outdated:
		return fmt.Sprintf("pull request %d is closed again: its candidate is not under test any more: %s", p.Number, p.URL)
	case p.State == Closed:
		return fmt.Sprintf("pull request %d was closed, and is not opened again: to try once more reopen it, to drop the candidate reject it: %s", p.Number, p.URL)
	}
	return fmt.Sprintf("%s pull request %d: %s", p.State, p.Number, p.URL)
}

// PullState is what became of a pull request in this run.
type PullState string

// The states.
const (
	Pushed  PullState = "pushed"  // there is no forge: the branch is there, and people open it
	Opened  PullState = "opened"  // it is new
	Adopted PullState = "adopted" // it was open already, and is up to date
	Merged  PullState = "merged"
	Closed  PullState = "closed" // people closed it: it is not opened again

	// Outdated is one of this run's whose candidate went away meanwhile.
	Outdated PullState = "superseded"
)
