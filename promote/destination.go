package promote

import (
	"encoding/json"
	"strings"

	"github.com/assaydev/assay/internal/spec"
)

// elsewhere are the next environments of a plan that are not on this branch.
func elsewhere(plan *spec.Plan, branch string) []spec.Destination {
	var out []spec.Destination
	for _, to := range plan.Spec.Promotion.To {
		if to.Repo != "" || to.Branch != "" && to.Branch != branch {
			out = append(out, to)
		}
	}
	return out
}

// encodeDestination is a destination as a trailer holds it.
func encodeDestination(to spec.Destination) (string, error) {
	data, err := json.Marshal(to)
	return string(data), err
}

// where names a destination for people.
func where(to spec.Destination) string {
	var parts []string
	for _, part := range []string{to.Repo, to.Branch, to.Path, to.Environment} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, " ")
}
