package promote

import (
	"errors"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/test/envrepo"
)

// promotion promotes for real in dir, and tells of it as a commit would.
func promotion(t *testing.T, dir, env string) Promotion {
	t.Helper()
	before := envrepo.Read(t, os.DirFS(dir))
	e := decided(t, dir, env, decision.Promote)
	return promotionOf(t, before, envrepo.Read(t, os.DirFS(dir)), e.Candidate.Metadata.Name)
}

func promotionOf(t *testing.T, before, after envrepo.Files, candidate string) Promotion {
	t.Helper()
	p := Promotion{Commit: "0123456789abcdef", ID: "e012345678", Candidate: candidate}
	for _, side := range []struct {
		files envrepo.Files
		fsys  **envfs.FS
	}{{before, &p.Before}, {after, &p.After}} {
		var err error
		if *side.fsys, err = envfs.OpenDir(side.files.On(t), envfs.Limits{}); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = (*side.fsys).Close() })
	}
	names := before.With(after)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		was, had := before[name]
		if is, has := after[name]; had != has || was != is {
			p.Changed = append(p.Changed, name)
		}
	}
	return p
}

func reverted(t *testing.T, dir, env string, p Promotion) *Edit {
	t.Helper()
	e, err := PrepareRevert(t.Context(), mustRequest(t, dir, env), p)
	if err != nil {
		t.Fatal(err)
	}
	apply(t, dir, e)
	return e
}

// TestRevertUndoesAPromotion holds revert(promote(T)) = T, byte for byte, but
// for the marker; and a second revert is nothing to do.
func TestRevertUndoesAPromotion(t *testing.T) {
	for _, r := range repos(t) {
		t.Run(r.name, func(t *testing.T) {
			dir := r.files.On(t)
			before := mustRender(t, dir, r.env)
			p := promotion(t, dir, r.env)
			promoted := mustRender(t, dir, r.env)
			e := reverted(t, dir, r.env, p)
			want := maps.Clone(r.files)
			delete(want, r.env+"/candidate.yaml")
			envrepo.Same(t, "the files", want, envrepo.Read(t, os.DirFS(dir)))
			envrepo.SameObjects(t, "what renders", before.Baseline, mustRender(t, dir, r.env).Baseline)
			if e.Outcome != decision.Revert || e.ID != p.ID || e.Reverts != p.Commit || len(e.Warnings) > 0 {
				t.Errorf("%+v", e)
			}
			if _, err := PrepareRevert(t.Context(), mustRequest(t, dir, r.env), p); !errors.Is(err, ErrReverted) {
				t.Errorf("once more: %v", err)
			}
			// What is tested again and promoted again is what it was.
			envrepo.Put(t, dir, r.env+"/candidate.yaml", r.files[r.env+"/candidate.yaml"])
			decided(t, dir, r.env, decision.Promote)
			envrepo.SameObjects(t, "promoted again", promoted.Baseline, mustRender(t, dir, r.env).Baseline)
		})
	}
}

// twoStages is a flat environment with a candidate, and another environment that a
// promotion puts it under test in.
func twoStages() envrepo.Files {
	web := envrepo.Deployment("web")
	return envrepo.Files{
		"prod/web.yaml": "# ours\n" + web + "        args: [serve]\n", "prod/cart.yaml": envrepo.Deployment("cart"),
		"prod/assay.yaml":     envrepo.Plan("promotion: {to: [{path: ../staging}]}"),
		"prod/candidate.yaml": envrepo.Skip + envrepo.Marker("2.0.0"),
		"staging/web.yaml":    web,
	}
}

