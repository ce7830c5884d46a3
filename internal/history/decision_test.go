package history

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/digest"
	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/internal/spec"
)

func TestEnvironmentNamesAreDistinct(t *testing.T) {
	seen := map[string]spec.Environment{}
	for _, dir := range []string{".", "", "prod", "prod (blue)", `"prod"`, `"prod" (blue)`, `"prod`, "a b", "a  b", "a\u202eb", "a\xffb", " a", "a ", "a\nb", "é", ")", "(", `a\b`} {
		for _, name := range []string{"", "blue"} {
			env := spec.Environment{Dir: dir, Name: name}
			text := env.String()
			if other, ok := seen[text]; ok {
				t.Errorf("%q names %q and %q", text, env, other)
			}
			seen[text] = env
			if got, err := spec.ParseEnvironment(text); err != nil || got != env {
				t.Errorf("%q is read as %q, %v", text, got, err)
			}
			if excerpt.Line(text) != text {
				t.Errorf("%q does not survive in a trailer", text)
			}
		}
	}
	if got := (spec.Environment{Dir: "shop/prod", Name: "blue"}).String(); got != "shop/prod (blue)" {
		t.Error(got)
	}
	for _, text := range []string{")", "a)", `"a`, `"a" b`} {
		if env, err := spec.ParseEnvironment(text); err == nil {
			t.Errorf("%q is read as %q", text, env)
		}
	}
}

func TestParse(t *testing.T) {
	for name, trailers := range map[string]map[string][]string{
		"nothing":          {},
		"no outcome":       {trailerEnvironment: {"prod"}},
		"no environment":   {trailerOutcome: {string(decision.Promote)}},
		"two outcomes":     {trailerOutcome: {string(decision.Promote), string(decision.Reject)}, trailerEnvironment: {"prod"}},
		"two environments": {trailerOutcome: {string(decision.Promote)}, trailerEnvironment: {"prod", "staging"}},
		"damaged":          {trailerOutcome: {string(decision.Promote)}, trailerEnvironment: {`"prod`}},
	} {
		if r, ok := Parse(git.Entry{Trailers: trailers}); ok {
			t.Errorf("%s: it tells %v", name, r)
		}
	}
	r, ok := Parse(git.Entry{Trailers: map[string][]string{trailerOutcome: {string(decision.Reject)}, trailerEnvironment: {"prod"}, trailerCandidate: {"a\x1b[31mb"}}})
	if want := (Record{Outcome: decision.Reject, Environment: spec.Environment{Dir: "prod"}, Candidate: "a [31mb"}); !ok || !cmp.Equal(r, want) {
		t.Errorf("read %v", r)
	}
}

// commits are a history, the newest first: one record each, nil for none.
func commits(records ...*Record) []git.Entry {
	var list []git.Entry
	for i, r := range records {
		e := git.Entry{ID: fmt.Sprintf("c%d", len(records)-i), Parents: []string{fmt.Sprintf("c%d", len(records)-i-1), "side"}, Time: time.Unix(int64(1000-i), 0), Subject: "subject", Trailers: map[string][]string{}}
		if r != nil {
			e.Trailers[trailerOutcome], e.Trailers[trailerEnvironment] = []string{string(r.Outcome)}, []string{r.Environment.String()}
			e.Trailers[trailerExperiment], e.Trailers[trailerReverts] = []string{r.Experiment}, []string{r.Reverts}
			e.Trailers[trailerDigest] = []string{string(r.Digest)}
		}
		list = append(list, e)
	}
	return list
}

var prod, staging = spec.Environment{Dir: "prod"}, spec.Environment{Dir: "staging"}

func told(list []Decision) (out []string) {
	for _, d := range list {
		out = append(out, d.Commit+" "+string(d.Outcome)+" "+d.Experiment)
	}
	return out
}

func TestOf(t *testing.T) {
	entries := commits(&Record{Outcome: decision.Reject, Environment: prod, Experiment: "e2"}, nil, &Record{Outcome: decision.Promote, Environment: staging, Experiment: "e3"},
		&Record{Outcome: decision.Promote, Environment: prod, Experiment: "e1"})
	got := Merge(entries, nil, prod)
	if diff := cmp.Diff([]string{"c4 reject e2", "c1 promote e1"}, told(got)); diff != "" {
		t.Error(diff)
	}
	if got[0].Time != entries[0].Time || got[0].Subject != "subject" || got[0].Parent != "c3" {
		t.Errorf("%+v", got[0])
	}
}

