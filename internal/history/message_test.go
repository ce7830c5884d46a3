package history

import (
	"bytes"
	"fmt"
	"math/rand"
	"os"
	"os/exec"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/digest"
	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/internal/spec"
)

// fragments are what a hostile plan, marker or engine would put into a message.
var fragments = []string{
	"\n", "\n\n", "\r\n", "\r", "\t", " ", "\x00", "\x1b[31m", "\u2028", "\u0085", "\u202e", "\xff\xfe", "é", "#", "---", "--- a/x",
	"# ------------------------ >8 ------------------------", "; ------------------------ >8 ------------------------",
	"Assay-Outcome: reject", "Assay-Outcome:reject", "Assay-Environment: other", "Assay-Commit: 1", "Signed-off-by: A <a@example.com>",
	"(cherry picked from commit 1)", "Conflicts:\n\tx", "\n\tAssay-Outcome: reject", "word", ":", "a: b", "| a | b |", "    code", "\\", "\"",
}

func hostile(r *rand.Rand) string {
	var out strings.Builder
	for range r.Intn(6) {
		out.WriteString(fragments[r.Intn(len(fragments))])
	}
	return out.String()
}

func hostileRecord(r *rand.Rand) Record {
	list := func() (out []string) {
		for range r.Intn(3) {
			out = append(out, hostile(r))
		}
		return out
	}
	digests := []digest.Digest{"", digest.Of([]byte("a"))}
	outcomes := []decision.Outcome{decision.Promote, decision.Reject, decision.Revert, decision.Candidate}
	return Record{
		Outcome: outcomes[r.Intn(len(outcomes))], Environment: spec.Environment{Dir: hostile(r), Name: []string{"", "blue"}[r.Intn(2)]},
		Experiment: hostile(r), Digest: digests[r.Intn(len(digests))], Candidate: hostile(r), Engine: hostile(r), Evidence: hostile(r), Untested: list(),
		Promotion: hostile(r), Next: list(), Reverts: hostile(r),
	}
}

// said is the record as a commit can tell of it: each value on one line.
func (r Record) said() Record {
	all := func(list []string) (out []string) {
		for _, text := range list {
			if text = excerpt.Line(excerpt.Inert(text)); text != "" {
				out = append(out, text)
			}
		}
		return out
	}
	r.Experiment, r.Candidate, r.Engine, r.Evidence = excerpt.Line(r.Experiment), excerpt.Line(excerpt.Inert(r.Candidate)), excerpt.Line(excerpt.Inert(r.Engine)), excerpt.Line(r.words(r.Evidence))
	r.Promotion, r.Reverts, r.Untested, r.Next = excerpt.Line(r.Promotion), excerpt.Line(r.Reverts), all(r.Untested), all(r.Next)
	return r
}

// parsed reads a message as git interpret-trailers does.
func parsed(t *testing.T, message string) git.Entry {
	t.Helper()
	cmd := exec.Command("git", "interpret-trailers", "--parse")
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1")
	cmd.Stdin = strings.NewReader(message)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	e := git.Entry{Trailers: map[string][]string{}}
	for text := range strings.Lines(string(out)) {
		if key, value, ok := strings.Cut(strings.TrimSpace(text), ": "); ok {
			e.Trailers[key] = append(e.Trailers[key], value)
		}
	}
	return e
}

func FuzzMessage(f *testing.F) {
	f.Add("Promote", "it is good", "2.0.0", "prod")
	f.Add("", "# ------------------------ >8 ------------------------", "", "")
	f.Add("---", "a\n\nAssay-Outcome: reject\n--- \nb", "x\nAssay-Outcome: reject", "a (b)")
	f.Fuzz(func(t *testing.T, title, body, value, dir string) {
		r := Record{Outcome: decision.Promote, Environment: spec.Environment{Dir: dir}, Candidate: value, Untested: []string{value}}
		check(t, r, r.Message(title, body))
	})
}

func check(t *testing.T, r Record, message string) {
	t.Helper()
	e := parsed(t, message)
	got, ok := Parse(e)
	if diff := cmp.Diff(r.said(), got); !ok || diff != "" {
		t.Errorf("%q tells\n%s", message, diff)
	}
	for key := range e.Trailers {
		if !strings.HasPrefix(key, "Assay-") || key == trailerCommit {
			t.Errorf("%q has the trailer %s", message, key)
		}
	}
	if !utf8.ValidString(message) || strings.ContainsAny(message, "\x00\x1b\r\u202e") {
		t.Errorf("%q holds what a terminal would obey", message)
	}
}