// TestRevertKeepsLaterEdits undoes the promotion's lines alone.
func TestRevertKeepsLaterEdits(t *testing.T) {
	dir := twoStages().On(t)
	p := promotion(t, dir, "prod")
	edit := func(name, old, text string) {
		data := envrepo.Read(t, os.DirFS(dir))[name]
		if !strings.Contains(data, old) {
			t.Fatalf("%s does not hold %q", name, old)
		}
		envrepo.Put(t, dir, name, strings.Replace(data, old, text, 1))
	}
	edit("prod/web.yaml", "args: [serve]", "args: [serve, --fast]")
	edit("prod/web.yaml", "# ours\n", "# ours, and theirs\n")
	envrepo.Put(t, dir, "prod/more.yaml", envrepo.Deployment("more"))
	e := reverted(t, dir, "prod", p)

	want := twoStages()
	delete(want, "prod/candidate.yaml")
	want["prod/web.yaml"] = strings.NewReplacer("[serve]", "[serve, --fast]", "# ours\n", "# ours, and theirs\n").Replace(want["prod/web.yaml"])
	want["prod/more.yaml"] = envrepo.Deployment("more")
	want["staging/candidate.yaml"] = envrepo.Read(t, os.DirFS(dir))["staging/candidate.yaml"]
	envrepo.Same(t, "the files", want, envrepo.Read(t, os.DirFS(dir)))
	if len(e.Warnings) != 1 || !strings.HasPrefix(e.Warnings[0], "staging/candidate.yaml, which the promotion wrote, stays") {
		t.Errorf("warnings %q", e.Warnings)
	}
}

func TestRevertRefuses(t *testing.T) {
	for _, c := range []struct {
		name string
		edit func(envrepo.Files)
		want string
	}{
		{"a candidate under test", func(f envrepo.Files) { f["prod/candidate.yaml"] = envrepo.Skip + envrepo.Marker("3.0.0") }, "prod/candidate.yaml: candidate 3.0.0 is tested against what is to be reverted: reject or promote it first"},
		{"a marker that cannot be read", func(f envrepo.Files) {
			f["prod/candidate.yaml"] = envrepo.Skip + envrepo.MarkerHead("3.0.0") + "  imags: []\n"
		}, "prod/candidate.yaml"},
		{"a line edited since", func(f envrepo.Files) { f["prod/web.yaml"] = strings.Replace(f["prod/web.yaml"], "2.0.0", "2.0.1", 1) }, "prod/web.yaml: its lines have been edited since, so that the promotion of candidate 2.0.0 in commit 0123456789ab cannot"},
		{"a file removed since", func(f envrepo.Files) { delete(f, "prod/cart.yaml") }, "prod/cart.yaml: it has been added or removed since"},
		{"files that do not render", func(f envrepo.Files) {
			f["prod/broken.yaml"] = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: [}\n"
		}, "prod/broken.yaml"},
		{"a change that the text does not show", func(f envrepo.Files) {
			f["prod/other.yaml"] = f["prod/web.yaml"]
			f["prod/web.yaml"] = "# moved to other.yaml\n" + strings.Repeat("#\n", strings.Count(f["prod/web.yaml"], "\n"))
		}, "its lines have been edited since"},
	} {
		dir := twoStages().On(t)
		p := promotion(t, dir, "prod")
		now := envrepo.Read(t, os.DirFS(dir))
		c.edit(now)
		dir = now.On(t)
		_, err := PrepareRevert(t.Context(), mustRequest(t, dir, "prod"), p)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
		envrepo.Same(t, c.name, now, envrepo.Read(t, os.DirFS(dir)))
	}
}

