package main

import (
	"errors"
	"strings"

	changes "github.com/assaydev/assay/internal/change"
	"github.com/assaydev/assay/internal/engine/verdict"
	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/git/remote"
	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/plugin/adopt"
	"github.com/assaydev/assay/promote"
	"github.com/assaydev/assay/promote/worktree"
)

// message is what an error says, on one line but for YAML to paste. A library says what
// would help; here it is said which flag does.
func message(err error) string {
	text := err.Error()
	add := func(said error, flag string) { text = strings.Replace(text, said.Error(), said.Error()+flag, 1) }
	var limit *envfs.LimitError
	var large *object.TooLargeError
	var unanswered *adopt.NoAnswerError
	var missing *promote.MissingError
	var refused *remote.RefusedError
	if errors.As(err, &limit) {
		add(limit, " with "+limitFlag(limit.Kind))
	}
	if errors.As(err, &large) {
		add(large, " with --max-output-bytes")
	}
	if errors.As(err, &unanswered) {
		add(unanswered, ": give it as a flag")
	}
	if errors.As(err, &missing) {
		add(missing, " with --"+string(missing.Input))
	}
	if errors.As(err, &refused) && refused.Protected() {
		add(refused, ", candidate set --pull-request for a candidate")
	}
	if errors.Is(err, remote.ErrNoDefault) {
		add(remote.ErrNoDefault, " with --branch")
	}
	if errors.Is(err, worktree.ErrDetached) {
		add(worktree.ErrDetached, ", or allow it with --allow-detached")
	}
	if errors.Is(err, verdict.ErrNoJudge) {
		add(verdict.ErrNoJudge, " with --reason")
	}
	var paste *changes.Paste
	if !errors.As(err, &paste) {
		return excerpt.Joined(text)
	}
	before, after, _ := strings.Cut(text, paste.Error())
	return excerpt.Joined(before+after) + paste.Error()
}

func limitFlag(kind envfs.Limit) string {
	switch kind {
	case envfs.FileBytes:
		return "--max-file-bytes"
	case envfs.TotalBytes:
		return "--max-total-bytes"
	default:
		return "--max-files"
	}
}
