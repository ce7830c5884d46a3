package main

import (
	"github.com/assaydev/assay/internal/cli"
	"github.com/assaydev/assay/plugin/adopt"
)

// questions asks on a terminal; elsewhere nobody is asked.
func (a *app) questions() adopt.Ask {
	if !cli.IsTerminal(a.input.Stdin) {
		return nil
	}
	t := cli.NewPrompter(a.input.Stdin, a.stderr)
	return func(q adopt.Question) (string, error) { return t.Ask(cli.Question(q)) }
}