// TestRevertIsProven gives PrepareRevert commits that did more than promote.
func TestRevertIsProven(t *testing.T) {
	base := envrepo.Files{
		"base/kustomization.yaml": "resources: [web.yaml]\n", "base/web.yaml": envrepo.Deployment("web"),
		"prod/kustomization.yaml": "resources: [../base]\nimages:\n- name: example.com/shop/web\n  newTag: 1.0.0\n",
	}
	promoted := base.With(envrepo.Files{
		"base/web.yaml":           strings.Replace(base["base/web.yaml"], "  selector:", "  replicas: 3\n  selector:", 1),
		"prod/kustomization.yaml": strings.Replace(base["prod/kustomization.yaml"], "1.0.0", "2.0.0", 1),
	})
	dir := promoted.On(t)
	_, err := PrepareRevert(t.Context(), mustRequest(t, dir, "prod"), promotionOf(t, base, promoted, "2.0.0"))
	var law *LawError
	if !errors.As(err, &law) || len(law.Differences) != 1 || !strings.Contains(err.Error(), "commit 0123456789ab changed files outside the environment too, such as base/web.yaml") {
		t.Errorf("a base changed in the same commit: %v", err)
	}

	// Another file says otherwise by now: what is restored no longer counts.
	now := promoted.With(envrepo.Files{"prod/kustomization.yaml": promoted["prod/kustomization.yaml"] + "patches:\n- patch: |-\n    - {op: replace, path: /spec/template/spec/containers/0/image, value: example.com/other:9}\n  target: {kind: Deployment}\n"})
	before := promoted.With(envrepo.Files{"prod/kustomization.yaml": base["prod/kustomization.yaml"]})
	dir = now.On(t)
	e, err := PrepareRevert(t.Context(), mustRequest(t, dir, "prod"), promotionOf(t, before, promoted, "2.0.0"))
	if err == nil && (len(e.Warnings) != 1 || !strings.Contains(e.Warnings[0], "Deployment/web has been changed otherwise since the promotion")) {
		t.Errorf("warnings %q", e.Warnings)
	}
	if err != nil {
		t.Error(err)
	}
}

// TestRevertLeavesWhatIsNotRendered: a commit that promotes may have changed more, so
// that a revert would bring back what nobody looks at.
func TestRevertLeavesWhatIsNotRendered(t *testing.T) {
	before := twoStages().With(envrepo.Files{"prod/deploy.sh": "evil\n", "prod/next/web.yaml": envrepo.Deployment("next"), "prod/assay.yaml": envrepo.Plan("queue: latest")})
	after := before.With(envrepo.Files{
		"prod/web.yaml": strings.Replace(before["prod/web.yaml"], "1.0.0", "2.0.0", 1), "prod/deploy.sh": "good\n", "prod/next/web.yaml": envrepo.Deployment("other"),
		"prod/assay.yaml": envrepo.Plan("queue: every"),
	})
	delete(after, "prod/candidate.yaml")
	dir := after.On(t)
	e, err := PrepareRevert(t.Context(), mustRequest(t, dir, "prod"), promotionOf(t, before, after, "2.0.0"))
	if err != nil {
		t.Fatal(err)
	}
	if len(e.Files) != 1 || e.Files[0].Path != "prod/web.yaml" {
		t.Errorf("it edits %+v", e.Files)
	}
	if len(e.Warnings) != 3 || !strings.Contains(e.Warnings[1], "prod/deploy.sh, which commit 0123456789ab changed too, stays") {
		t.Errorf("warnings %q", e.Warnings)
	}
}

func TestRevertOfAddedAndRemovedFiles(t *testing.T) {
	before := twoStages()
	delete(before, "prod/candidate.yaml")
	after := before.With(envrepo.Files{"prod/new.yaml": envrepo.Deployment("new")})
	delete(after, "prod/cart.yaml")
	dir := after.On(t)
	reverted(t, dir, "prod", promotionOf(t, before, after, "2.0.0"))
	envrepo.Same(t, "the files", before, envrepo.Read(t, os.DirFS(dir)))
}

func TestRevertRefusesALink(t *testing.T) {
	before := twoStages()
	after := before.With(envrepo.Files{"prod/web.yaml": strings.Replace(before["prod/web.yaml"], "1.0.0", "2.0.0", 1)})
	delete(after, "prod/candidate.yaml")
	dir := after.On(t)
	for _, step := range []error{os.Rename(dir+"/prod/web.yaml", dir+"/web.yaml"), os.Symlink("../web.yaml", dir+"/prod/web.yaml")} {
		if step != nil {
			t.Fatal(step)
		}
	}
	_, err := PrepareRevert(t.Context(), mustRequest(t, dir, "prod"), promotionOf(t, before, after, "2.0.0"))
	if err == nil || !strings.Contains(err.Error(), "prod/web.yaml: it is reached through a link") {
		t.Errorf("%v", err)
	}
}
