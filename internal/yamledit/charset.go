package yamledit

import (
	"bytes"
	"unicode/utf8"
)

// breaks that YAML 1.1 counts as the end of a line and YAML 1.2 does not.
var foreignBreaks = []struct{ bytes, name string }{
	{"\u0085", "a NEL character (U+0085)"},
	{"\u2028", "a line separator (U+2028)"},
	{"\u2029", "a paragraph separator (U+2029)"},
}

// checkCharset refuses bytes on which YAML parsers do not agree.
func (f *File) checkCharset(data []byte) error {
	if !utf8.Valid(data) {
		return f.refuse(1+bytes.Count(data[:firstInvalid(data)], []byte("\n")), nil,
			"invalid UTF-8; save the file as UTF-8")
	}
	for i := 0; ; {
		n := bytes.IndexByte(data[i:], '\r')
		if n < 0 {
			break
		}
		if i += n + 1; i >= len(data) || data[i] != '\n' {
			return f.refuse(1+bytes.Count(data[:i], []byte("\n")), nil,
				"a carriage return without a line feed; use LF or CRLF line breaks")
		}
	}
	for _, b := range foreignBreaks {
		if i := bytes.Index(data, []byte(b.bytes)); i >= 0 {
			return f.refuse(1+bytes.Count(data[:i], []byte("\n")), nil,
				"%s, which only some parsers take for a line break; write it as an escape in double quotes", b.name)
		}
	}
	if i := bytes.LastIndex(data, []byte(byteOrderMark)); i > 0 {
		return f.refuse(1+bytes.Count(data[:i], []byte("\n")), nil,
			"a byte order mark inside the file; remove it")
	}
	return nil
}

func firstInvalid(data []byte) int {
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return len(data)
}
