package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// Question is asked of people.
type Question struct {
	Prompt  string
	Default string   // the answer to an empty line
	Choices []string // the answer is one of them; any text where there are none
	Listed  bool     // the choices are many or long, and may be answered by number
}

// Prompter asks people on a terminal.
type Prompter struct {
	in  *bufio.Reader
	out io.Writer
}

// NewPrompter asks on out, and reads the answers from in.
func NewPrompter(in io.Reader, out io.Writer) *Prompter {
	return &Prompter{bufio.NewReader(in), out}
}

// Ask asks until the answer is one that the question allows.
func (p *Prompter) Ask(q Question) (string, error) {
	prompt := q.Prompt
	switch {
	case q.Listed:
		for i, choice := range q.Choices {
			_, _ = fmt.Fprintf(p.out, "  %d  %s\n", i+1, choice)
		}
	case len(q.Choices) > 0:
		prompt += " (" + strings.Join(q.Choices, ", ") + ")"
	}
	for {
		answer, err := p.line(prompt, q.Default)
		if err != nil || len(q.Choices) == 0 || slices.Contains(q.Choices, answer) {
			return answer, err
		}
		if i, err := strconv.Atoi(answer); err == nil && q.Listed && i >= 1 && i <= len(q.Choices) {
			return q.Choices[i-1], nil
		}
		_, _ = fmt.Fprintf(p.out, "%s is not one of them\n", answer)
	}
}

// line asks for a line; an empty one is the default.
func (p *Prompter) line(prompt, fallback string) (string, error) {
	if fallback != "" {
		prompt += " [" + fallback + "]"
	}
	_, _ = fmt.Fprintf(p.out, "%s: ", prompt)
	line, err := p.in.ReadString('\n')
	if err != nil && (line == "" || !errors.Is(err, io.EOF)) {
		return "", fmt.Errorf("no answer to %q: give it as a flag", prompt)
	}
	if line = strings.TrimSpace(line); line != "" {
		return line, nil
	}
	return fallback, nil
}
