// Command assay renders an environment of a Git repository with the candidate
// and the experiment that its marker asks for, and edits the marker.
//
//  1. main reads the process: arguments, environment, streams, signals.
//  2. run parses the command line and runs one command, with a deadline.
//  3. A command calls the packages and writes its result to a buffer.
//  4. run prints the buffer on success. On failure it prints the cause and
//     hints on stderr, and nothing on stdout.
//
// It starts fast: it links neither argo-cd nor gitops-engine.
package main

import (
	"context"
	"io"
	"log"
	"os"
	"os/signal"
	"syscall"

	"github.com/assaydev/assay/cmd/assay/gcpace"
)

// collectFrom is what a render may take before collection stops being put off.
// The sidecar that manifests/ installs has 1 GiB for all of them.
const collectFrom = 256 << 20

func main() {
	gcpace.Bound(collectFrom)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	stderr := os.Stderr
	muteLibraries()
	code := run(ctx, os.Args[1:], os.LookupEnv, os.Stdin, os.Stdout, stderr)
	stop()
	os.Exit(code)
}

// muteLibraries keeps what libraries print by themselves, such as Kustomize's
// notes on deprecated fields, off stderr: Argo CD shows stderr as the error,
// and that starts with its cause.
func muteLibraries() {
	log.SetOutput(io.Discard) // Helm's warnings quote values
	if null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0); err == nil {
		os.Stderr = null
	}
}
