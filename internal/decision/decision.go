// Package decision has the words for what becomes of a candidate: what an
// experiment's verdict says, what a commit tells, and what a run of a command
// came to.
package decision

// Outcome is what becomes of a candidate. It is what Assay-Outcome says in a
// commit, and "outcome" in JSON.
type Outcome string

// What is written to Git.
const (
	Promote Outcome = "promote" // the environment's files hold the candidate
	Reject  Outcome = "reject"  // the marker is gone
	Revert  Outcome = "revert"  // the files hold what they held before a promotion

	// Candidate and Withdraw are not verdicts: the commit puts a candidate under
	// test, or takes one back.
	Candidate Outcome = "candidate"
	Withdraw  Outcome = "withdraw"

	// Wait and Admit are the promoter's: a candidate waits, as too many experiments run, and
	// then does not any more.
	Wait  Outcome = "wait"
	Admit Outcome = "admit"

	// Preempt and Drop are what a new candidate does to others: it takes the place of
	// the one under test, or of one that waited.
	Preempt Outcome = "preempt"
	Drop    Outcome = "drop"

	// Close is what becomes of the pull request of a candidate that is not under test any
	// more.
	Close Outcome = "close"
)

// What leaves a candidate as it is.
const (
	Hold       Outcome = "hold"       // there is no verdict, or none that decides
	Superseded Outcome = "superseded" // the verdict is on another candidate than the one under test
	None       Outcome = "none"       // there was nothing to do
)

// Done is the outcome in the past, for people.
func (o Outcome) Done() string {
	switch o {
	case Promote:
		return "promoted"
	case Revert:
		return "reverted the promotion of"
	default:
		return "rejected"
	}
}
