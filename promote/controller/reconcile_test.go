package controller

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/assaydev/assay/internal/application"
	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/engine"
	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/object/drift"
	"github.com/assaydev/assay/internal/reposecret"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/promote"
	"github.com/assaydev/assay/promote/branch"
	"github.com/assaydev/assay/promote/controller/fleet"
	"github.com/assaydev/assay/render"
	"github.com/assaydev/assay/test/envrepo"
	"github.com/assaydev/assay/test/gitserver"
)

// world is a promoter with a real repository, and a cluster that is a list.
type world struct {
	*promoter
	t    *testing.T
	repo *gitserver.Repo

	applications []application.Deployed
	objects      []*unstructured.Unstructured
	listing      error                 // instead of objects
	at           func(*fleet.Location) // changes where it is deployed
	login        reposecret.Settings
	settled      map[string]string // in Argo CD's own settings
	reports      []string
	events       map[string]string // the titles by their names
	annotation   any               // of the last Application
	ended        []string
	tested       []string // IDs
}

func newWorld(t *testing.T, tree envrepo.Files) *world {
	t.Helper()
	var files []gitserver.File
	for _, name := range slices.Sorted(maps.Keys(tree)) {
		files = append(files, gitserver.Files(map[string]string{name: tree[name]})...)
	}
	_, repo := gitserver.Serve(t, files...)
	w := &world{t: t, repo: repo, events: map[string]string{}}
	w.promoter = &promoter{
		opt: Options{
			Namespace: "argocd", Log: slog.New(slog.DiscardHandler),
			Branch: branch.Options{Commits: 100, Process: git.Process{Env: []string{"PATH=/usr/bin:/bin"}, TempDir: t.TempDir()}},
			View:   viewOf,
		},
		apps: func(context.Context, ...Key) ([]application.Deployed, error) { return w.applications, nil },
		project: func(context.Context, string) (application.Project, error) {
			return application.Project{Repos: []string{"*"}, Destinations: []application.Destination{{Server: "*", Namespace: "*"}}, Namespaces: []string{"team"}}, nil
		},
		settings: func(context.Context) (reposecret.Settings, error) { return w.login, nil },
		ignored:  func(context.Context) ([]drift.Ignore, error) { return application.ReadIgnored(w.settled) },
		locate:   w.location,
		tell: func(_ context.Context, app application.Deployed, n news) {
			if n.outcome.Outcome != "" {
				w.reports = append(w.reports, app.Name.Name+" "+n.outcome.title()+": "+n.outcome.Reason)
			}
			if n.event {
				w.events[n.eventName(app)] = n.outcome.title()
			}
			if n.write {
				w.annotation = annotation(n.all)
			}
		},
		end: func(_ context.Context, app application.Deployed) error {
			w.ended = append(w.ended, app.Name.Name)
			return nil
		},
		tests: func(_ Key, _ []site, res *render.Result) { w.tested = append(w.tested, res.ID) },
		gone:  func(Key) {},
		told:  &told{}, lives: &lives{}, metrics: newMetrics(),
	}
	w.app("shop", "")
	return w
}

// viewOf is how an environment is read.
func viewOf(p application.Place) (promote.View, error) {
	return promote.View{Request: render.Request{Environment: spec.Environment{Dir: p.Path}, AppName: p.Name, Namespace: p.Namespace}}, nil
}

// clock sets that of the cluster.
func (w *world) clock(now func() time.Time) { w.at = func(l *fleet.Location) { l.Now = now } }

// list is what the API server answers: those of the kind, in the namespace, with the labels.
func (w *world) list(_ context.Context, kind schema.GroupVersionKind, namespace, selector string) ([]*unstructured.Unstructured, error) {
	match, err := labels.Parse(selector)
	if err != nil || w.listing != nil {
		return nil, errors.Join(err, w.listing)
	}
	var out []*unstructured.Unstructured
	for _, o := range w.objects {
		if o.GroupVersionKind() == kind && o.GetNamespace() == namespace && match.Matches(labels.Set(o.GetLabels())) {
			out = append(out, o)
		}
	}
	return out, nil
}

