package main

import (
	"errors"
	"fmt"
	"testing"

	"github.com/assaydev/assay/internal/engine/verdict"
	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/git/remote"
	"github.com/assaydev/assay/promote"
)

// TestMessage: what helps is followed by its flag, wherever it is in a message.
func TestMessage(t *testing.T) {
	for want, err := range map[string]error{
		"read a: it has 2 bytes, the limit is 1 bytes: make the environment smaller, or raise the limit with --max-file-bytes": &envfs.LimitError{File: "a", What: "it has 2 bytes", Max: 1, Kind: envfs.FileBytes},
		"say which with --id; or wait":                fmt.Errorf("%w; or wait", &promote.MissingError{Input: promote.InputID, Message: "say which"}),
		"name it with --namespace":                    &promote.MissingError{Input: promote.InputNamespace, Message: "name it"},
		"first; second: why with --reason":            errors.Join(errors.New("first"), fmt.Errorf("second: %w", &promote.MissingError{Input: promote.InputReason, Message: "why"})),
		verdict.ErrNoJudge.Error() + " with --reason": fmt.Errorf("%w", verdict.ErrNoJudge),
		"the server refuses: no: ask":                 &remote.RefusedError{Reason: "no", Hint: "ask"},
		"plain; and in two lines":                     errors.New("plain\n  and in two lines"),
	} {
		if got := message(err); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
