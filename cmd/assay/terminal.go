package main

import "github.com/assaydev/assay/internal/cli"

// tellsSteps reports whether people see what is done while they wait.
func (a *app) tellsSteps() bool { return a.verbose > 0 || cli.IsTerminal(a.stderr) }

// palette follows --color, then NO_COLOR, then whether stdout is a terminal.
func (a *app) palette(mode string) cli.Palette {
	return cli.Palette{On: cli.Colour(mode, a.tty, a.env), Mark: a.mark}
}