// location is Argo CD's own cluster, and no other.
func (w *world) location(to application.Target) fleet.Location {
	if to != (application.Target{}) {
		return fleet.Location{Cluster: application.Cluster{Target: to, Missing: true}, Err: errors.New("it deploys to the cluster " + to.String() + ", which is not known")}
	}
	at := fleet.Location{
		Cluster: application.Cluster{Target: application.Target{Server: application.InCluster, Name: application.InClusterName}},
		List:    w.list,
	}
	if w.at != nil {
		w.at(&at)
	}
	return at
}

// app adds an Application of the environment.
func (w *world) app(name, revision string) *application.Deployed {
	w.applications = append(w.applications, application.Deployed{
		Name:   application.Name{Namespace: "argocd", Name: name},
		Places: []application.Place{{RepoURL: w.repo.Dir, Path: "prod", Revision: revision, Name: name, Namespace: "web"}},
	})
	return &w.applications[len(w.applications)-1]
}

// key is that of the first Application.
func (w *world) key() Key {
	w.t.Helper()
	list, problems := w.sites(w.applications[0])
	if len(list) != 1 || len(problems) > 0 {
		w.t.Fatalf("sites %v, %v", list, problems)
	}
	return list[0].key
}

// judge has the Job of the experiment at the tip, which every Application manages.
func (w *world) judge(condition string) {
	w.t.Helper()
	res := w.render()
	w.objects = envrepo.Concluded(res.Digest, condition)
	w.objects[0].SetNamespace("web")
	if condition == "Suspended" {
		w.objects[0].SetCreationTimestamp(metav1.Now())
	}
	for _, o := range res.Variant {
		o.SetNamespace("web")
		w.objects = append(w.objects, o)
	}
	for i := range w.applications {
		w.applications[i].Manages = []object.Key{object.KeyOf(w.objects[0])}
	}
}

func (w *world) render() *render.Result {
	w.t.Helper()
	dir := w.t.TempDir()
	if _, err := w.repo.Git("worktree", "add", "--detach", dir+"/tree", "main"); err != nil {
		w.t.Fatal(err)
	}
	req, err := envrepo.Request(dir+"/tree", "prod")
	if err != nil {
		w.t.Fatal(err)
	}
	res, err := render.Environment(w.t.Context(), req)
	if err != nil {
		w.t.Fatal(err)
	}
	return res
}

func (w *world) conclude() time.Duration {
	w.t.Helper()
	again, err := w.promoter.conclude(w.t.Context(), w.key())
	if err != nil {
		w.t.Fatal(err)
	}
	return again
}

func (w *world) tip() string {
	w.t.Helper()
	tip, err := w.repo.Tip("main")
	if err != nil {
		w.t.Fatal(err)
	}
	return tip
}

func (w *world) file(name string) string {
	w.t.Helper()
	text, err := w.repo.Git("show", "main:"+name)
	if err != nil {
		return ""
	}
	return text
}

// said reports whether the reports are these, each by its beginning.
func (w *world) said(want ...string) {
	w.t.Helper()
	ok := len(want) == len(w.reports)
	for i := range want {
		ok = ok && strings.HasPrefix(w.reports[i], want[i])
	}
	if !ok {
		w.t.Errorf("told %q, want %q", w.reports, want)
	}
	w.reports = nil
}

func push() envrepo.Files { return envrepo.Prod("method: push") }

func TestPromotes(t *testing.T) {
	w := newWorld(t, push())
	w.judge("Complete")
	if again := w.conclude(); again != 0 {
		t.Errorf("it looks again after %s", again)
	}
	w.said("shop Promoted: ")
	if !strings.Contains(w.file("prod/web.yaml"), "web:2.0.0") || w.file("prod/candidate.yaml") != "" {
		t.Errorf("main has %s", w.file("prod/web.yaml"))
	}
	tip := w.tip()
	w.conclude()
	w.said()
	if w.tip() != tip {
		t.Error("the same verdict again made a commit")
	}
}

