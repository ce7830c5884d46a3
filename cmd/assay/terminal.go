package main

import (
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/assaydev/assay/internal/visible"
)

func isTerminal(stream any) bool {
	if shown, ok := stream.(visible.Writer); ok {
		stream = shown.Out
	}
	file, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// tellsSteps reports whether people see what is done while they wait.
func (a *app) tellsSteps() bool { return a.verbose > 0 || isTerminal(a.stderr) }

// palette colours text, or leaves it as it is.
type palette struct {
	on   bool
	mark string // follows each escape, so that those of others are known
}

// palette follows --color, then NO_COLOR, then whether stdout is a terminal.
func (a *app) palette(mode string) palette {
	switch mode {
	case "always":
		return palette{true, a.mark}
	case "never":
		return palette{}
	}
	none, _ := a.env("NO_COLOR")
	kind, _ := a.env("TERM")
	return palette{a.tty && none == "" && kind != "dumb", a.mark}
}

func (p palette) paint(code, text string) string {
	if !p.on || text == "" {
		return text
	}
	return "\x1b" + p.mark + "[" + code + "m" + text + "\x1b" + p.mark + "[0m"
}

func (p palette) bold(text string) string  { return p.paint("1", text) }
func (p palette) red(text string) string   { return p.paint("31", text) }
func (p palette) green(text string) string { return p.paint("32", text) }
func (p palette) cyan(text string) string  { return p.paint("36", text) }

// diff colours a unified diff line by line.
func (p palette) diff(w io.Writer, text string) {
	for line := range strings.Lines(text) {
		line, end := strings.TrimSuffix(line, "\n"), "\n"
		switch {
		case strings.HasPrefix(line, "---"), strings.HasPrefix(line, "+++"):
			line = p.bold(line)
		case strings.HasPrefix(line, "-"):
			line = p.red(line)
		case strings.HasPrefix(line, "+"):
			line = p.green(line)
		case strings.HasPrefix(line, "@@"):
			line = p.cyan(line)
		}
		_, _ = io.WriteString(w, line+end)
	}
}

// join puts the non-empty parts on one line.
func join(parts ...string) string {
	var kept []string
	for _, part := range parts {
		if part != "" {
			kept = append(kept, part)
		}
	}
	return strings.Join(kept, ", ")
}
