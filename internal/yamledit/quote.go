package yamledit

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// context is what the place of a scalar allows.
type context struct {
	flow bool // within brackets or braces
	json bool // within JSON: strings and keys have double quotes
}

// inline writes a scalar on one line, in the quotes that style names where
// they can hold it.
func inline(v any, style yaml.Style, in context) string {
	switch v := v.(type) {
	case bool:
		return strconv.FormatBool(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return float(v)
	case string:
		switch {
		case in.json || style&yaml.DoubleQuotedStyle != 0:
			return doubleQuoted(v)
		case style&yaml.SingleQuotedStyle != 0 && singleLine(v):
			return "'" + strings.ReplaceAll(v, "'", "''") + "'"
		case style&yaml.SingleQuotedStyle == 0 && plainSafe(v, in.flow):
			return v
		}
		return doubleQuoted(v)
	}
	return "null"
}

// float writes a number with a point, which YAML 1.1 asks for.
func float(v float64) string {
	switch {
	case math.IsNaN(v):
		return ".nan"
	case math.IsInf(v, 1):
		return ".inf"
	case math.IsInf(v, -1):
		return "-.inf"
	}
	s := strconv.FormatFloat(v, 'g', -1, 64)
	mantissa, exponent, found := strings.Cut(s, "e")
	if !strings.Contains(mantissa, ".") {
		mantissa += ".0"
	}
	if found {
		return mantissa + "e" + exponent
	}
	return mantissa
}

// doubleQuoted writes a string in double quotes, with escapes that are valid
// in JSON too.
func doubleQuoted(s string) string {
	var b strings.Builder
	b.Grow(len(s) + 2)
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\r':
			b.WriteString(`\r`)
		case printable(r):
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