func TestRejects(t *testing.T) {
	w := newWorld(t, push())
	w.judge("Failed")
	w.conclude()
	w.said("shop Rejected: ")
	if !strings.Contains(w.file("prod/web.yaml"), "web:1.0.0") || w.file("prod/candidate.yaml") != "" {
		t.Errorf("main has %s", w.file("prod/web.yaml"))
	}
}

// TestWaits: a hold is told once, and looked at again when it expires.
func TestWaits(t *testing.T) {
	w := newWorld(t, push())
	w.judge("Suspended")
	for range 2 {
		if again := w.conclude(); again <= 0 || again > holdEvery+holdEvery/5 {
			t.Errorf("it looks again after %s", again)
		}
	}
	w.said("shop Held: ")
	w.at = func(l *fleet.Location) { l.Sees = func() bool { return true } }
	if again := w.conclude(); again < 59*time.Minute || again > 61*time.Minute {
		t.Errorf("where all changes are told it looks again after %s", again)
	}
	w.objects[0].SetCreationTimestamp(metav1.NewTime(time.Now().Add(-59*time.Minute - 50*time.Second)))
	if again := w.conclude(); again <= 0 || again > 15*time.Second {
		t.Errorf("at 10 s before the deadline it looks again after %s", again)
	}
	if len(w.tested) != 4 || w.tested[0] == "" {
		t.Errorf("it tests %q", w.tested)
	}
}

// TestMovesNothing is every reason for which a good verdict concludes nothing.
func TestMovesNothing(t *testing.T) {
	for name, test := range map[string]struct {
		tree envrepo.Files
		with func(w *world)
		told string
	}{
		"a tag": {push(), func(w *world) {
			mustGit(w, "tag", "v1", "main")
			w.applications[0].Places[0].Revision = "v1"
		}, "targetRevision v1 is a tag, and a promotion is a commit on a branch"},
		"a branch and a tag": {push(), func(w *world) {
			mustGit(w, "tag", "main", "main")
			w.applications[0].Places[0].Revision = "main"
		}, "targetRevision main is a branch and a tag"},
		"a commit":            {push(), func(w *world) { w.applications[0].Places[0].Revision = w.tip() }, "is not a branch of the repository"},
		"a range of versions": {push(), func(w *world) { w.applications[0].Places[0].Revision = "1.*" }, "targetRevision 1.* is not a branch"},
		"a project of others": {push(), func(w *world) {
			w.app("other", "").Name.Namespace = "tenant"
			w.applications[0].Places[0].Target.Name = "far"
		}, "it deploys to the cluster far"},
		"a rollback":                {push(), func(w *world) { w.applications[0].RolledBack = "abc" }, "people rolled it back to abc"},
		"a paused plan":             {envrepo.Prod("method: push, paused: true"), func(*world) {}, "the plan is paused"},
		"another cluster":           {push(), func(w *world) { w.applications[0].Places[0].Target.Name = "far" }, "it deploys to the cluster far"},
		"another project's cluster": {push(), func(w *world) { w.at = func(l *fleet.Location) { l.Scope = "team" } }, "whose Secret is for Applications of the project team"},
		"a thousand sources":        {push(), func(w *world) { w.applications[0].Excess = errors.New("1000 of its sources use the plugin") }, "1000 of its sources use the plugin"},
		"no namespace":              {push(), func(w *world) { w.applications[0].Places[0].Namespace = "" }, "it names no namespace in spec.destination"},
		"what is not synced":        {push(), func(w *world) { w.applications[0].Manages = nil }, "has not been synced by Argo CD yet: Job"},
		"an object that went away":  {push(), func(w *world) { w.objects = nil }, "the cluster has no object of it yet"},
		"a label that went away":    {push(), func(w *world) { w.objects[0].SetLabels(nil) }, "the cluster has no object of it yet"},
		"a digest that went away":   {push(), func(w *world) { w.objects[0].SetAnnotations(nil) }, "it has no annotation assay.dev/digest"},
		"another label":             {push(), func(w *world) { w.objects[0].SetLabels(map[string]string{engine.ExperimentLabel: "e000000000"}) }, "the cluster has no object of it yet"},
		"another Application's":     {push(), func(w *world) { w.track("other") }, "is tracked as the Application other's"},
		"another namespace's":       {push(), func(w *world) { w.objects[0].SetNamespace("theirs") }, "the cluster has no object of it yet"},
		"what may not be listed":    {push(), func(w *world) { w.listing = errors.New("jobs.batch is forbidden") }, "jobs.batch is forbidden"},
		"one of two on another":     {push(), func(w *world) { w.app("far", "").Places[0].Target.Name = "far" }, "far: it deploys to the cluster far"},
		"one of two by the default": {push(), func(w *world) {
			w.applications[0].Places[0].Revision = "main"
			w.app("far", "HEAD").Places[0].Target.Name = "far"
		}, "far: it deploys to the cluster far"},
		"one of two by branch name": {push(), func(w *world) { w.app("late", "main").Manages = nil }, "late: the experiment has not been synced"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, test.tree)
			w.judge("Complete")
			test.with(w)
			tip := w.tip()
			w.conclude()
			if w.tip() != tip {
				t.Error("it wrote")
			}
			if len(w.reports) == 0 || !strings.Contains(w.reports[0], " Held: ") || !strings.Contains(w.reports[0], test.told) {
				t.Errorf("told %q, want %s", w.reports, test.told)
			}
		})
	}
}

