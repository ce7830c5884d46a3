package branch

import (
	"fmt"
	"math/rand"
	"strconv"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/promote"
	"github.com/assaydev/assay/test/envrepo"
)

// commitAt is commit, an hour after the last one for each.
func (s *site) commitAt(hour int, tree envrepo.Files) string {
	s.t.Helper()
	id := s.commit("main", tree)
	out, err := s.repo.GitIn([]string{fmt.Sprintf("GIT_COMMITTER_DATE=%d +0000", hourOf(hour).Unix())},
		"commit-tree", "-p", id+"^", "-m", "somebody's", id+"^{tree}")
	if err != nil {
		s.t.Fatal(err)
	}
	s.run("update-ref", "refs/heads/main", out)
	return out
}

func hourOf(n int) time.Time { return time.Unix(1_700_000_000+int64(n)*3600, 0) }

// underTestSince asks for what is under test at the tip, looking at n commits.
func (s *site) underTestSince(n int) time.Time {
	s.t.Helper()
	server := s.process()
	line, err := server.Repo.FirstParents(s.t.Context(), "main", n)
	if err != nil {
		s.t.Fatal(err)
	}
	defer line.Close()
	at, err := promote.UnderTestSince(s.t.Context(), line, s.tip("main"), s.digest(), server.View.In)
	if err != nil {
		s.t.Fatal(err)
	}
	return at
}

// based is an environment over a base beyond its directory, and one more by a link.
func based() envrepo.Files {
	return envrepo.Files{
		"base/web.yaml":               envrepo.Deployment("web"),
		"base/kustomization.yaml":     "resources: [web.yaml]\n",
		"parts/v1/part.yaml":          envrepo.Deployment("part"),
		"parts/v1/kustomization.yaml": "resources: [part.yaml]\n",
		"parts/v2/part.yaml":          envrepo.Deployment("part") + "  minReadySeconds: 5\n",
		"parts/v2/kustomization.yaml": "resources: [part.yaml]\n",
		"parts/current":               "-> v1",
		"prod/kustomization.yaml":     "resources: [../base, ../parts/current]\n",
		"prod/assay.yaml":             envrepo.Plan("queue: every"),
		"prod/experiment/check.yaml":  envrepo.CheckJob,
		"other/web.yaml":              "x",
		"prod/experiment/notes.text":  "x",
	}
}

func TestUnderTestSince(t *testing.T) {
	first, second := envrepo.Skip+envrepo.Marker("2.0.0"), envrepo.Skip+envrepo.Marker("3.0.0")
	both := first + "---\n" + strings.TrimPrefix(second, envrepo.Skip)
	edited := envrepo.Deployment("web") + "  minReadySeconds: 5\n"
	const marker = "prod/candidate.yaml"
	for name, c := range map[string]struct {
		commits []envrepo.Files
		want    int // which of them
	}{
		"set":                       {[]envrepo.Files{{marker: first}}, 0},
		"others commit":             {[]envrepo.Files{{marker: first}, {"other/web.yaml": "y"}, {"prod/experiment/notes.text": "y"}}, 0},
		"another waits":             {[]envrepo.Files{{marker: first}, {marker: both}, {"other/web.yaml": "y"}}, 0},
		"it is the next one's turn": {[]envrepo.Files{{marker: both}, {marker: second}, {"other/web.yaml": "y"}}, 1},
		"the baseline is edited":    {[]envrepo.Files{{marker: first}, {"base/web.yaml": edited}, {"other/web.yaml": "y"}}, 1},
		"the experiment is edited":  {[]envrepo.Files{{marker: first}, {"prod/experiment/check.yaml": strings.Replace(envrepo.CheckJob, "check:1", "check:2", 1)}}, 1},
		"away and back":             {[]envrepo.Files{{marker: first}, {marker: second}, {marker: first}, {"other/web.yaml": "y"}}, 2},
		"the baseline comes back":   {[]envrepo.Files{{marker: first}, {"base/web.yaml": edited}, {"base/web.yaml": envrepo.Deployment("web")}}, 2},
		"a link is turned":          {[]envrepo.Files{{marker: first}, {"parts/current": "-> v2"}, {"other/web.yaml": "y"}}, 1},
		"a link is turned and back": {[]envrepo.Files{{marker: first}, {"parts/current": "-> v2"}, {"parts/current": "-> v1"}, {"other/web.yaml": "y"}}, 2},
		"a link becomes a file":     {[]envrepo.Files{{marker: first}, {"parts/current": "v1"}, {"parts/current": "-> v1"}, {"other/web.yaml": "y"}}, 2},
		"what no link leads to":     {[]envrepo.Files{{marker: first}, {"parts/v2/part.yaml": "x"}}, 0},
		"broken between":            {[]envrepo.Files{{marker: first}, {"base/kustomization.yaml": "resources: [gone.yaml]\n"}, {"base/kustomization.yaml": "resources: [web.yaml]\n"}}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, "", based())
			for i, change := range c.commits {
				s.commitAt(i, change)
			}
			if at := s.underTestSince(100); !at.Equal(hourOf(c.want)) {
				t.Errorf("it began at %v, want %v", at, hourOf(c.want))
			}
			// Where the newest commits do not reach it, it is not known.
			if at := s.underTestSince(len(c.commits) - 1 - c.want); !at.IsZero() && len(c.commits)-1 > c.want {
				t.Errorf("without its commit it began at %v", at)
			}
		})
	}
}

