package cli

import (
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/assaydev/assay/internal/visible"
)

// IsTerminal reports whether a stream of the process is one.
func IsTerminal(stream any) bool {
	if shown, ok := stream.(visible.Writer); ok {
		stream = shown.Out
	}
	file, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// Colour reports whether the output is coloured: as the mode says, which is auto, always
// or never, then NO_COLOR, then whether it goes to a terminal.
func Colour(mode string, tty bool, env func(string) (string, bool)) bool {
	switch mode {
	case "always":
		return true
	case "never":
		return false
	}
	none, _ := env("NO_COLOR")
	kind, _ := env("TERM")
	return tty && none == "" && kind != "dumb"
}

// Palette colours text, or leaves it as it is.
type Palette struct {
	On   bool
	Mark string // follows each escape, so that those of others are known
}

func (p Palette) paint(code, text string) string {
	if !p.On || text == "" {
		return text
	}
	return "\x1b" + p.Mark + "[" + code + "m" + text + "\x1b" + p.Mark + "[0m"
}

// Bold is for what people look for first.
func (p Palette) Bold(text string) string { return p.paint("1", text) }

func (p Palette) red(text string) string   { return p.paint("31", text) }
func (p Palette) green(text string) string { return p.paint("32", text) }
func (p Palette) cyan(text string) string  { return p.paint("36", text) }

// Diff colours a unified diff line by line.
func (p Palette) Diff(w io.Writer, text string) {
	for line := range strings.Lines(text) {
		line, end := strings.TrimSuffix(line, "\n"), "\n"
		switch {
		case strings.HasPrefix(line, "---"), strings.HasPrefix(line, "+++"):
			line = p.Bold(line)
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

// Join puts the non-empty parts on one line.
func Join(parts ...string) string {
	var kept []string
	for _, part := range parts {
		if part != "" {
			kept = append(kept, part)
		}
	}
	return strings.Join(kept, ", ")
}
