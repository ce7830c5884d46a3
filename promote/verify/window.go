package verify

import (
	"fmt"
	"time"

	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/promote"
)

// windows warns of those of the plan that never let a promotion land, and of single ones that
// never open.
func windows(plan *spec.Plan, now time.Time) (warnings []string, err error) {
	set, err := plan.Spec.Promotion.LandingWindows()
	if err != nil {
		return nil, err
	}
	for _, w := range set.Idle() {
		warnings = append(warnings, fmt.Sprintf("spec.promotion.windows: %s never opens: its schedule names a day that no month has", w))
	}
	state, err := promote.LandsAt(plan, now)
	if err == nil && !state.Open && state.Opens.IsZero() {
		warnings = append(warnings, fmt.Sprintf("spec.promotion.windows lets no promotion land: it is %s", state))
	}
	return warnings, err
}