// TestUnderTestSinceWithoutAFile: a value file may be there or not, and counts while it is.
func TestUnderTestSinceWithoutAFile(t *testing.T) {
	s := newSite(t, "", envrepo.Files{
		"prod/Chart.yaml":         "apiVersion: v2\nname: web\nversion: 1.0.0\n",
		"prod/templates/web.yaml": strings.Replace(envrepo.Deployment("web"), "shop/web:1.0.0", "shop/web:{{ .Values.tag }}", 1) + "  minReadySeconds: {{ .Values.ready }}\n",
		"prod/values.yaml":        "tag: 1.0.0\nready: 1\n",
		"prod/assay.yaml": envrepo.Plan("queue: every\n  helm: {releaseName: web, namespace: shop, kubeVersion: 1.31.0, valueFiles: [../shared/prod/values.yaml], ignoreMissingValueFiles: true, " +
			"imageValues: {example.com/shop/web: {tag: tag}}}"),
		"prod/experiment/check.yaml": envrepo.CheckJob,
	})
	shared := envrepo.Files{"shared/prod/values.yaml": "ready: 2\n"}
	s.commitAt(0, envrepo.Files{"prod/candidate.yaml": envrepo.Skip + envrepo.Marker("2.0.0")})
	s.commitAt(1, shared)
	there := s.id()
	s.commitAt(2, envrepo.Files{"other/web.yaml": "y"})
	if at := s.underTestSince(100); !at.Equal(hourOf(1)) {
		t.Errorf("with the file it began at %v", at)
	}
	s.commitAt(3, envrepo.Files{"shared/prod/values.yaml": ""})
	s.commitAt(4, envrepo.Files{"other/web.yaml": "z"})
	if s.id() == there {
		t.Fatal("the file makes no difference")
	}
	if at := s.underTestSince(100); !at.Equal(hourOf(3)) {
		t.Errorf("without the file it began at %v", at)
	}
}

// TestUnderTestSinceByEveryCommit compares with rendering every commit of the branch.
func TestUnderTestSinceByEveryCommit(t *testing.T) {
	rng := rand.New(rand.NewSource(1)) //nolint:gosec // a test repeats itself
	s := newSite(t, "", based())
	version := func() string { return strconv.Itoa(2+rng.Intn(2)) + ".0.0" }
	naive := func() (at time.Time) {
		id := s.id()
		for _, line := range strings.Split(s.run("log", "--first-parent", "--format=%H %ct", "main"), "\n") {
			commit, seconds, _ := strings.Cut(line, " ")
			if s.content(commit, "prod/candidate.yaml") == "" || s.rendered(commit, spec.Environment{Dir: "prod"}).ID != id {
				return at
			}
			n, _ := strconv.ParseInt(seconds, 10, 64)
			at = time.Unix(n, 0)
		}
		return at
	}
	for hour := range 20 {
		change := envrepo.Files{"other/web.yaml": strconv.Itoa(hour)}
		switch rng.Intn(6) {
		case 0, 1:
			change["prod/candidate.yaml"] = envrepo.Skip + envrepo.Marker(version()) + "# " + strconv.Itoa(hour) + "\n"
		case 2:
			change["base/web.yaml"] = envrepo.Deployment("web") + "  minReadySeconds: " + strconv.Itoa(rng.Intn(2)) + "\n"
		case 3:
			change["prod/experiment/notes.text"] = strconv.Itoa(hour)
		case 4:
			change["parts/current"] = "-> v" + strconv.Itoa(1+rng.Intn(2))
		}
		s.commitAt(hour, change)
		if s.content("main", "prod/candidate.yaml") == "" {
			continue
		}
		if got, want := s.underTestSince(100), naive(); !got.Equal(want) {
			t.Errorf("hour %d: it began at %v, want %v", hour, got, want)
		}
	}
}