func (w *world) track(app string) {
	annotations := w.objects[0].GetAnnotations()
	annotations[trackingAnnotation] = app + ":batch/Job:web/" + w.objects[0].GetName()
	w.objects[0].SetAnnotations(annotations)
}

func mustGit(w *world, args ...string) {
	w.t.Helper()
	if _, err := w.repo.Git(args...); err != nil {
		w.t.Fatal(err)
	}
}

// TestItsOwnObjects: an object that Argo CD tracks as this Application's counts.
func TestItsOwnObjects(t *testing.T) {
	w := newWorld(t, push())
	w.judge("Complete")
	w.track("shop")
	w.conclude()
	w.said("shop Promoted: ")

	w = newWorld(t, push())
	w.applications[0].Name.Namespace = "team"
	w.judge("Complete")
	w.track("team_shop")
	w.conclude()
	w.said("shop Promoted: ")
}

// TestSeveralApplications: each of one environment's has a say, by whatever name it calls the
// branch. In its own namespace each has a Job, and one of them differs from the others.
func TestSeveralApplications(t *testing.T) {
	names := []string{"shop", "named", "refs"}
	for different, name := range names {
		for condition, test := range map[string]struct{ told, image string }{
			"Failed":    {"Rejected: ", "web:1.0.0"},
			"Suspended": {"Held: Application argocd/" + name + ": ", "web:1.0.0"},
			"Complete":  {"Promoted: ", "web:2.0.0"}, // it differs in nothing
		} {
			if condition == "Complete" && different > 0 {
				continue
			}
			t.Run(name+" "+condition, func(t *testing.T) {
				w := newWorld(t, push())
				w.app("named", "main")
				w.app("refs", "refs/heads/main")
				for i := range w.applications {
					w.applications[i].Places[0].Namespace = names[i]
				}
				w.judge("Complete")
				w.objects = nil
				res := w.render()
				for i := range w.applications {
					says := "Complete"
					if i == different {
						says = condition
					}
					job := envrepo.Concluded(res.Digest, says)[0]
					job.SetNamespace(names[i])
					if says == "Suspended" {
						job.SetCreationTimestamp(metav1.Now())
					}
					variant := res.Variant[0].DeepCopy()
					variant.SetNamespace(names[i])
					w.objects = append(w.objects, job, variant)
					w.applications[i].Manages = []object.Key{object.KeyOf(job)}
				}
				w.conclude()
				w.said("named "+test.told, "refs "+test.told, "shop "+test.told)
				if !strings.Contains(w.file("prod/web.yaml"), test.image) {
					t.Errorf("main has %s", w.file("prod/web.yaml"))
				}
			})
		}
	}
}

