package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/assaydev/assay/internal/cli"
	"github.com/assaydev/assay/plugin/adopt"
)

// questions asks on a terminal; elsewhere nobody is asked.
func (a *app) questions() adopt.Ask {
	if !cli.IsTerminal(a.stdin) {
		return nil
	}
	t := &terminal{bufio.NewReader(a.stdin), a.stderr}
	return t.ask
}

// terminal is where people are asked.
type terminal struct {
	in  *bufio.Reader
	out io.Writer
}

// ask asks until the answer is one that the question allows.
func (t *terminal) ask(q adopt.Question) (string, error) {
	prompt := q.Prompt
	switch {
	case q.Listed:
		for i, choice := range q.Choices {
			_, _ = fmt.Fprintf(t.out, "  %d  %s\n", i+1, choice)
		}
	case len(q.Choices) > 0:
		prompt += " (" + strings.Join(q.Choices, ", ") + ")"
	}
	for {
		answer, err := t.line(prompt, q.Default)
		if err != nil || len(q.Choices) == 0 || slices.Contains(q.Choices, answer) {
			return answer, err
		}
		if i, err := strconv.Atoi(answer); err == nil && q.Listed && i >= 1 && i <= len(q.Choices) {
			return q.Choices[i-1], nil
		}
		_, _ = fmt.Fprintf(t.out, "%s is not one of them\n", answer)
	}
}

// line asks for a line; an empty one is the default.
func (t *terminal) line(prompt, fallback string) (string, error) {
	if fallback != "" {
		prompt += " [" + fallback + "]"
	}
	_, _ = fmt.Fprintf(t.out, "%s: ", prompt)
	line, err := t.in.ReadString('\n')
	if err != nil && (line == "" || !errors.Is(err, io.EOF)) {
		return "", fmt.Errorf("no answer to %q: give it as a flag", prompt)
	}
	if line = strings.TrimSpace(line); line != "" {
		return line, nil
	}
	return fallback, nil
}
