// Command assayd is Assay's daemon.
//
//  1. main reads the process: arguments, environment, signals.
//  2. A command turns flags and files into a library's Options.
//  3. The library runs until it is told to stop, and logs on stderr.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/assaydev/assay/internal/cli"
	"github.com/assaydev/assay/internal/visible"
)

// Exit codes.
const (
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.LookupEnv, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// daemon is what the commands share: the process.
type daemon struct {
	env    func(string) (string, bool)
	stdout io.Writer
	stderr io.Writer
	input  cli.Input

	started bool // a command runs: errors are no longer about usage
}

// run runs one command line and returns the exit code.
func run(ctx context.Context, args []string, env func(string) (string, bool), stdout, stderr io.Writer) int {
	log.SetOutput(io.Discard) // Helm's warnings quote values
	d := &daemon{env: env, stdout: stdout, stderr: stderr}
	root := d.root()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	fmt.Fprintf(stderr, "error: %s\n", visible.Text(err.Error()))
	if !d.started {
		return exitUsage
	}
	return exitFailed
}

func (d *daemon) root() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "assayd",
		Short: "Conclude candidates in Git as their experiments do, and serve the plugin",
		Long: `Assayd is the daemon beside the command assay: it runs in Argo CD's cluster and
does what people, CI and argocd-cmp-server would do with the command.`,
		Example: `  # Conclude the candidates of every Application that uses the plugin
  assayd promoter --signing-key /etc/assay/signing/key

  # Serve the plugin beside argocd-repo-server
  assayd cmp`,
		SilenceErrors: true, SilenceUsage: true, Args: cli.Subcommand,
		RunE:              func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
	}
	cmd.SetOut(d.stdout)
	cmd.SetErr(d.stderr)
	cmd.SetFlagErrorFunc(cli.FlagError)
	cmd.SetUsageFunc(cli.Usage(nil))
	cmd.SetHelpCommand(cli.HelpCommand(cmd, "  assayd help promoter"))
	cmd.AddCommand(d.promoterCommand(), d.cmpCommand(), d.cmpWorkerCommand(), d.versionCommand())
	return cmd
}
