package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"github.com/assaydev/assay/internal/cli"
	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/internal/visible"
	"github.com/assaydev/assay/plugin/flags"
)

const (
	// serverTimeout is for work on a server, where others may be in the way.
	serverTimeout = 5 * time.Minute
	// cleanUp is how long a command may take to end once its time is over.
	cleanUp = 10 * time.Second
	// forever is for what waits for others, and is ended by them.
	forever = 10 * 365 * 24 * time.Hour
)

// app is what the commands share: the process, and the result.
type app struct {
	env     func(string) (string, bool)
	process git.Process // for git on a repository of this machine
	input   cli.Input
	stderr  io.Writer
	screen  io.Writer // stdout, for what is shown before the command ends
	tty     bool      // stdout is a terminal

	out     bytes.Buffer // the result, printed once the command has succeeded
	isData  bool         // it is for programs, and keeps its bytes
	next    []string     // what to do next, told once the result is printed
	mark    string       // follows each escape of ours in it
	timeout time.Duration
	verbose int          // --verbose
	limited bool         // --timeout is given
	memory  cli.ByteSize // --memory-limit
	soft    int64        // GOMEMLIMIT
	started bool         // a command runs: errors are no longer about usage

	patient atomic.Bool // the command ends by itself soon after its context, and cleans up
	scratch string      // a directory to remove when the command ends early; under writing
	writing sync.Mutex  // held while files are replaced: that is not left half done
	wrote   bool
}

// run runs one command line and returns the exit code.
func run(ctx context.Context, args []string, env func(string) (string, bool), stdin io.Reader, stdout, stderr io.Writer) int {
	a := &app{
		env: env, process: git.Process{Env: os.Environ(), TempDir: os.TempDir()},
		input: cli.Input{Stdin: stdin}, stderr: visible.Writer{Out: stderr}, screen: stdout, tty: cli.IsTerminal(stdout), mark: rand.Text(), soft: softLimit(env),
	}
	root := a.rootCommand()
	root.SetArgs(args)
	if len(args) > 0 && args[0] == cobra.ShellCompRequestCmd {
		cli.PlainUsage(root)
	}
	err := root.ExecuteContext(ctx)
	if !told(err) {
		a.printError(a.stderr, err)
		return a.exitCode(err)
	}
	if _, writeErr := io.WriteString(stdout, a.result()); writeErr != nil {
		a.printError(a.stderr, fmt.Errorf("write result: %w", writeErr))
		return exitFailed
	}
	for _, line := range a.next {
		a.notef("%s", line)
	}
	return a.exitCode(err)
}

// data is a result for programs: it keeps its bytes, except on a terminal.
func (a *app) data(data []byte) {
	a.isData = true
	a.out.Write(data)
}

// result is what goes to stdout. Untrusted text does not steer a terminal.
func (a *app) result() string {
	if a.isData && !a.tty {
		return a.out.String()
	}
	return visible.Painted(a.out.String(), a.mark)
}

func (a *app) rootCommand() *cobra.Command {
	version := false
	cmd := &cobra.Command{
		Use:   "assay",
		Short: "Test candidates beside the baseline",
		Long: `Assay renders an environment of a Git repository: flat YAML, a Helm chart or a
kustomization. While the environment holds a candidate.yaml, the output also
holds the candidate's workloads and the experiment that judges them.

An environment is a directory; the current one when none is named.

Exit codes: 0 done or nothing to do, 1 failed, 2 wrong usage, 3 not promoted
because of the verdict. A failed command prints no result and has changed
nothing.`,
		Example: `  # Try a new tag, and see what would run beside the baseline
  assay candidate set --tag 6.15.0 shop/prod
  assay diff shop/prod

  # The three layouts on a throw-away repository, without a cluster
  assay demo`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cli.Subcommand,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if version {
				return a.printVersion(formatText)
			}
			return cmd.Help()
		},
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
	}
	cmd.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error {
		if err := cli.CheckExcluded(cmd.Flags()); err != nil {
			return err
		}
		a.started, a.limited = true, cmd.Flags().Changed("timeout")
		return nil
	}
	cmd.SetUsageFunc(cli.Usage(headings()))
	cmd.SetFlagErrorFunc(cli.FlagError)
	cmd.SetHelpCommand(cli.HelpCommand(cmd, "  assay help candidate set"))
	cmd.Flags().BoolVar(&version, "version", false, "print the version")
	cmd.SetIn(a.input.Stdin)
	cmd.SetOut(&a.out)
	cmd.SetErr(a.stderr)
	cmd.PersistentFlags().DurationVar(&a.timeout, "timeout", flags.DefaultTimeout, "give up after this time; on a server the default is 5m")
	cmd.PersistentFlags().CountVarP(&a.verbose, "verbose", "v", "say on stderr what is done")
	cmd.PersistentFlags().Var(&a.memory, "memory-limit", "end with an error when more memory is taken (default 768Mi, or three quarters of what the system gives if that is less)")
	cmd.AddCommand(
		a.renderCommand(), a.diffCommand(), a.verifyCommand(),
		a.concludeCommand(), a.promoteCommand(), a.rejectCommand(), a.revertCommand(), a.historyCommand(), a.statusCommand(), a.describeCommand(),
		a.initCommand(), a.candidateCommand(), a.demoCommand(),
		a.parametersCommand(), a.versionCommand(), a.completionCommand(cmd),
	)
	a.completeCluster(cmd)
	return cmd
}

