package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// Commands returns a command and every one below it, hidden ones too.
func Commands(root *cobra.Command) []*cobra.Command {
	list := []*cobra.Command{root}
	for i := 0; i < len(list); i++ {
		list = append(list, list[i].Commands()...)
	}
	return list
}

// Reference documents a command line as Markdown. head is the page's first lines, and
// headings those of flags that have one, in order.
func Reference(root *cobra.Command, head string, headings []string) string {
	var out strings.Builder
	out.WriteString(head)
	for _, cmd := range Commands(root) {
		if cmd.Hidden || cmd.Name() == "help" {
			continue
		}
		fmt.Fprintf(&out, "\n## %s\n\n%s\n\n```\n%s\n```\n\n### Examples\n\n```sh\n%s\n```\n", cmd.CommandPath(), cmd.Long, cmd.UseLine(), unindent(cmd.Example))
		for _, section := range FlagSections(cmd, headings) {
			fmt.Fprintf(&out, "\n### %s\n\n```\n%s```\n", section.Heading, section.Usages)
		}
	}
	return out.String()
}

func unindent(text string) string {
	return strings.TrimPrefix(strings.ReplaceAll(text, "\n  ", "\n"), "  ")
}
