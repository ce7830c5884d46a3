package main

import (
	"errors"
	"strings"

	"github.com/assaydev/assay/internal/engine/verdict"
	"github.com/assaydev/assay/internal/git/remote"
	"github.com/assaydev/assay/plugin/adopt"
	"github.com/assaydev/assay/plugin/flags"
	"github.com/assaydev/assay/promote"
	"github.com/assaydev/assay/promote/worktree"
)

// message is what an error says, on one line but for YAML to paste. A library says what
// would help; here it is said which flag does.
func message(err error) string {
	text := flags.Message(err)
	add := func(said error, flag string) { text = strings.Replace(text, said.Error(), said.Error()+flag, 1) }
	var unanswered *adopt.NoAnswerError
	var missing *promote.MissingError
	var refused *remote.RefusedError
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
	return flags.OneLine(text, err)
}
