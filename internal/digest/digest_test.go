package digest_test

import (
	"strings"
	"testing"

	"github.com/assaydev/assay/internal/digest"
)

func TestSelect(t *testing.T) {
	d := digest.Of([]byte("a"))
	for text, want := range map[string]struct {
		selects bool
		err     string
	}{
		"":                              {true, ""},
		d.ID():                          {true, ""},
		string(d):                       {true, ""},
		string(d[:35]):                  {true, ""},
		string(d[:34]):                  {false, "is not a digest"},
		string(d) + "0":                 {false, "is not a digest"},
		strings.ToUpper(d.ID()):         {false, ""},
		d.ID()[:9]:                      {false, ""},
		d.ID() + "0":                    {false, ""},
		"e000000000":                    {false, ""},
		"v1:" + string(d[3:]):           {false, "of a format other than v2"},
		"v2:" + strings.Repeat("0", 32): {false, ""},
	} {
		s, err := digest.Select(text)
		if (err == nil) != (want.err == "") || err != nil && !strings.Contains(err.Error(), want.err) {
			t.Errorf("%q: %v", text, err)
		} else if err == nil && s.Selects(d) != want.selects {
			t.Errorf("%q selects %s: %v", text, d, !want.selects)
		}
	}
	if digest.Selector("e123456789").Selects("") || digest.Selector("").Selects("") {
		t.Error("what has no digest is selected")
	}
}

// FuzzDigest: what is read as a digest is one, to the byte, and a selector selects
// what begins like it and nothing else.
func FuzzDigest(f *testing.F) {
	whole := string(digest.Of([]byte("a")))
	for _, text := range []string{"", whole, whole[:40], whole + "0", "v1:0", "v2:", "e123456789", strings.ToUpper(whole), " " + whole, "v22:0"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := digest.Parse(text)
		if err == nil && (string(d) != text || len(text) != len(whole) || len(d.ID()) != 10 || strings.ContainsAny(d.Ref(), ": ")) {
			t.Errorf("%q is read as %q", text, d)
		}
		if err != nil && d != "" {
			t.Errorf("%q is %q, and an error", text, d)
		}
		s, err := digest.Select(text)
		if err != nil || text == "" {
			return
		}
		if s.Selects(digest.Digest(whole)) != (strings.HasPrefix(whole, text) && len(text) >= 35 || text == digest.Digest(whole).ID()) {
			t.Errorf("%q selects %s, or does not", text, whole)
		}
	})
}