func TestMerge(t *testing.T) {
	entries := commits(nil, &Record{Outcome: decision.Reject, Environment: prod, Experiment: "e2"}, nil, nil)
	ref := func(commit string, r *Record) git.Entry {
		e := commits(r)[0]
		e.Trailers[trailerCommit] = []string{commit}
		return e
	}
	refs := []git.Entry{
		ref("c1", &Record{Outcome: decision.Promote, Environment: prod, Experiment: "e1"}),
		ref("c2", &Record{Outcome: decision.Promote, Environment: staging, Experiment: "e1"}),
		ref("c3", &Record{Outcome: decision.Promote, Environment: prod, Experiment: "e2"}), // the commit itself says otherwise
		ref("elsewhere", &Record{Outcome: decision.Reject, Environment: prod, Experiment: "e4"}),
		ref("c4", &Record{Outcome: decision.Reject, Environment: prod, Experiment: "e5"}),
	}
	got := Merge(entries, refs, prod)
	if diff := cmp.Diff([]string{"c4 reject e5", "c3 reject e2", "c1 promote e1"}, told(got)); diff != "" {
		t.Error(diff)
	}
	if got[0].Time != entries[0].Time {
		t.Errorf("the time is not the commit's: %v", got[0].Time)
	}
}

// TestMerged: a pull request's decision is that of the commit on the branch, in
// the place that this has, and once.
func TestMerged(t *testing.T) {
	entry := func(id, parents string, r *Record) git.Entry {
		e := git.Entry{ID: id, Parents: strings.Fields(parents), Trailers: map[string][]string{}}
		if r != nil {
			e = commits(r)[0]
			e.ID, e.Parents = id, strings.Fields(parents)
		}
		return e
	}
	promotion := &Record{Outcome: decision.Promote, Environment: prod, Experiment: "e1"}
	rejection := &Record{Outcome: decision.Reject, Environment: prod, Experiment: "e0"}
	for name, c := range map[string]struct {
		entries []git.Entry
		want    []string // commit, parent and head
	}{
		"merged later": {
			[]git.Entry{entry("m", "b head", nil), entry("b", "a", rejection), entry("head", "a", promotion), entry("a", "", nil)},
			[]string{"m b head promote", "b a  reject"},
		},
		"the merge says so too": {
			[]git.Entry{entry("t", "m", nil), entry("m", "a head", promotion), entry("head", "a", promotion), entry("a", "", nil)},
			[]string{"m a head promote"},
		},
		"the base was merged into it, and the merge says so": {
			[]git.Entry{entry("m", "b u", promotion), entry("u", "head b", nil), entry("b", "a", nil), entry("head", "a", promotion), entry("a", "", nil)},
			[]string{"m b head promote"},
		},
		"the base was merged into it": {
			[]git.Entry{entry("m", "b u", nil), entry("u", "head b", nil), entry("b", "a", nil), entry("head", "a", promotion), entry("a", "", nil)},
			[]string{"head a  promote"},
		},
		"on a branch that was merged with others": {
			[]git.Entry{entry("m", "a head other", nil), entry("head", "a", promotion), entry("a", "", nil)},
			[]string{"head a  promote"},
		},
		"the same again, by another commit": {
			[]git.Entry{entry("m", "b head", nil), entry("head", "b", promotion), entry("b", "a", promotion), entry("a", "", nil)},
			[]string{"m b head promote", "b a  promote"},
		},
		"merged into what was merged": {
			[]git.Entry{entry("n", "a m", nil), entry("m", "x head", nil), entry("head", "x", promotion), entry("x", "a", nil), entry("a", "", nil)},
			[]string{"head x  promote"},
		},
	} {
		var got []string
		for _, d := range Merge(c.entries, nil, prod) {
			got = append(got, d.Commit+" "+d.Parent+" "+d.Head+" "+string(d.Outcome))
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
	list := Merge([]git.Entry{
		entry("r", "m", &Record{Outcome: decision.Revert, Environment: prod, Experiment: "e1", Reverts: "head"}), entry("m", "a head", nil), entry("head", "a", promotion),
	}, nil, prod)
	if by, ok := list[1].Reverted(list); !ok || by.Commit != "r" {
		t.Error("a revert that names the head is not found")
	}
	for _, id := range []string{"m", "head"} {
		if d, ok, _ := Promotion(list, "", id); !ok || d.Commit != "m" {
			t.Errorf("%s names %+v", id, d)
		}
	}
}

func TestAll(t *testing.T) {
	entries := commits(nil, &Record{Outcome: decision.Reject, Environment: prod, Experiment: "e2"}, &Record{Outcome: decision.Promote, Environment: staging, Experiment: "e1"})
	var refs []git.Entry
	for _, env := range []spec.Environment{prod, staging} { // one commit on the branch, about two environments
		e := commits(&Record{Outcome: decision.Promote, Environment: env, Experiment: "e3"})[0]
		e.Trailers[trailerCommit] = []string{"c3"}
		refs = append(refs, e)
	}
	all := All(entries, refs)
	if diff := cmp.Diff([]string{"c3 promote e3", "c2 reject e2"}, told(all[prod])); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"c3 promote e3", "c1 promote e1"}, told(all[staging])); diff != "" || len(all) != 2 {
		t.Error(diff)
	}
}

