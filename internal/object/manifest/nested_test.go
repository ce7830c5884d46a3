package manifest

import (
	"fmt"
	"strings"
	"testing"
)

// bomb is a small text of YAML whose aliases expand to billions of values.
func bomb(indent string) string {
	var out strings.Builder
	out.WriteString(indent + "a: &a [x,x,x,x,x,x,x,x,x]\n")
	for i := range 9 {
		from := string(rune('a' + i))
		to := string(rune('b' + i))
		_, _ = fmt.Fprintf(&out, "%s%s: &%s [%s]\n", indent, to, to, strings.Join([]string{"*" + from, "*" + from, "*" + from, "*" + from, "*" + from, "*" + from, "*" + from, "*" + from}, ","))
	}
	return out.String()
}

// TestCheckNested is about YAML in a text of YAML, however it is written.
func TestCheckNested(t *testing.T) {
	plain := bomb("")
	for name, text := range map[string]string{
		"block":       "patches:\n- patch: |\n" + bomb("    "),
		"folded":      "patches:\n- patch: >\n" + strings.ReplaceAll(bomb("    "), "\n", "\n\n"),
		"quoted":      "patches: [{patch: " + fmt.Sprintf("%q", plain) + "}]\n",
		"escaped":     "patches: [{patch: \"" + strings.NewReplacer("&", `\x26`, "*", `\u002a`, "\n", `\n`).Replace(plain) + "\"}]\n",
		"twice":       "transformers:\n- |\n  kind: PatchTransformer\n  patch: |\n" + bomb("    "),
		"second part": "a: 1\n---\nb: |\n" + bomb("  "),
		"its second":  "a: |\n  x: 1\n  ---\n" + bomb("  "),
		"a key":       "? |\n" + bomb("  ") + ": 1\n",
	} {
		if err := CheckNested("k.yaml", []byte(text)); err == nil || !strings.Contains(err.Error(), "aliases expand to more than") || !strings.HasPrefix(err.Error(), "k.yaml:") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, text := range map[string]string{
		"no bomb": "a: |\n  x: &x [1]\n  y: *x\n", "no YAML": "a: \"* & *b & {\"\n", "not YAML itself": "a: [\n", "text": "a: |\n  R&D *and* more\n",
	} {
		if err := CheckNested("k.yaml", []byte(text)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
