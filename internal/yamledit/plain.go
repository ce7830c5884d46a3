package yamledit

import (
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// What some version of YAML, or some parser in use, takes for another type
// than a string, when it is not quoted.
var (
	retypedWord = regexp.MustCompile(`^(?i:~|null|true|false|yes|no|on|off|y|n|=|<<|[-+]?\.inf|\.nan)$`)

	retypedNumber = regexp.MustCompile(`^[-+]?(` +
		`0[bB][01_]+|0[oO][0-7_]+|0[xX][0-9a-fA-F_]+|` + // other bases
		`[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?|` + // base 60
		`([0-9][0-9_]*)?\.?[0-9_]*([eE][-+]?[0-9]+)?` + // decimal, octal of 1.1, float
		`)$`)

	retypedDate = regexp.MustCompile(`^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt \t].*)?$`)

	// Numbers on which YAML 1.1 and 1.2 agree.
	plainNumber = regexp.MustCompile(`^([-+]?(0|[1-9][0-9]*)|[-+]?[0-9]+\.[0-9]*([eE][-+][0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))$`)
)

// retyped reports whether text, not quoted, may be read as something else than
// this string.
func retyped(s string) bool {
	if s == "" || retypedWord.MatchString(s) {
		return true
	}
	if c := s[0]; c >= '0' && c <= '9' || c == '.' || c == '-' || c == '+' {
		if retypedNumber.MatchString(s) && strings.ContainsAny(s, "0123456789") || retypedDate.MatchString(s) {
			return true
		}
		n := yaml.Node{Kind: yaml.ScalarNode, Value: s}
		return n.ShortTag() != "!!str"
	}
	return false
}

// unambiguous reports whether YAML 1.1 and 1.2 read a scalar alike.
func unambiguous(n *yaml.Node) bool {
	if n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle|yaml.TaggedStyle) != 0 {
		return true
	}
	switch n.Tag {
	case "!!null", "!!bool":
		return true
	case "!!int", "!!float":
		return plainNumber.MatchString(n.Value)
	case "!!str":
		return !retyped(n.Value)
	}
	return false
}

// plainSafe reports whether a string can be written without quotes, in a flow
// collection or outside.
func plainSafe(s string, flow bool) bool {
	if s == "" || retyped(s) || !singleLine(s) || strings.ContainsRune(s, '\t') {
		return false
	}
	switch {
	case strings.ContainsRune("?:,[]{}#&*!|>'\"%@` ", rune(s[0])):
		return false
	case s[0] == '-' && (len(s) == 1 || s[1] == ' ' || flow && strings.ContainsRune(",[]{}", rune(s[1]))):
		return false
	case strings.HasPrefix(s, "---") || strings.HasPrefix(s, "..."):
		return false
	case s[len(s)-1] == ' ' || s[len(s)-1] == ':':
		return false
	case strings.Contains(s, ": ") || strings.Contains(s, " #"):
		return false
	}
	return !flow || !strings.ContainsAny(s, ",[]{}?")
}

// singleLine reports whether every character can stand for itself within one
// line.
func singleLine(s string) bool {
	for _, r := range s {
		if !printable(r) {
			return false
		}
	}
	return true
}

// printable reports whether YAML allows a character unescaped, within a line.
func printable(r rune) bool {
	switch {
	case r == '\t', r >= 0x20 && r <= 0x7e:
		return true
	case r == 0x85, r == 0x2028, r == 0x2029, r == 0xfeff:
		return false
	case r >= 0xa0 && r <= 0xd7ff, r >= 0xe000 && r <= 0xfffd, r >= 0x10000:
		return true
	}
	return false
}