func TestRef(t *testing.T) {
	r := Record{Outcome: decision.Reject, Environment: prod, Experiment: "e012345678", Digest: digest.Of([]byte("a")), Engine: "Job"}
	names := map[string]bool{}
	for _, branch := range []string{"main", "next"} {
		for _, env := range []spec.Environment{prod, staging, {Dir: "prod", Name: "blue"}} {
			name, err := Ref(branch, env, r.Digest)
			if err != nil {
				t.Fatal(err)
			}
			names[name] = true
			if _, digits, _ := strings.Cut(string(r.Digest), ":"); !strings.HasSuffix(name, digits) || strings.Contains(name, ":") {
				t.Errorf("%s does not end in %s", name, r.Digest)
			}
		}
	}
	if len(names) != 6 {
		t.Errorf("six outcomes have %d names", len(names))
	}
	if name, err := Ref("main", prod, ""); err == nil {
		t.Errorf("an outcome is called %s", name)
	}
	e := parsed(t, r.RefMessage("", "c1"))
	if got, ok := Parse(e); !ok || !cmp.Equal(got, r) || About(e) != "c1" {
		t.Errorf("%v of %s", got, About(e))
	}
}

func TestRecall(t *testing.T) {
	list := Merge(commits(
		&Record{Outcome: decision.Candidate, Environment: prod, Experiment: "e3", Digest: digestOf("e3")},
		&Record{Outcome: decision.Promote, Environment: prod, Experiment: "e2", Digest: digestOf("e2")},
		&Record{Outcome: decision.Revert, Environment: prod, Experiment: "e1", Digest: digestOf("e1"), Reverts: "c2"},
		&Record{Outcome: decision.Reject, Environment: prod, Experiment: "e2", Digest: digestOf("e2")},
		&Record{Outcome: decision.Reject, Environment: prod, Experiment: "e3", Digest: digestOf("e3")},
		&Record{Outcome: decision.Promote, Environment: prod, Experiment: "e1", Digest: digestOf("e1")},
		&Record{Outcome: decision.Reject, Environment: prod},
	), nil, prod)
	for id, want := range map[string]string{"e1": "c5", "e2": "", "e3": "c3", "e4": "", "": ""} {
		if d, ok := Recall(list, digestOf(id)); ok != (want != "") || d.Commit != want {
			t.Errorf("%q: %q", id, d.Commit)
		}
	}
	if d, ok := list[5].Reverted(list); !ok || d.Commit != "c5" {
		t.Errorf("the promotion of e1 was reverted by %q", d.Commit)
	}
	if d, ok := list[1].Reverted(list); ok {
		t.Errorf("the promotion of e2 was reverted by %q", d.Commit)
	}
}