// write replaces files, unless the command is about to end. What it has begun
// is finished before the command ends.
func (a *app) write(ctx context.Context, fn func() error) error {
	a.writing.Lock()
	defer a.writing.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	err := fn()
	a.wrote = err == nil
	return err
}

// await gives a patient command the time to clean up.
func (a *app) await(done <-chan error) (ended bool, err error) {
	if !a.patient.Load() {
		return false, nil
	}
	return ends(done)
}

// ends waits for a command's end, for as long as it may take.
func ends(done <-chan error) (ended bool, err error) {
	timer := time.NewTimer(cleanUp)
	defer timer.Stop()
	select {
	case err := <-done:
		return true, err
	case <-timer.C:
		return false, nil
	}
}

// do makes a cobra function of a command's. It ends in time, whatever the
// command is doing: a render cannot be interrupted, so the answer does not
// wait for it, and the process exits then.
func (a *app) do(fn func(ctx context.Context, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		timeout := a.timeout
		if remote := cmd.Flags().Lookup("repo"); remote != nil && !cmd.Flags().Changed("timeout") && (remote.Changed || cmd.Flags().Changed("app")) {
			timeout = serverTimeout
		}
		if cmd.Flags().Changed("wait") {
			timeout = forever // it ends by itself: see conclude
			if cmd.Flags().Changed("timeout") {
				timeout = a.timeout + serverTimeout
			}
		}
		if cmd.Flags().Changed("watch") && !cmd.Flags().Changed("timeout") {
			timeout = forever // people end it
		}
		if timeout <= 0 || a.timeout <= 0 {
			return cli.Usagef("--timeout %s: give a time above zero, such as 50s", timeout)
		}
		ctx, cancel := context.WithTimeoutCause(cmd.Context(), timeout, errTimeout)
		defer cancel()
		ctx, stop := a.watch(ctx)
		defer stop()
		done := make(chan error, 1)
		go func() {
			defer func() {
				if v := recover(); v != nil {
					done <- fmt.Errorf("internal error: %v; please report it with the files that led to it", v)
				}
			}()
			done <- fn(ctx, args)
		}()
		return a.end(ctx, timeout, done)
	}
}

// end is the error that a command ends with: its own, or that it had to stop.
func (a *app) end(ctx context.Context, timeout time.Duration, done <-chan error) error {
	select {
	case err := <-done:
		// What a patient command says of its end is more than that it ended.
		if err == nil || ctx.Err() == nil || a.wrote || a.patient.Load() {
			return err
		}
	case <-ctx.Done():
		if ended, err := a.await(done); ended {
			return err
		}
		a.writing.Lock() // and no command writes from here on
		if a.wrote {
			return <-done // what is written is also told
		}
		if a.scratch != "" { // the command writes there without asking
			_, _ = ends(done)
			_ = os.RemoveAll(a.scratch)
		}
	}
	if errors.Is(context.Cause(ctx), errTimeout) {
		return fmt.Errorf("not done after %s: %w", timeout, errTimeout)
	}
	return fmt.Errorf("stopped: %w", context.Cause(ctx))
}
