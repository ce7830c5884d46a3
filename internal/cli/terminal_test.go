package cli

import "testing"

func TestColour(t *testing.T) {
	env := func(name, value string) func(string) (string, bool) {
		return func(asked string) (string, bool) { return value, asked == name }
	}
	none := func(string) (string, bool) { return "", false }
	for _, test := range []struct {
		name, mode string
		tty        bool
		env        func(string) (string, bool)
		want       bool
	}{
		{"a pipe", "auto", false, none, false},
		{"a terminal", "auto", true, none, true},
		{"NO_COLOR", "auto", true, env("NO_COLOR", "1"), false},
		{"a dumb terminal", "auto", true, env("TERM", "dumb"), false},
		{"always, into a pipe", "always", false, env("NO_COLOR", "1"), true},
		{"never, on a terminal", "never", true, none, false},
	} {
		if got := Colour(test.mode, test.tty, test.env); got != test.want {
			t.Errorf("%s: %t", test.name, got)
		}
	}
}