func TestPromotion(t *testing.T) {
	list := Merge(commits(
		&Record{Outcome: decision.Revert, Environment: prod, Experiment: "e1", Digest: digestOf("e1"), Reverts: "c2"},
		&Record{Outcome: decision.Reject, Environment: prod, Experiment: "e3", Digest: digestOf("e3")},
		&Record{Outcome: decision.Promote, Environment: prod, Experiment: "e2", Digest: digestOf("e2")},
		&Record{Outcome: decision.Promote, Environment: prod, Experiment: "e1", Digest: digestOf("e1")},
		&Record{Outcome: decision.Promote, Environment: prod, Experiment: "e1", Digest: digestOf("e1")},
	), nil, prod)
	one, two, three := digest.Selector(digestOf("e1")), digest.Selector(digestOf("e2")), digest.Selector(digestOf("e3"))
	for _, c := range []struct {
		experiment   digest.Selector
		commit, want string
	}{
		{"", "", "c3"}, {one, "", "c2"}, {one[:35], "", "c2"}, {digest.Selector(digestOf("e1").ID()), "", "c2"}, {"", "c1", "c1"}, {one, "c1", "c1"}, {two, "c1", ""}, {three, "", ""}, {"", "c4", ""},
	} {
		if d, ok, err := Promotion(list, c.experiment, c.commit); err != nil || ok != (c.want != "") || d.Commit != c.want {
			t.Errorf("%+v: %q, %v", c, d.Commit, err)
		}
	}
}

// digestOf is the digest of an experiment that tests call by a short name.
func digestOf(name string) digest.Digest {
	if name == "" {
		return ""
	}
	return digest.Of([]byte(name))
}

// TestNineDigitsAreNotAnExperiment: what was decided about an experiment says
// nothing of another one that has its ID, and people must say which they mean.
func TestNineDigitsAreNotAnExperiment(t *testing.T) {
	a := digestOf("e1")
	b := a[:len(a)-1] + "0"
	if b == a {
		b = a[:len(a)-1] + "1"
	}
	record := func(outcome decision.Outcome, d digest.Digest) *Record {
		return &Record{Outcome: outcome, Environment: prod, Experiment: a.ID(), Digest: d}
	}
	list := Merge(commits(record(decision.Promote, b), record(decision.Reject, a), record(decision.Promote, a), record(decision.Reject, "")), nil, prod)
	if d, ok := Recall(list, a); !ok || d.Commit != "c3" {
		t.Errorf("the rejection of %s is %q", a, d.Commit)
	}
	if d, ok := Recall(list, b); ok {
		t.Errorf("%s is rejected in %q", b, d.Commit)
	}
	id := digest.Selector(a.ID())
	for _, err := range []error{second(Last(list, id)), second(Promotion(list, id, ""))} {
		if err == nil || !strings.Contains(err.Error(), string(a)) || !strings.Contains(err.Error(), string(b)) {
			t.Errorf("the error is %v", err)
		}
	}
	if d, ok, err := Last(list, digest.Selector(a)); !ok || err != nil || d.Commit != "c3" {
		t.Errorf("%q, %v", d.Commit, err)
	}
	if d, ok, err := Promotion(list, digest.Selector(b), ""); !ok || err != nil || d.Commit != "c4" {
		t.Errorf("%q, %v", d.Commit, err)
	}
	// Format 1 knew no digests: such an experiment starts again.
	if d, ok := Recall(Merge(commits(record(decision.Reject, "")), nil, prod), a); ok {
		t.Errorf("%q was rejected by %+v", a, d)
	}
}

func second(_ Decision, _ bool, err error) error { return err }

func TestPromotionID(t *testing.T) {
	c := spec.Candidate{Metadata: spec.Metadata{Name: "2.0.0"}, Spec: spec.CandidateSpec{Change: spec.Change{Diff: "x"}}}
	id := func(env spec.Environment, experiment digest.Digest, c spec.Candidate) string {
		id, err := PromotionID(env, experiment, c)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	first := id(prod, "e1", c)
	other := c
	other.Metadata.Name = "renamed"
	if again := id(prod, "e1", other); again != first || len(first) != 17 {
		t.Errorf("%s and %s", first, again)
	}
	other.Spec.Diff = "y"
	for what, got := range map[string]string{"environment": id(staging, "e1", c), "experiment": id(prod, "e2", c), "change": id(prod, "e1", other)} {
		if got == first {
			t.Errorf("another %s has the same ID", what)
		}
	}
}