// TestGone: an Application that was deleted, or moved to another path, has nothing to say.
func TestGone(t *testing.T) {
	w := newWorld(t, push())
	w.judge("Complete")
	key := w.key()
	w.applications[0].Places[0].Path = "other"
	if again, err := w.promoter.conclude(t.Context(), key); again != 0 || err != nil {
		t.Errorf("again after %s, %v", again, err)
	}
	w.said()
	w.applications = nil
	if again, err := w.promoter.conclude(t.Context(), key); again != 0 || err != nil {
		t.Errorf("again after %s, %v", again, err)
	}
	w.said()
}

// TestTellsOfErrors: what cannot be read is an error to try again, told once.
func TestTellsOfErrors(t *testing.T) {
	w := newWorld(t, push())
	w.judge("Complete")
	key := w.key()
	w.applications[0].Places[0].Path = "missing"
	key.Dir = "missing"
	for range 2 {
		if _, err := w.promoter.conclude(t.Context(), key); err == nil || !strings.Contains(err.Error(), "missing is not a directory of the branch") {
			t.Errorf("error %v", err)
		}
	}
	w.said("shop PromotionFailed: missing is not a directory of the branch")
}

// TestDryRun proves, and writes and tells nothing.
func TestDryRun(t *testing.T) {
	w := newWorld(t, push())
	w.opt.Branch.DryRun = true
	w.judge("Complete")
	tip := w.tip()
	w.conclude()
	w.said()
	if w.tip() != tip {
		t.Error("it wrote")
	}
}

// TestEndsAStaleSync: a sync that waits at a commit whose experiment is gone is ended, and
// no other.
func TestEndsAStaleSync(t *testing.T) {
	w := newWorld(t, push())
	w.judge("Failed")
	before := w.tip()
	waiting := &application.Operation{Revisions: []string{before}, Message: "waiting for completion of hook batch/Job/done"}
	w.applications[0].Operation = waiting
	w.objects[0].Object["status"] = map[string]any{}
	w.conclude()
	if len(w.ended) > 0 {
		t.Fatal("the experiment is still under test, and its sync was ended")
	}
	w.judge("Failed")
	w.applications[0].Operation = &application.Operation{Revisions: []string{before}, Message: "one or more objects failed to apply"}
	w.conclude()
	w.said("shop Held: ", "shop Rejected: ")
	if len(w.ended) > 0 {
		t.Fatal("a sync that waits for nothing was ended")
	}
	w.applications[0].Operation = waiting
	w.conclude()
	if !slices.Equal(w.ended, []string{"shop"}) {
		t.Errorf("ended %q", w.ended)
	}
	w.applications[0].Operation = &application.Operation{Revisions: []string{w.tip()}, Message: waiting.Message}
	w.conclude()
	if len(w.ended) != 1 {
		t.Error("a sync of the tip was ended")
	}
}

