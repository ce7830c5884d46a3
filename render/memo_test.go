package render_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaydev/assay/render"
	"github.com/assaydev/assay/test/envrepo"
)

// A memo gives what a render gives, of the same tree alone.
func TestMemo(t *testing.T) {
	req, err := envrepo.Request(envrepo.Shop().On(t), "prod")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = req.FS.Close() }()
	of := func(req render.Request) *render.Result {
		t.Helper()
		res, err := render.Environment(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		return res
	}
	want := of(req)
	req.Memo = new(render.Memo)
	first, again := of(req), of(req)
	for _, res := range []*render.Result{first, again} {
		if diff := cmp.Diff(want.Output(), res.Output()); diff != "" || res.Digest != want.Digest {
			t.Errorf("with a memo: %s, %s", res.Digest, diff)
		}
	}
	if first.Baseline[0] != again.Baseline[0] || first.Candidate[0] != again.Candidate[0] {
		t.Error("the same tree is rendered twice")
	}
	without := req
	without.FS = req.FS.With(map[string][]byte{"prod/candidate.yaml": nil})
	if of(without).Baseline[0] != first.Baseline[0] {
		t.Error("a tree less its marker is another than the baseline's")
	}
	other := req
	other.FS = without.FS.With(map[string][]byte{"prod/more.yaml": []byte("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: more}\n")})
	if got := len(of(other).Baseline); got != len(want.Baseline)+1 {
		t.Errorf("another tree has %d objects", got)
	}
	promoted := req
	promoted.FS = without.FS.With(first.Edited)
	if of(promoted).Baseline[0] != first.Candidate[0] {
		t.Error("what is promoted is rendered once more")
	}
}
