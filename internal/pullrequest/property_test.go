package pullrequest_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/engine/evidence"
	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/pullrequest"
)

// hostile is what forges make something of.
func hostile() []string {
	return []string{
		"`", "``", "```", "````````", "~~~", "\n", "\r", "\r\n", "\n\n", "|", `\|`, `\\|`, `\`, "\t", "    ", " ", "\x00", "\x1b", "\u202e", "\u2028", "\xff", "ü", "漢",
		"@everyone", "#12", "GH-1", "user@evil.example", "www.evil.example", "https://evil.example", "<https://evil.example>",
		"[x](https://evil.example)", "![x](https://evil.example)", "[x]: https://evil.example", "<script>", "</code>", "</summary>", "</details>", "<details>", "<!--", "-->", "&lt;", "&#64;",
		"# head", "\n# head\n", "\n===\n", "\n---\n", "\n***\n", "> ", "- [ ] ", "1. ", "**", "_", "~~", "$x$", "\n```\n", "\n</details>\n", "x", "word", "Assay-Outcome: reject\n",
	}
}

// mixed strings some of them together.
func mixed(r *rand.Rand, most int) string {
	var out strings.Builder
	parts := hostile()
	for range r.IntN(most + 1) {
		out.WriteString(parts[r.IntN(len(parts))])
	}
	return out.String()
}

// sealed is what no body may hold.
const sealed = "s3aled"

func randomDifference(r *rand.Rand, say func() string) object.Difference {
	side := func() *unstructured.Unstructured {
		data := map[string]any{}
		for range r.IntN(4) {
			data[say()] = strings.Repeat(say()+"\n", 1+r.IntN(40))
		}
		o := map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": say()}, "data": data}
		if r.IntN(3) == 0 {
			o["kind"] = "Secret"
			for key := range data {
				data[key] = sealed + say()
			}
			if r.IntN(4) == 0 {
				o["stringData"] = sealed
			}
		}
		return &unstructured.Unstructured{Object: o}
	}
	d := object.Difference{Before: side(), After: side()}
	switch r.IntN(4) {
	case 0:
		d.Before = nil
	case 1:
		d.After = nil
	}
	one := d.After
	if one == nil {
		one = d.Before
	}
	d.Key = object.KeyOf(one)
	return d
}

func randomBody(r *rand.Rand, say func() string) pullrequest.Body {
	outcomes := []decision.Outcome{decision.Promote, decision.Reject, decision.Revert, decision.Candidate, "other"}
	b := pullrequest.Body{
		Outcome: outcomes[r.IntN(len(outcomes))], Environment: say(), Candidate: say(), ID: say(), Engine: say(),
		Verdict: say(), Message: say(), Reason: say(), Proof: pullrequest.Proof{Laws: []int{2, 3, 4, 5, 9}, Commit: say(), Objects: r.IntN(1000)},
		Trailers: say(),
	}
	for range r.IntN(30) {
		yes := r.IntN(2) == 0
		b.Metrics = append(b.Metrics, evidence.Metric{Name: say(), Candidate: say(), Baseline: say(), Unit: say(), Limit: say(), Note: say(), Source: say(), Passed: &yes})
	}
	for range r.IntN(10) {
		b.Untested, b.Rewritten = append(b.Untested, say()), append(b.Rewritten, say())
		b.Files = append(b.Files, git.File{Path: say(), Before: []byte(say()), After: []byte(say())})
		b.Next = append(b.Next, pullrequest.Next{Environment: say(), State: say()})
		b.Links = append(b.Links, pullrequest.Link{Text: say(), URL: "https://argocd.example.com/" + say()}, pullrequest.Link{Text: say(), URL: "evil:" + say()})
	}
	for range r.IntN(12) {
		b.Differences = append(b.Differences, randomDifference(r, say))
	}
	return b
}

// TestHostileBodies builds bodies from what forges read, in any room.
func TestHostileBodies(t *testing.T) {
	for seed := range uint64(600) {
		r := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // a test must be repeatable
		b := randomBody(r, func() string { return mixed(r, 12) })
		if t.Run(fmt.Sprint(seed), func(t *testing.T) { holds(t, b, 500+r.IntN(20000)) }); t.Failed() {
			return
		}
	}
}

// holds checks one body in one room.
func holds(t *testing.T, b pullrequest.Body, limit int) {
	t.Helper()
	whole := pullrequest.Body{
		Outcome: b.Outcome, Environment: b.Environment, Candidate: b.Candidate, ID: b.ID, Engine: b.Engine,
		Verdict: b.Verdict, Message: b.Message, Reason: b.Reason, Untested: b.Untested, Trailers: b.Trailers,
	}
	never, err := whole.Markdown(1 << 30)
	if err != nil {
		t.Fatal(err)
	}
	got, err := b.Markdown(limit)
	if fits := len(never) <= limit; (err == nil) != fits {
		t.Fatalf("%d bytes are never cut, the limit is %d, and the error is %v", len(never), limit, err)
	}
	if err != nil {
		if got != "" || strings.ContainsAny(err.Error(), "\n\r\x00") {
			t.Errorf("%q with %q", got, err)
		}
		return
	}
	check(t, b, got, limit)
	head, rest, _ := strings.Cut(never, "\n### Ships untested")
	untested, _, _ := strings.Cut(rest, "\n```")
	if !strings.HasPrefix(got, strings.SplitAfter(head, "\n\n")[0]) || !strings.Contains(got, untested) {
		t.Errorf("the head, or what ships untested, is cut:\n%s", got)
	}
	if strings.Contains(got, sealed) {
		t.Errorf("a Secret shows:\n%s", got)
	}
}