// TestCanaryOfAnEarlierID: Flagger's object outlives the candidate, and still
// says what came of an earlier one.
func TestCanaryOfAnEarlierID(t *testing.T) {
	s := newSite(t, "", envrepo.Files{
		"prod/web.yaml":    envrepo.Deployment("web"),
		"prod/canary.yaml": "apiVersion: flagger.app/v1beta1\nkind: Canary\nmetadata: {name: web}\nspec: {targetRef: {apiVersion: apps/v1, kind: Deployment, name: web}, analysis: {interval: 30s}}\n",
		"prod/assay.yaml":  envrepo.Plan("candidate: {mode: inPlace}\n  targets: [{kind: Deployment, name: web}, {kind: Canary, name: web}]\n  experiment: {deadline: 999999h}\n  promotion: {method: push}"),
	})
	canary := func(hour int) []*unstructured.Unstructured {
		return []*unstructured.Unstructured{{Object: map[string]any{
			"apiVersion": "flagger.app/v1beta1", "kind": "Canary",
			"metadata": map[string]any{"name": "web", "creationTimestamp": "2020-01-01T00:00:00Z", "labels": map[string]any{"assay.dev/experiment": s.id()}, "annotations": map[string]any{"assay.dev/digest": string(s.digest())}},
			"spec":     map[string]any{"targetRef": map[string]any{"kind": "Deployment", "name": "web"}},
			"status": map[string]any{
				"phase": "Succeeded", "lastAppliedSpec": "a", "lastPromotedSpec": "a",
				"conditions": []any{map[string]any{"type": "Promoted", "status": "True", "reason": "Succeeded", "lastUpdateTime": hourOf(hour).UTC().Format(time.RFC3339)}},
			},
		}}}
	}
	s.commitAt(0, envrepo.Files{"prod/candidate.yaml": envrepo.Skip + envrepo.Marker("2.0.0")})
	s.commitAt(2, envrepo.Files{"prod/web.yaml": envrepo.Deployment("web") + "  minReadySeconds: 5\n"})
	if r := s.decide(promote.ByVerdict(promote.Saved(canary(1)), "")); r.Choice.Held != decision.Hold {
		t.Errorf("a verdict from before the baseline was edited: %+v", r.Choice)
	}
	if r := s.decide(promote.ByVerdict(promote.Saved(canary(3)), "")); r.Edit == nil || r.Outcome != decision.Promote {
		t.Errorf("a verdict from after it: %+v", r.Choice)
	}
}

// TestOrigin: a candidate's commit is the one that put it into the marker, under test or to
// wait, and is found after the marker is gone.
func TestOrigin(t *testing.T) {
	first, second := envrepo.Skip+envrepo.Marker("2.0.0"), envrepo.Skip+envrepo.Marker("3.0.0")
	both := first + "---\n" + strings.TrimPrefix(second, envrepo.Skip)
	const marker = "prod/candidate.yaml"
	for name, c := range map[string]struct {
		commits []envrepo.Files
		want    int // which of them; -1: none
	}{
		"set":             {[]envrepo.Files{{marker: first}}, 0},
		"others commit":   {[]envrepo.Files{{marker: first}, {"other/web.yaml": "y"}}, 0},
		"renamed":         {[]envrepo.Files{{marker: first}, {marker: strings.Replace(first, "name: ", "name: the-", 1)}}, 0},
		"another waits":   {[]envrepo.Files{{marker: first}, {marker: both}}, 0},
		"it waited":       {[]envrepo.Files{{marker: second}, {marker: strings.TrimSuffix(second, "\n") + "\n---\n" + strings.TrimPrefix(first, envrepo.Skip)}, {marker: first}}, 1},
		"it went away":    {[]envrepo.Files{{marker: first}, {marker: ""}, {"other/web.yaml": "y"}}, 0},
		"it came back":    {[]envrepo.Files{{marker: first}, {marker: ""}, {marker: first}}, 2},
		"a broken marker": {[]envrepo.Files{{marker: first}, {marker: "a: [\n"}, {marker: first}}, 2},
		"never there":     {[]envrepo.Files{{marker: second}, {"other/web.yaml": "y"}}, -1},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, "", based())
			var ids []string
			for hour, files := range c.commits {
				ids = append(ids, s.commitAt(hour, files))
			}
			candidates, err := spec.DecodeCandidates(marker, []byte(first))
			if err != nil {
				t.Fatal(err)
			}
			at, known, err := s.process().Origin(t.Context(), candidates[0])
			switch {
			case err != nil:
				t.Fatal(err)
			case c.want < 0 && known, c.want >= 0 && (!known || at.Commit != ids[c.want] || !at.Time.Equal(hourOf(c.want))):
				t.Errorf("it is %+v, %t, want %d of %q", at, known, c.want, ids)
			}
		})
	}
}
