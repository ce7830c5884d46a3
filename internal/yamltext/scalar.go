package yamltext

import (
	"strings"
	"unicode/utf8"
)

// isPlain reports whether text needs no quotes in block style. It errs on the
// side of quotes.
func isPlain(s string) bool {
	if s == "" || !plainStart(s) || isWord(s) {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case isLetter(c), isDigit(c), strings.IndexByte("-_./@+=,%$()^~*&?!;<>|", c) >= 0:
		case c == ':':
			if i+1 == len(s) || s[i+1] == ' ' {
				return false
			}
		case c == ' ':
			if i+1 == len(s) {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// plainStart reports whether the first bytes can neither be an indicator nor
// begin a number, a date or a document marker.
func plainStart(s string) bool {
	switch c := s[0]; {
	case isLetter(c), c == '/', c == '(', c == '$':
		return true
	case c == '_':
		return len(s) > 1 && isLetter(s[1])
	case c == '-':
		rest := strings.TrimPrefix(s[1:], "-")
		return rest != "" && isLetter(rest[0])
	case isDigit(c), c == '.':
		return hasWordLetter(s)
	}
	return false
}

// hasWordLetter finds a letter that no number (hex, octal, binary, exponent)
// and no date has: with one, as in 100m or 128Mi, it is neither.
func hasWordLetter(s string) bool {
	for i := range len(s) {
		if isLetter(s[i]) && strings.IndexByte("abcdefxotzABCDEFXOTZ", s[i]) < 0 {
			return true
		}
	}
	return false
}

// isWord knows the words that some version of YAML reads as a boolean, null
// or a number.
func isWord(s string) bool {
	if len(s) > len("false") {
		return false
	}
	switch strings.ToLower(s) {
	case "null", "true", "false", "yes", "no", "on", "off", "y", "n", ".nan", ".inf", "-.inf":
		return true
	}
	return false
}

// isBlock reports whether a literal block holds the text exactly: it has
// lines, the first one with content is not indented (which would need an
// indicator), the last one is not blank, and no character needs an escape.
func isBlock(s string) bool {
	if !strings.Contains(s, "\n") || !utf8.ValidString(s) {
		return false
	}
	body := strings.Trim(s, "\n")
	if body == "" || body[0] == ' ' || body[0] == '\t' {
		return false
	}
	if last := body[strings.LastIndexByte(body, '\n')+1:]; strings.Trim(last, " \t") == "" {
		return false
	}
	for _, r := range s {
		if r != '\n' && r != '\t' && !printable(r) {
			return false
		}
	}
	return true
}

// printable is YAML's set less what breaks lines or is invisible.
func printable(r rune) bool {
	switch {
	case r < 0x20, r >= 0x7f && r < 0xa0, r == 0x2028, r == 0x2029, r == 0xfeff, r == 0xfffe, r == 0xffff:
		return false
	}
	return true
}

const hex = "0123456789ABCDEF"

func appendQuoted(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r == '\n':
			dst = append(dst, '\\', 'n')
		case r == '\t':
			dst = append(dst, '\\', 't')
		case r == '\r':
			dst = append(dst, '\\', 'r')
		case printable(r):
			dst = utf8.AppendRune(dst, r)
		case r < 0x100:
			dst = append(dst, '\\', 'x', hex[r>>4], hex[r&15])
		default:
			dst = append(dst, '\\', 'u', hex[r>>12&15], hex[r>>8&15], hex[r>>4&15], hex[r&15])
		}
	}
	return append(dst, '"')
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