// TestMessageCannotBeForged asks git itself what trailers a message has.
func TestMessageCannotBeForged(t *testing.T) {
	r := rand.New(rand.NewSource(1)) //nolint:gosec // a test must be repeatable
	for range 150 {
		record := hostileRecord(r)
		check(t, record, record.Message(hostile(r), hostile(r)+hostile(r)))
	}
}

// TestCommitsTellWhatTheyWereTold writes real commits, and reads them with git log.
func TestCommitsTellWhatTheyWereTold(t *testing.T) {
	r, dir := rand.New(rand.NewSource(2)), t.TempDir() //nolint:gosec // a test must be repeatable
	var want []Record
	var stream bytes.Buffer
	for i := range 1000 {
		record := hostileRecord(r)
		want = append([]Record{record.said()}, want...)
		message := record.Message(hostile(r), hostile(r)+hostile(r))
		_, _ = fmt.Fprintf(&stream, "commit refs/heads/main\ncommitter A <a@example.com> %d +0000\ndata %d\n%s\n", 1700000000+i, len(message), message)
	}
	run(t, dir, nil, "init", "-q", "-b", "main")
	run(t, dir, stream.Bytes(), "fast-import", "--quiet")
	entries, err := git.Log(t.Context(), git.Runner{Dir: dir}, "main")
	if err != nil {
		t.Fatal(err)
	}
	var got []Record
	for _, e := range entries {
		record, _ := Parse(e)
		got = append(got, record)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func run(t *testing.T, dir string, stdin []byte, args ...string) {
	t.Helper()
	cmd := exec.Command("git", append([]string{"-C", dir}, args...)...)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1")
	cmd.Stdin = bytes.NewReader(stdin)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
}

func TestMessage(t *testing.T) {
	r := Record{
		Outcome: decision.Promote, Environment: spec.Environment{Dir: "shop", Name: "prod"}, Experiment: "e012345678", Candidate: "2.0.0",
		Engine: ByHand, Evidence: "looks good", Untested: []string{"Job/a", "Job/b"}, Promotion: "p1", Next: []string{"x", "y"},
	}
	want := `Promote the candidate of shop (prod)

    code

| a |

Assay-Outcome: promote
Assay-Environment: shop (prod)
Assay-Experiment: e012345678
Assay-Candidate: 2.0.0
Assay-Engine: by hand
Assay-Evidence: looks good
Assay-Untested: Job/a
Assay-Untested: Job/b
Assay-Promotion: p1
Assay-Next: x
Assay-Next: y
`
	if diff := cmp.Diff(want, r.Message(" ", "    code\n\n| a |\n\n")); diff != "" {
		t.Error(diff)
	}
	r.Evidence = strings.Repeat("é", maxEvidence)
	if got, _ := Parse(parsed(t, r.Message("x", ""))); len(got.Evidence) > maxEvidence || !strings.HasSuffix(got.Evidence, "é...") {
		t.Errorf("evidence of %d bytes", len(got.Evidence))
	}
}

// TestMessagesGiveNoOrders: what engines, plans and candidates say closes no issue,
// mentions nobody and skips no pipeline. People say what they want to.
func TestMessagesGiveNoOrders(t *testing.T) {
	const order = "fixes #12, closes acme/shop#3, cc @team [skip ci]"
	r := Record{
		Outcome: decision.Promote, Environment: spec.Environment{Dir: "prod"}, Candidate: order, Engine: order, Evidence: order,
		Untested: []string{order}, Next: []string{order},
	}
	message := r.Message(order, "see\n"+order)
	for _, part := range []string{"#12", "#3", "@team", "[skip"} {
		if strings.Contains(message, part) {
			t.Errorf("the message has %q:\n%s", part, message)
		}
	}
	r.Engine = ByHand
	if message := r.Message("Promote it", order); strings.Count(message, order) != 2 || strings.Count(message, "#12") != 2 {
		t.Errorf("the words of people are\n%s", message)
	}
}
