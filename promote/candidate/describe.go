package candidate

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/types"

	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/spec"
)

// Describe is a change on one line, for people. Values, which may be secret,
// are left out.
func Describe(c spec.Change) string {
	var parts []string
	for _, image := range c.Images {
		parts = append(parts, describeImage(image))
	}
	if len(c.Values) > 0 {
		parts = append(parts, "values "+strings.Join(slices.Sorted(maps.Keys(c.Values)), " "))
	}
	if n := len(c.Patches); n == 1 {
		parts = append(parts, "a patch")
	} else if n > 1 {
		parts = append(parts, fmt.Sprintf("%d patches", n))
	}
	if c.Diff != "" {
		parts = append(parts, strings.TrimSuffix("a diff of "+excerpt.List(filesIn(c.Diff)), " of "))
	}
	return strings.Join(parts, ", ")
}

// filesIn are the files that a diff edits, as its headers name them.
func filesIn(diff string) (names []string) {
	header := false
	for line := range strings.Lines(diff) {
		if name, ok := strings.CutPrefix(line, "+++ "); ok && header {
			name, _, _ = strings.Cut(strings.TrimSpace(name), "\t")
			names = append(names, strings.TrimPrefix(name, "b/"))
		}
		header = strings.HasPrefix(line, "--- ")
	}
	return names
}

// describeImage writes an image as `kustomize edit set image` takes it.
func describeImage(image types.Image) string {
	text := image.Name
	if image.NewName != "" {
		text += "=" + image.NewName
	}
	if image.NewTag != "" {
		text += ":" + image.NewTag
	}
	if image.Digest != "" {
		text += "@" + image.Digest
	}
	return text
}
