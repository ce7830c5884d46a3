package plugin_test

import (
	"flag"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaydev/assay/plugin"
)

var update = flag.Bool("update", false, "write docs/parameters.md")

func TestReference(t *testing.T) {
	const name = "../docs/parameters.md"
	want := plugin.Reference()
	if *update {
		if err := os.MkdirAll("../docs", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("%s is not what the table says; run go generate ./plugin:\n%s", name, diff)
	}
}
