package verdict_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/engine/verdict"
	"github.com/assaydev/assay/internal/object"
)

// TestDeadline: an object that was made for the experiment is as old as it is,
// and one that outlives candidates has its candidate since that was set.
func TestDeadline(t *testing.T) {
	now := time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC)
	const long, short = 2 * time.Hour, time.Minute
	running := func(kind, name, id string, age time.Duration) string {
		created := ""
		if age > 0 {
			created = fmt.Sprintf(", creationTimestamp: %q", now.Add(-age).Format(time.RFC3339))
		}
		return fmt.Sprintf("apiVersion: argoproj.io/v1alpha1\nkind: %s\nmetadata: {name: %s, generation: 3, labels: {assay.dev/experiment: %q}%s}\nstatus: {phase: Running, observedGeneration: \"3\"}\n", kind, name, id, created)
	}
	own := "checks-" + testID
	for _, tt := range []struct {
		name, kind, judge string
		since             time.Duration // ago; zero is not known
		deadline          time.Duration
		text              string
		want              decision.Outcome
	}{
		{"an old run", "AnalysisRun", own, short, time.Hour, running("AnalysisRun", own, testID, long), decision.Reject},
		{"a new run, of a candidate set long ago", "AnalysisRun", own, long, time.Hour, running("AnalysisRun", own, testID, short), decision.Hold},
		{"a run of unknown age", "AnalysisRun", own, long, time.Hour, running("AnalysisRun", own, testID, 0), decision.Hold},
		{"no deadline", "AnalysisRun", own, long, 0, running("AnalysisRun", own, testID, long), decision.Hold},
		{"an old Rollout, of a new candidate", "Rollout", "web", short, time.Hour, running("Rollout", "web", testID, long), decision.Hold},
		{"an old Rollout, of an old candidate", "Rollout", "web", long, time.Hour, running("Rollout", "web", testID, 10*long), decision.Reject},
		{"a Rollout newer than its candidate", "Rollout", "web", long, time.Hour, running("Rollout", "web", testID, short), decision.Hold},
		{"a candidate set at an unknown time", "Rollout", "web", 0, time.Hour, running("Rollout", "web", testID, long), decision.Hold},
		{"a Rollout that has not got the candidate yet", "Rollout", "web", long, time.Hour, running("Rollout", "web", "", long), decision.Hold},
	} {
		t.Run(tt.name, func(t *testing.T) {
			expect := verdict.Expect{
				Digest: testDigest, Judges: []object.Key{{Group: "argoproj.io", Kind: tt.kind, Name: tt.judge}}, Deadline: tt.deadline, Now: now,
			}
			if tt.since > 0 {
				expect.Since = now.Add(-tt.since)
			}
			v, err := judgeText(t, tt.text, expect)
			if err != nil {
				t.Fatal(err)
			}
			late := strings.HasPrefix(v.Message, "no verdict within 1h0m0s: it has not concluded")
			if v.Outcome != tt.want || late != (tt.want == decision.Reject) || v.Running == late {
				t.Errorf("%+v", v)
			}
		})
	}
}
