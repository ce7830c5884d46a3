package change

import (
	"fmt"
	"slices"
	"strings"

	"github.com/assaydev/assay/internal/scaffold"
)

// Paste is YAML that mends what an error says, on lines of its own.
type Paste struct{ YAML string }

func (p *Paste) Error() string { return "\n" + p.YAML }

// suggestion is the plan's entry for an image, ready to paste: guessed from
// where the values name the image, or, where none is found, with blanks to fill in.
func suggestion(name string, sources []source) (yaml string, found bool) {
	entry := "{repository: KEY.OF.REPOSITORY, tag: KEY.OF.TAG}"
	for _, s := range slices.Backward(sources) {
		keys, ok := scaffold.ImageValues(s.values, []string{name})[name]
		if !ok {
			continue
		}
		var parts []string
		for _, part := range []struct{ name, key string }{
			{"image", keys.Image},
			{"registry", keys.Registry},
			{"repository", keys.Repository},
			{"tag", keys.Tag},
			{"digest", keys.Digest},
		} {
			if part.key != "" {
				parts = append(parts, part.name+": "+part.key)
			}
		}
		entry, found = "{"+strings.Join(parts, ", ")+"}", true
		break
	}
	return fmt.Sprintf("spec:\n  helm:\n    imageValues:\n      %s: %s", name, entry), found
}