// FuzzMarkdown puts one text in every place.
func FuzzMarkdown(f *testing.F) {
	for _, text := range hostile() {
		f.Add(text, 4000)
	}
	f.Add("a`b``c|d\\|e\n```\n</details>\n@x #1", 1500)
	f.Fuzz(func(t *testing.T, text string, limit int) {
		if len(text) > 2000 || limit < 0 || limit > 1<<20 {
			return
		}
		if strings.Contains(text, sealed) {
			return
		}
		r := rand.New(rand.NewPCG(uint64(len(text)), uint64(limit))) //nolint:gosec // as above
		holds(t, randomBody(r, func() string { return text }), limit)
	})
}

// TestLimits walks the limit down: bodies shrink, and say what is left out.
func TestLimits(t *testing.T) {
	b := body(t, concluded(t, "../engine/evidence/testdata/iter8.yaml"))
	long := parse(t, "{apiVersion: v1, kind: ConfigMap, metadata: {name: long}}")
	long.Object["data"] = map[string]any{"text": strings.Repeat("a line of some length\n", 200)}
	b.Differences = append(b.Differences, object.Difference{Key: object.KeyOf(long), After: long})
	for i := range 20 {
		o := parse(t, fmt.Sprintf("{apiVersion: v1, kind: ConfigMap, metadata: {name: short-%d}, data: {a: b}}", i))
		b.Differences = append(b.Differences, object.Difference{Key: object.KeyOf(o), After: o})
	}
	for _, tt := range []struct {
		limit     int
		has, lack []string
	}{
		{65536, []string{"short-19", "a line of some length"}, []string{"run `assay diff`"}},
		{9500, []string{"short-0", "short-19", "more lines: run `assay diff`."}, []string{"more object"}},
		{4000, []string{"### Metrics", "Deployment/shop/web", "more objects, ", "lines: run `assay diff`."}, []string{"short-19"}},
		{1000, []string{"Ships untested", "e123456789", "Assay-Outcome: promote", "And "}, []string{"<details>"}},
	} {
		got, err := b.Markdown(tt.limit)
		if err != nil {
			t.Fatal(err)
		}
		check(t, b, got, tt.limit)
		for _, text := range tt.has {
			if !strings.Contains(got, text) {
				t.Errorf("%d: %q is missing:\n%s", tt.limit, text, got)
			}
		}
		for _, text := range tt.lack {
			if strings.Contains(got, text) {
				t.Errorf("%d: %q is there:\n%s", tt.limit, text, got)
			}
		}
	}
	for limit := 500; limit < 12000; limit += 97 {
		holds(t, b, limit)
	}
}

// TestLinks leaves out what is not a place to go to, and credentials.
func TestLinks(t *testing.T) {
	for url, want := range map[string]string{
		"https://x.example/a?b=c&d=e#f":                     "<https://x.example/a?b=c&d=e#f>",
		"http://x.example":                                  "<http://x.example>",
		"https://user:hunter2@x.example/":                   "<https://x.example/>",
		"https://x.example/a b)<c>`|\\":                     "<https://x.example/a%20b%29%3Cc%3E%60%7C%5C>",
		"https://x.example/?a=1&copy;=2|\"'":                "<https://x.example/?a=1&copy%3B=2%7C%22%27>",
		"javascript:alert(1)":                               "",
		"/relative":                                         "",
		"https:///nowhere":                                  "",
		"https://x.example/\nhttps://y.example/":            "",
		"https://x.example/" + strings.Repeat("long", 1000): "",
	} {
		got, err := pullrequest.Body{Links: []pullrequest.Link{{Text: "a]b", URL: url}}}.Markdown(4000)
		if err != nil {
			t.Fatal(err)
		}
		if _, line, _ := strings.Cut(got, "### Links\n\n"); strings.TrimSpace(line) != strings.TrimSuffix("- [`a]b`]("+want+")", "- [`a]b`]()") {
			t.Errorf("%q: %q", url, line)
		}
	}
}

// TestSquashKeepsTrailers asks Git for the trailers of a message that is the body.
func TestSquashKeepsTrailers(t *testing.T) {
	b := body(t, concluded(t, "../engine/evidence/testdata/iter8.yaml"))
	got, err := b.Markdown(65536)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("git", "interpret-trailers", "--parse")
	cmd.Stdin = strings.NewReader("Deploy shop/prod (#7)\n\n" + got)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(out, []byte(b.Trailers)) {
		t.Errorf("Git reads %q of\n%s", out, got)
	}
}
