package page_test

import (
	"slices"
	"testing"

	"github.com/assaydev/assay/test/page"
)

func TestCommands(t *testing.T) {
	const text = "# Page\n\n```sh\n# first\nassay init \\\n  shop\n\nassay diff |\ncat\n```\n\n```yaml\na: b\n```\n- item\n  ```sh\n  git pull\n  ```\n"
	got := page.Commands(text)
	want := []string{"assay init \\\nshop", "assay diff |\ncat", "git pull"}
	if !slices.Equal(got, want) {
		t.Errorf("commands %q, want %q", got, want)
	}
}
