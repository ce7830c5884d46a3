package verdict_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/digest"
	"github.com/assaydev/assay/internal/engine/verdict"
	"github.com/assaydev/assay/internal/object"
)

// TestOnlyTheDigestBinds: an object without the digest under test neither
// promotes nor rejects, whatever its status and however old it is. Its name and
// its label, which hold nine digits, say nothing.
func TestOnlyTheDigestBinds(t *testing.T) {
	whole := string(testDigest)
	other := string(digest.Of([]byte("another")))
	collision := whole[:len(whole)-1] + "1" // of the same ID
	for name, tt := range map[string]struct {
		annotation string
		want       decision.Outcome
		message    string
	}{
		"none":           {"", decision.Hold, "it has no annotation assay.dev/digest"},
		"of format 1":    {"v1:" + whole[3:], decision.Hold, "of a format other than v2"},
		"of a later one": {"v30:" + whole[3:], decision.Hold, "of a format other than v2"},
		"without a form": {whole[3:], decision.Hold, "is not a digest"},
		"cut":            {whole[:40], decision.Hold, "is not a digest"},
		"longer":         {whole + "0", decision.Hold, "is not a digest"},
		"the ID":         {testID, decision.Hold, "is not a digest"},
		"upper case":     {strings.ToUpper(whole), decision.Hold, "is not a digest"},
		"a space":        {" " + whole, decision.Hold, "is not a digest"},
		"of another ID":  {other, decision.Hold, "its label assay.dev/experiment is e123456789, and its annotation assay.dev/digest is of e"},
		"of this ID":     {collision, decision.Superseded, "it judged the experiment " + collision + ", and " + whole + " is under test now"},
	} {
		for _, status := range []string{complete, failed, running, "{}"} {
			text := job("judge-"+testID, testID, status)
			objs, err := verdict.Read("x.yaml", []byte(text))
			if err != nil {
				t.Fatal(err)
			}
			objs[0].SetAnnotations(map[string]string{"a": "b"})
			if tt.annotation != "" {
				objs[0].SetAnnotations(map[string]string{digest.Annotation: tt.annotation})
			}
			objs[0].SetCreationTimestamp(timestamp("2024-05-01T10:00:00Z"))
			got, err := verdict.Judge(context.Background(), objs, verdict.Expect{
				Digest: testDigest, Judges: judges("judge-" + testID), Deadline: time.Minute, Now: timestamp("2025-05-01T10:00:00Z").Time,
			}, verdict.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if got.Outcome != tt.want || !strings.Contains(got.Message, tt.message) {
				t.Errorf("%s, %s: %+v", name, status, got)
			}
		}
	}
}

// TestNoDigestDecides is the same for every state of every engine.
func TestNoDigestDecides(t *testing.T) {
	for name, tab := range tables(t) {
		for _, s := range tab.Cases {
			objs := tab.objects(t, s)
			annotations := objs[0].GetAnnotations()
			delete(annotations, digest.Annotation)
			objs[0].SetAnnotations(annotations)
			expect := tab.expect(t, s, objs)
			objs[0].SetCreationTimestamp(timestamp("2023-05-01T10:00:00Z"))
			expect.Deadline, expect.Now = time.Second, timestamp("2026-05-01T10:00:00Z").Time
			got, err := verdict.Judge(context.Background(), objs, expect, verdict.Options{})
			if err != nil || got.Outcome != decision.Hold {
				t.Errorf("%s, %s: %+v, %v", name, s.Name, got, err)
			}
		}
	}
}

// TestDeadlineOfEveryState: past the deadline, what was read and is not a verdict is
// a reject. What cannot be read, or contradicts itself, stays a hold.
func TestDeadlineOfEveryState(t *testing.T) {
	for name, tab := range tables(t) {
		for _, s := range tab.Cases {
			objs := tab.objects(t, s)
			expect := tab.expect(t, s, objs)
			objs[0].SetCreationTimestamp(timestamp("2023-05-01T10:00:00Z"))
			expect.Deadline, expect.Now = time.Second, timestamp("2026-05-01T10:00:00Z").Time
			got, err := verdict.Judge(context.Background(), objs, expect, verdict.Options{})
			if err != nil {
				t.Fatal(err)
			}
			want := s.Want
			unreadable := strings.Contains(got.Message, "contradicts itself") || strings.Contains(got.Message, "the expression")
			known := !expect.Since.IsZero() || strings.Contains(objs[0].GetName(), testID) // since when it has the candidate
			if want == decision.Hold && !unreadable && known {
				want = decision.Reject
			}
			if got.Outcome != want {
				t.Errorf("%s, %s: %s, want %s: %s", name, s.Name, got.Outcome, want, got.Message)
			}
		}
	}
}

// TestNamespaces: an object judges where the environment is deployed to, and
// nowhere else.
func TestNamespaces(t *testing.T) {
	key := func(namespace string) object.Key {
		return object.Key{Group: "batch", Kind: "Job", Namespace: namespace, Name: "judge-" + testID}
	}
	for _, tt := range []struct {
		name, of, destination, found string // namespaces: of the object as the tree has it, and as it was found
		want                         decision.Outcome
		err                          string
	}{
		{"named by none", "", "", "", decision.Promote, ""},
		{"found in one, and not known", "", "", "shop", "", "it is not known which namespace"},
		{"the destination's", "", "shop", "shop", decision.Promote, ""},
		{"saved without one", "", "shop", "", decision.Promote, ""},
		{"another tenant's", "", "shop", "other", "", "it is not in the namespace"},
		{"its own", "jobs", "shop", "jobs", decision.Promote, ""},
		{"its own, and the destination is not known", "jobs", "", "jobs", decision.Promote, ""},
		{"its own, saved without one", "jobs", "", "", decision.Promote, ""},
		{"the destination's in place of its own", "jobs", "shop", "shop", "", "it is not in the namespace"},
		{"saved without one, which is the destination's", "jobs", "shop", "", "", "it is not in the namespace"},
	} {
		text := strings.Replace(job("judge-"+testID, testID, complete), "namespace: shop, ", "", 1)
		if tt.found != "" {
			text = strings.Replace(text, "{name:", "{namespace: "+tt.found+", name:", 1)
		}
		got, err := judgeText(t, text, verdict.Expect{Digest: testDigest, Namespace: tt.destination, Judges: []object.Key{key(tt.of)}})
		if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) || err == nil && got.Outcome != tt.want {
			t.Errorf("%s: %+v, %v", tt.name, got, err)
		}
	}
	// Two that may be the one, and say different things.
	both := strings.Replace(job("judge-"+testID, testID, complete), "namespace: shop", "namespace: jobs", 1) + "---\n" +
		strings.Replace(job("judge-"+testID, testID, "{}"), "namespace: shop, ", "", 1)
	if got, err := judgeText(t, both, verdict.Expect{Digest: testDigest, Judges: []object.Key{key("jobs")}}); err == nil || !strings.Contains(err.Error(), "two objects may be this one") {
		t.Errorf("%+v, %v", got, err)
	}
}
