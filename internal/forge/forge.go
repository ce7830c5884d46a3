// Package forge opens, finds, changes and merges pull requests on GitHub,
// GitLab, Gitea and Forgejo, through the client library that each forge's
// community keeps. Forgejo speaks Gitea's API, and is reached through Gitea's
// library with its version check left out.
//
//  1. Detect reads a repository's address: its forge, its web page and its
//     path there. Repo.CompareURL needs nothing more: no API and no token.
//  2. Open makes a Client for the repository.
//  3. Each method of Client is one verb. What the forges have in common is
//     decided there: adopting a pull request instead of opening a second one
//     (create.go), and what a refused merge means (merge.go).
//  4. An adapter per forge turns the verb into calls of its library
//     (github.go, gitlab.go, gitea.go).
//  5. Every request goes through one transport, which adds the token, keeps the
//     pace, waits out rate limits and repeats what may be repeated
//     (transport.go, pace.go).
//  6. An error names the forge, the verb and the pull request, holds what the
//     forge said, and says what to do (error.go).
package forge

// Kind names the API that a forge speaks. The zero Kind is an unknown forge.
type Kind string

// The forges that are known.
const (
	GitHub  Kind = "github"
	GitLab  Kind = "gitlab"
	Gitea   Kind = "gitea"
	Forgejo Kind = "forgejo"
)

// State is where a pull request is in its life.
type State string

// The states of a pull request.
const (
	StateOpen   State = "open"
	StateMerged State = "merged"
	StateClosed State = "closed" // and not merged
)

// Method is how a pull request is merged.
type Method string

// The methods of merging. GitLab has no rebase here: there it is a setting
// of the project.
const (
	MethodMerge  Method = "merge"
	MethodSquash Method = "squash"
	MethodRebase Method = "rebase"
)

// Pull is a pull request, which GitLab calls a merge request.
type Pull struct {
	Number   int64
	URL      string // the page for people
	Title    string // without the prefix that marks a draft on some forges
	Body     string
	Head     string // a branch of the same repository
	Base     string
	HeadSHA  string // the commit that the forge has for the head; GitLab may need a moment after creation
	State    State
	MergeSHA string // the commit that merging put on the base, where State is StateMerged
	Draft    bool
	Labels   []string
}

// New is a pull request to open.
type New struct {
	Head, Base  string // branches of the repository
	Title, Body string
	Draft       bool
	Labels      []string // made where the repository lacks them
}

// Change is what to change of a pull request; nil leaves a field as it is.
type Change struct {
	Title *string
	Body  *string
	Draft *bool
}

// Merge says what may be merged, and how.
type Merge struct {
	HeadSHA string // the only head that may be merged; required
	Method  Method // default MethodMerge
	Title   string // first line of the commit's message; default the forge's own
	Message string // the rest of it
}

// TitleLimit is the most characters of a title that every forge takes, with
// room for a draft's prefix.
const TitleLimit = 240
