package status

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/duration"

	"github.com/assaydev/assay/internal/cli"
	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/promote"
)

// Table is the list for people, as of now; bare is without the head. The columns of experiments,
// pull requests and errors are there if there are any.
func Table(list []Environment, now time.Time, bare bool) string {
	t := cli.Table{Head: []string{"ENVIRONMENT", "LAYOUT", "BASELINE", "CANDIDATE", "ID", "WAITING", "LAST", "AGE", "COMMIT"}, Bare: bare}
	live := slices.ContainsFunc(list, func(s Environment) bool { return s.Experiment != nil })
	if live {
		t.Head = append(t.Head, "EXPERIMENT")
	}
	pulls := slices.ContainsFunc(list, func(s Environment) bool { return len(s.Pulls) > 0 })
	if pulls {
		t.Head = append(t.Head, "PULL REQUEST")
	}
	broken := slices.ContainsFunc(list, func(s Environment) bool { return s.Error != "" })
	if broken {
		t.Head = append(t.Head, "ERROR")
	}
	for _, s := range list {
		env := s.Environment
		cells := append([]string{env.String(), s.Layout, versionsOf(s)}, candidateOf(s)...)
		cells = append(cells, lastOf(s, now)...)
		if live {
			cells = append(cells, experimentOf(s))
		}
		if pulls {
			cells = append(cells, pullsOf(s))
		}
		if broken {
			cells = append(cells, excerpt.Column(s.Error, 200))
		}
		t.Add(cells...)
	}
	return t.String()
}

// versionsOf are the images of the baseline in short.
func versionsOf(s Environment) string {
	const most = 3
	var names []string
	for _, r := range s.Baseline {
		for _, image := range r.Images {
			if name := shortImage(image); !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	text := strings.Join(names[:min(most, len(names))], ", ")
	if more := len(names) - most; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// shortImage is the last part of an image's name, and its tag or the start of
// its digest.
func shortImage(ref string) string {
	name, tag, digest := object.SplitImage(ref)
	name = path.Base(name)
	switch {
	case tag != "":
		return name + ":" + tag
	case digest != "":
		_, hash, _ := strings.Cut(digest, ":")
		return name + "@" + hash[:min(12, len(hash))]
	}
	return name
}

// candidateOf is what is under test, its ID, and how many wait.
func candidateOf(s Environment) []string {
	if len(s.Candidates) == 0 {
		return []string{"", "", ""}
	}
	first, waiting := s.Candidates[0], ""
	if n := s.Waiting(); n > 0 {
		waiting = strconv.Itoa(n)
	}
	return []string{promote.Label(first.Candidate), first.ID, waiting}
}

// experimentOf is how the cluster has what is under test.
func experimentOf(s Environment) string {
	if s.Experiment == nil {
		return ""
	}
	return excerpt.Column(s.Experiment.String(), 200)
}

// pullsOf are the numbers of the open pull requests.
func pullsOf(s Environment) string {
	var numbers []string
	for _, p := range s.Pulls {
		numbers = append(numbers, strconv.FormatInt(p.Number, 10))
	}
	return strings.Join(numbers, ", ")
}

// lastOf is the last decision, its age, and its commit.
func lastOf(s Environment, now time.Time) []string {
	if s.Last == nil {
		return []string{"", "", ""}
	}
	age := duration.HumanDuration(now.Sub(s.Last.Time))
	return []string{strings.TrimSpace(string(s.Last.Outcome) + " " + s.Last.Candidate), age, git.Short(s.Last.Commit)}
}
