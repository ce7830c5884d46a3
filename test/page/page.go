// Package page reads the shell commands of a page of documentation, for tests that run them.
package page

import (
	"regexp"
	"strings"
)

// shellBlock is a block of shell commands in Markdown, indented or not.
var shellBlock = regexp.MustCompile("(?ms)^ *```sh\n(.*?)^ *```")

// Commands are those of a page's sh blocks, in order: each a line with those that it goes on in.
// Comments are left out.
func Commands(text string) (commands []string) {
	for _, block := range shellBlock.FindAllStringSubmatch(text, -1) {
		open := false
		for line := range strings.Lines(block[1]) {
			line = strings.TrimSpace(line)
			switch {
			case line == "" || strings.HasPrefix(line, "#"):
				continue
			case open:
				commands[len(commands)-1] += "\n" + line
			default:
				commands = append(commands, line)
			}
			open = strings.HasSuffix(line, "|") || strings.HasSuffix(line, `\`)
		}
	}
	return commands
}
