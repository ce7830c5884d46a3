package candidate

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/types"

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
		parts = append(parts, "a diff")
	}
	return strings.Join(parts, ", ")
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
