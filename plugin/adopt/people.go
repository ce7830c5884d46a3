package adopt

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// People asks people by lines of text.
func People(in io.Reader, out io.Writer) Ask {
	t := &terminal{bufio.NewReader(in), out}
	return t.ask
}

// NoAnswerError says that a question got no answer.
type NoAnswerError struct{ Prompt string }

func (e *NoAnswerError) Error() string { return fmt.Sprintf("no answer to %q", e.Prompt) }

// terminal is where people are asked.
type terminal struct {
	in  *bufio.Reader
	out io.Writer
}

// ask asks until the answer is one that the question allows.
func (t *terminal) ask(q Question) (string, error) {
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
		return "", &NoAnswerError{prompt}
	}
	if line = strings.TrimSpace(line); line != "" {
		return line, nil
	}
	return fallback, nil
}
