package flags

import (
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/assaydev/assay/internal/cli"
	"github.com/assaydev/assay/internal/excerpt"
)

// DefaultTimeout leaves a margin of the 60 seconds that Argo CD gives a plugin by default:
// they also pay for its Git and tar, and end in a SIGKILL that explains nothing.
const DefaultTimeout = 50 * time.Second

// Command is a command line of assay, as plugin.yaml has it.
type Command struct {
	View
	Name    string // --env
	Timeout time.Duration
	Memory  int64 // --memory-limit in bytes; 0 where it is not given
}

// Parse reads a command line that runs assay's verb, render or parameters, in an
// environment's directory. What would make another result than the plugin's is refused.
func Parse(line []string, verb string) (Command, error) {
	c := Command{Timeout: DefaultTimeout}
	if len(line) < 2 || path.Base(line[0]) != "assay" || line[1] != verb {
		return c, fmt.Errorf("the command %q is not assay %s, and no other is served in process: have argocd-cmp-server run it", excerpt.Of(strings.Join(line, " "), 100), verb)
	}
	var memory cli.ByteSize
	verbose := 0
	cmd := &cobra.Command{Use: "assay " + verb}
	f := cmd.Flags()
	f.StringVar(&c.Name, "env", "", "`name`")
	f.DurationVar(&c.Timeout, "timeout", c.Timeout, "")
	f.Var(&memory, "memory-limit", "")
	f.CountVarP(&verbose, "verbose", "v", "")
	if verb == "render" {
		c.Bind(f)
		c.BindNamespace(f)
		c.BindHelm(cmd)
	}
	switch err := cmd.ParseFlags(line[2:]); {
	case err != nil:
		return c, errors.New(cli.FlagError(cmd, err).Error())
	case len(f.Args()) > 1 || len(f.Args()) == 1 && f.Arg(0) != ".":
		return c, fmt.Errorf("the command %q names a directory: leave it out, Argo CD says which", excerpt.Of(strings.Join(line, " "), 100))
	case c.Timeout <= 0:
		return c, fmt.Errorf("--timeout %s: give a time above zero, such as 50s", c.Timeout)
	}
	c.Memory = int64(memory)
	return c, nil
}
