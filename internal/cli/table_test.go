package cli

import "testing"

func TestTable(t *testing.T) {
	for _, bare := range []bool{false, true} {
		list := Table{Head: []string{"NAME", "STATE"}, Bare: bare}
		if got := list.String(); got != "" {
			t.Errorf("without rows: %q", got)
		}
		list.Add("a\tb\nc", "")
		list.Add("web", "waits")
		want := "a b; c  -\nweb     waits\n"
		if !bare {
			want = "NAME    STATE\n" + want
		}
		if got := list.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
