package branch

import (
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
