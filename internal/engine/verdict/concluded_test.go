package verdict_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/assaydev/assay/internal/engine/verdict"
	"github.com/assaydev/assay/internal/object"
)

// TestConcluded: a verdict was reached at the last time that the status names, and one for
// want of time at the deadline.
func TestConcluded(t *testing.T) {
	now := time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC)
	own := "check-" + testID
	for name, tt := range map[string]struct {
		status string
		want   time.Time
	}{
		"a Job": {
			"{succeeded: 1, startTime: '2024-05-01T11:00:00Z', completionTime: '2024-05-01T11:20:00Z', conditions: [{type: Complete, status: 'True', lastTransitionTime: '2024-05-01T11:20:01Z'}]}",
			time.Date(2024, 5, 1, 11, 20, 1, 0, time.UTC),
		},
		"a time to come": {
			"{succeeded: 1, completionTime: '2034-05-01T11:20:00Z', conditions: [{type: Complete, status: 'True', lastTransitionTime: '2024-05-01T11:20:01+00:00'}]}",
			time.Date(2024, 5, 1, 11, 20, 1, 0, time.UTC),
		},
		"no time":           {"{succeeded: 1, conditions: [{type: Complete, status: 'True', message: '2024-05-01Tomorrow'}]}", time.Time{}},
		"one that runs":     {"{startTime: '2024-05-01T11:50:00Z', active: 1}", time.Time{}},
		"past its deadline": {"{startTime: '2024-05-01T11:00:00Z', active: 1}", now.Add(-30 * time.Minute)},
	} {
		t.Run(name, func(t *testing.T) {
			created := now.Add(-90 * time.Minute)
			if name == "one that runs" {
				created = now.Add(-time.Minute)
			}
			text := fmt.Sprintf("apiVersion: batch/v1\nkind: Job\nmetadata: {name: %s, labels: {assay.dev/experiment: %q}, creationTimestamp: %q}\nspec: {backoffLimit: 0}\nstatus: %s\n", own, testID, created.Format(time.RFC3339), tt.status)
			v, err := judgeText(t, text, verdict.Expect{
				Digest: testDigest, Judges: []object.Key{{Group: "batch", Kind: "Job", Name: own}}, Deadline: time.Hour, Now: now,
			})
			if err != nil {
				t.Fatal(err)
			}
			if !v.Concluded.Equal(tt.want) {
				t.Errorf("concluded at %v, want %v: %+v", v.Concluded, tt.want, v)
			}
		})
	}
}
