package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/assaydev/assay/internal/cli"
	"github.com/assaydev/assay/internal/decision"
)

// The exit codes. Nothing else decides one.
const (
	exitDone   = 0 // done, or nothing to do
	exitFailed = 1
	exitUsage  = 2
	exitHeld   = 3 // not promoted: the verdict is hold or, for promote, reject
)

// The exit codes that --exit-code asks for, beside exitDone.
const (
	exitRejected   = 10
	exitLeft       = 11
	exitSuperseded = 12
	exitNothing    = 13
)

// outcomeError is an outcome that --exit-code tells apart. What it says has been told.
type outcomeError struct{ outcome decision.Outcome }

func (e *outcomeError) Error() string { return string(e.outcome) }

func (e *outcomeError) code() int {
	switch e.outcome {
	case decision.Reject:
		return exitRejected
	case decision.Hold:
		return exitLeft
	case decision.Superseded:
		return exitSuperseded
	case decision.None:
		return exitNothing
	default:
		return exitDone
	}
}

// maxMessage caps what an error prints: Argo CD carries it in a gRPC trailer.
const maxMessage = 2000

var (
	// errTimeout is the cause when --timeout has passed.
	errTimeout = errors.New("deadline passed")
	// errReported is a failure that the result on stdout already shows.
	errReported = errors.New("reported")
	// errHeld is a verdict that does not allow what was asked for. What it says
	// has been told.
	errHeld = errors.New("held")
)

// exitCode maps an error to the process's exit code. What fails before a
// command starts is about its flags and arguments.
func (a *app) exitCode(err error) int {
	var usage *cli.UsageError
	var outcome *outcomeError
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &outcome):
		return outcome.code()
	case errors.As(err, &usage), !a.started:
		return exitUsage
	case errors.Is(err, errHeld):
		return exitHeld
	default:
		return exitFailed
	}
}

// What helps where the deadline has passed: Argo CD runs nothing that works on a
// server.
const (
	hintLater       = "raise --timeout; under Argo CD keep it below the repo-server's own timeout for plugins"
	hintLaterServer = "raise --timeout"
)

// told reports whether the result says all that the error means.
func told(err error) bool {
	var outcome *outcomeError
	return err == nil || errors.Is(err, errReported) || errors.Is(err, errHeld) || errors.As(err, &outcome)
}

// printError prints the cause first, then what helps, within maxMessage.
func (a *app) printError(w io.Writer, err error) {
	var tail string
	switch {
	case !errors.Is(err, errTimeout):
	case a.patient.Load():
		tail = "\nhint: " + hintLaterServer
	default:
		tail = "\nhint: " + hintLater
	}
	text := "assay: " + message(err)
	if room := maxMessage - len(tail) - 1; len(text) > room {
		text = strings.ToValidUTF8(text[:room-4], "") + " ..."
	}
	// Nothing can be done if stderr is gone.
	_, _ = fmt.Fprintln(w, text+tail)
}
