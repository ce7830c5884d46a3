package git

import (
	"strings"
	"testing"
)

func FuzzParseTree(f *testing.F) {
	f.Add([]byte("100644 a\x0012345678901234567890"+"40000 b\x00abcdefghijabcdefghij"), 20)
	f.Add([]byte("120000 link"), 20)
	f.Add([]byte("160000 sub\x00"), 32)
	f.Fuzz(func(t *testing.T, data []byte, idBytes int) {
		if idBytes != 20 && idBytes != 32 {
			return
		}
		list, err := parseTree(data, idBytes)
		size := 0
		for _, e := range list {
			size += len(e.name) + idBytes
		}
		if err == nil && size > len(data) {
			t.Errorf("%d bytes hold entries of %d", len(data), size)
		}
	})
}

func FuzzParseEntry(f *testing.F) {
	f.Add("abc\ndef 012\n1700000000\nsubject\nAssay-Outcome: promote\n")
	f.Add("abc\n\n1\n\n")
	f.Fuzz(func(t *testing.T, record string) {
		e, err := parseEntry(record)
		if err == nil && !strings.HasPrefix(record, e.ID+"\n") {
			t.Errorf("%q has the ID %q", record, e.ID)
		}
	})
}
