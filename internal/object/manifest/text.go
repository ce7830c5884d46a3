package manifest

import (
	"bytes"
	"unicode"
	"unicode/utf8"

	utf16 "golang.org/x/text/encoding/unicode"
)

// skipLine anywhere in a file keeps the file out, from Argo CD v3.2 on.
const skipLine = "+argocd:skip-file-rendering"

// Skipped reports whether a file says of itself that it is not to be rendered.
func Skipped(data []byte) bool { return bytes.Contains(data, []byte(skipLine)) }

// text returns data as UTF-8 without a byte order mark. Argo CD reads UTF-16
// files that carry a mark, so they are converted.
func text(file string, data []byte) ([]byte, error) {
	if bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff")) {
		decoded, err := utf16.UTF16(utf16.LittleEndian, utf16.UseBOM).NewDecoder().Bytes(data)
		if err != nil {
			return nil, &Error{file, 0, "invalid UTF-16; save the file as UTF-8", true}
		}
		return decoded, nil
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if !utf8.Valid(data) {
		return nil, &Error{file, invalidLine(data), "invalid UTF-8; save the file as UTF-8", true}
	}
	return data, nil
}

// invalidLine is the line of the first byte that is not UTF-8.
func invalidLine(data []byte) int {
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && size == 1 {
			return 1 + bytes.Count(data[:i], []byte("\n"))
		}
		i += size
	}
	return 0
}

// startsWithBrace is how Kubernetes tells a JSON stream from YAML. Like it, it
// looks at the first 4,096 bytes.
func startsWithBrace(data []byte) bool {
	head := bytes.TrimLeftFunc(data[:min(len(data), 4096)], unicode.IsSpace)
	return bytes.HasPrefix(head, []byte("{"))
}
