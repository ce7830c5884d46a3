package cli

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/api/resource"
)

// choice is a flag that takes one of a few words.
type choice struct {
	value *string
	words []string
}

func (c choice) Set(text string) error {
	if !slices.Contains(c.words, text) {
		return Usagef("give one of %s", strings.Join(c.words, ", "))
	}
	*c.value = text
	return nil
}

func (c choice) String() string { return *c.value }

func (c choice) Type() string { return strings.Join(c.words, "|") }

// BindChoice adds a flag that takes one of words; the value it has is the default.
func BindChoice(cmd *cobra.Command, value *string, name, shorthand, usage string, words ...string) {
	cmd.Flags().VarP(choice{value, words}, name, shorthand, usage)
	MustComplete(cmd, name, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
}

// ByteSize is a flag that takes 1000, 64Ki, 32Mi and the like.
type ByteSize int64

// Set reads a number of bytes, with a suffix or without.
func (b *ByteSize) Set(text string) error {
	q, err := resource.ParseQuantity(text)
	if err != nil || q.Sign() <= 0 {
		return fmt.Errorf("give a number of bytes, such as 32Mi")
	}
	*b = ByteSize(q.Value())
	return nil
}

func (b *ByteSize) String() string { return "" }

// Type names it in the help.
func (b *ByteSize) Type() string { return "bytes" }

// Count is a flag that takes a number above zero: as a limit, zero would mean
// the default.
type Count int

// Set reads a whole number above zero.
func (c *Count) Set(text string) error {
	n, err := strconv.Atoi(text)
	if err != nil || n <= 0 {
		return fmt.Errorf("give a number above zero, such as 1000")
	}
	*c = Count(n)
	return nil
}

func (c *Count) String() string { return "" }

// Type names it in the help.
func (c *Count) Type() string { return "int" }
