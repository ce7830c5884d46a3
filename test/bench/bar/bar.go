// Package bar runs a measurement of the daemon as a command: each figure is printed on a line of its
// own beside its bar, and the exit code says whether one is over it.
package bar

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/assaydev/assay/test/e2e/process"
)

// Main reads the flags and measures, until it is done or interrupted. The process exits with 1 where
// figures are over their bars, and with 2 where they could not be measured.
func Main(measure func(context.Context) (over int, err error)) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	flag.Parse()
	over, err := measure(ctx)
	stop()
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	case over > 0:
		os.Exit(1)
	}
}

// Figure prints one, and returns 1 where it is over its bar.
func Figure[T int | time.Duration](name string, got, most T) (over int) {
	fmt.Printf("%-45s %8v   at most %v\n", name, got, most)
	if got > most {
		return 1
	}
	return 0
}

// Assayd builds the daemon that ships in a directory, and returns its file.
func Assayd(ctx context.Context, dir string) (string, error) {
	file := filepath.Join(dir, "assayd")
	_, err := process.Run(ctx, "", nil, "./build", file)
	return file, err
}