// TestExpiredToken: a push that the server does not let in is an error to try again; with a
// token that counts the same verdict is carried out.
func TestExpiredToken(t *testing.T) {
	var files []gitserver.File
	tree := push()
	for _, name := range slices.Sorted(maps.Keys(tree)) {
		files = append(files, gitserver.Files(map[string]string{name: tree[name]})...)
	}
	server, err := gitserver.Start(gitserver.Options{Dir: t.TempDir(), User: "assay", Password: "a-token-that-counts"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	repo, err := server.Create("envs")
	if err == nil {
		_, err = repo.Commit("main", "start", files...)
	}
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, push())
	w.repo = repo
	w.applications = nil
	w.app("shop", "").Places[0].RepoURL = repo.URL
	w.judge("Complete")
	with := func(token string) {
		w.login = reposecret.Settings{Secrets: []reposecret.Secret{{Name: "envs", Type: reposecret.Own, Data: map[string][]byte{
			"url": []byte(repo.URL), "username": []byte("assay"), "token": []byte(token),
		}}}}
	}
	with("a-token-that-expired")
	tip := w.tip()
	if _, err := w.promoter.conclude(t.Context(), w.key()); err == nil || strings.Contains(err.Error(), "a-token") {
		t.Errorf("error %v", err)
	}
	w.said("shop PromotionFailed: ")
	if w.tip() != tip {
		t.Error("it wrote")
	}
	with("a-token-that-counts")
	w.conclude()
	w.said("shop Promoted: ")
}

// TestHostileExpressions: CEL of the plan that fails, or does not end, holds the candidate; the
// promoter goes on.
func TestHostileExpressions(t *testing.T) {
	long := "[1,2,3,4,5,6,7,8,9,10]"
	deep := long + ".all(a, " + long + ".all(b, " + long + ".all(c, " + long + ".all(d, " + long + ".all(e, " + long + ".all(f, " + long + ".all(g, " + long + ".all(h, true))))))))"
	for name, promote := range map[string]string{"fails": "object.missing.field == 1", "never ends": deep} {
		t.Run(name, func(t *testing.T) {
			tree := push()
			tree["prod/assay.yaml"] = envrepo.Plan("{promotion: {method: push}, experiment: {engines: [{group: batch, kind: Job, concluded: 'true', promote: '" + promote + "', reject: 'false'}]}}")
			tree["prod/assay.yaml"] = strings.Replace(tree["prod/assay.yaml"], "spec:\n  {", "spec: {", 1)
			w := newWorld(t, tree)
			w.judge("Complete")
			tip := w.tip()
			began := time.Now()
			_, err := w.promoter.conclude(t.Context(), w.key())
			if w.tip() != tip {
				t.Error("it wrote")
			}
			if len(w.reports) != 1 || err == nil && !strings.Contains(w.reports[0], " Held: ") {
				t.Errorf("told %q, %v", w.reports, err)
			}
			if took := time.Since(began); took > time.Minute {
				t.Errorf("it took %s", took)
			}
		})
	}
}

// TestVerdictFlips: what an object says after it was followed changes nothing any more.
func TestVerdictFlips(t *testing.T) {
	w := newWorld(t, push())
	w.judge("Complete")
	failed := envrepo.Concluded(w.render().Digest, "Failed")[0].Object["status"]
	w.conclude()
	w.said("shop Promoted: ")
	tip := w.tip()
	w.objects[0].Object["status"] = failed
	w.conclude()
	w.said()
	if w.tip() != tip {
		t.Error("it wrote")
	}
}

// TestTellsHowItEnded: once nothing is under test any more, what was told last does not stay.
func TestTellsHowItEnded(t *testing.T) {
	for name, test := range map[string]struct {
		end  func(w *world)
		told string
	}{
		"decided by somebody else": {func(w *world) {
			server := w.site()
			if _, err := server.Decide(t.Context(), promote.ByHand(decision.Promote, "looks good", "")); err != nil {
				t.Fatal(err)
			}
		}, "shop Promoted: "},
		"withdrawn": {func(w *world) {
			if _, err := w.repo.Commit("main", "Withdraw", gitserver.File{Path: "prod/candidate.yaml", Delete: true}); err != nil {
				t.Fatal(err)
			}
		}, "shop Withdrawn: "},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, push())
			w.judge("Suspended")
			w.conclude()
			w.said("shop Held: ")
			test.end(w)
			w.conclude()
			w.said(test.told)
			w.conclude()
			w.said()
		})
	}
}

// site opens the environment as somebody else does.
func (w *world) site() *branch.Session {
	w.t.Helper()
	list, _ := w.sites(w.applications[0])
	list[0].project, list[0].at = application.Project{Repos: []string{"*"}}, w.location(application.Target{})
	s, err := w.open(w.t.Context(), list[0])
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(s.Close)
	return s
}

// TestNextRepositoriesOfTheProject: a plan's next environment gets no login for a repository that
// the AppProject does not permit.
func TestNextRepositoriesOfTheProject(t *testing.T) {
	w := newWorld(t, push())
	list, _ := w.sites(w.applications[0])
	list[0].project = application.Project{Name: "ours", Repos: []string{w.repo.Dir}}
	s, err := w.open(t.Context(), list[0])
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, _, err := s.Another(t.Context(), w.repo.Dir+"/../other"); err == nil || !strings.Contains(err.Error(), "its AppProject ours does not permit the repository") {
		t.Errorf("error %v", err)
	}
}
