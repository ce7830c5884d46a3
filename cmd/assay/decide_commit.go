package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/internal/gitrepo"
	"github.com/assaydev/assay/promote"
)

// commit makes the Git commit that goes with the edit; nil without one.
func (r *report) commit(repo *gitrepo.Repo, wanted bool) *promote.Commit {
	if !wanted {
		return nil
	}
	decode := func(state string) (c gitrepo.Commit, err error) {
		err = json.Unmarshal([]byte(state), &c)
		return c, err
	}
	return &promote.Commit{
		Prepare: func(ctx context.Context, e *promote.Edit) (string, error) {
			var files []git.File
			for _, f := range e.Files {
				files = append(files, git.File{Path: f.Path, Data: f.After})
			}
			c, err := repo.Prepare(ctx, files, r.message())
			if err != nil {
				return "", err
			}
			state, err := json.Marshal(c)
			return string(state), err
		},
		Land: func(ctx context.Context, state string) error {
			c, err := decode(state)
			if err != nil {
				return err
			}
			return repo.Land(ctx, c)
		},
		Settle: func(ctx context.Context, _ string, paths []string) error { return repo.Settle(ctx, paths) },
	}
}

func (r *report) subject() string {
	if r.title == "" {
		return "what was decided"
	}
	return r.title
}

// The trailers of a commit, from which the history of an environment is read.
const (
	trailerOutcome     = "Assay-Outcome"
	trailerEnvironment = "Assay-Environment"
	trailerExperiment  = "Assay-Experiment"
	trailerCandidate   = "Assay-Candidate"
	trailerEngine      = "Assay-Engine"
	trailerEvidence    = "Assay-Evidence"
	trailerUntested    = "Assay-Untested"
)

// engineByHand stands for an engine where people decided.
const engineByHand = "by hand"

// message is that of the commit.
func (r *report) message() string {
	var out bytes.Buffer
	_, _ = fmt.Fprintf(&out, "%s\n\n", oneLine(r.title))
	if r.Reason != "" {
		_, _ = fmt.Fprintf(&out, "%s\n\n", oneLine(r.Reason))
	}
	trailer := func(key, value string) {
		if value = oneLine(value); value != "" {
			_, _ = fmt.Fprintf(&out, "%s: %s\n", key, value)
		}
	}
	trailer(trailerOutcome, r.Outcome)
	trailer(trailerEnvironment, environmentTrailer(r.Environment, r.Name))
	trailer(trailerExperiment, r.ID)
	trailer(trailerCandidate, r.Candidate)
	engine := r.Engine
	if engine == "" {
		engine = engineByHand
	}
	trailer(trailerEngine, engine)
	trailer(trailerEvidence, r.Evidence)
	for _, u := range r.Untested {
		trailer(trailerUntested, u)
	}
	return out.String()
}

// environmentTrailer names an environment in a commit: its directory, and its
// name where the directory serves several.
func environmentTrailer(dir, name string) string {
	if name == "" {
		return dir
	}
	return dir + " (" + name + ")"
}
