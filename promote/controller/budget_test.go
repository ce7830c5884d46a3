package controller

import (
	"context"
	"fmt"
	"math/rand"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/application"
	"github.com/assaydev/assay/internal/budget"
	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/render"
	"github.com/assaydev/assay/test/envrepo"
	"github.com/assaydev/assay/test/gitserver"
)

// company is several environments in one repository, with a promoter that has budgets, and Argo CD.
type company struct {
	*world
	rng  *rand.Rand
	todo []Key // to be looked at
	n    int
}

func envAt(i int) string { return fmt.Sprint("e", i) }

// newCompany has n environments. No candidate is there.
func newCompany(t *testing.T, n int, limits budget.Limits) *company {
	t.Helper()
	tree := envrepo.Files{}
	for i := range n {
		tree[envAt(i)+"/web.yaml"] = envrepo.Deployment("web")
		tree[envAt(i)+"/assay.yaml"] = envrepo.Plan("promotion: {method: push}")
		tree[envAt(i)+"/experiment/check.yaml"] = envrepo.CheckJob
	}
	c := &company{world: newWorld(t, tree), rng: rand.New(rand.NewSource(1))} //nolint:gosec // a test repeats itself
	c.applications = nil
	for i := range n {
		app := c.app(envAt(i), "main")
		app.Project = fmt.Sprint("team-", i%2)
		app.Places[0].Path, app.Places[0].Namespace = envAt(i), "ns-"+envAt(i)
	}
	c.apps = func(_ context.Context, keys ...Key) (list []application.Deployed, _ error) {
		for _, app := range c.applications {
			if sites, _ := c.sites(app); slices.Contains(keys, sites[0].key) {
				list = append(list, app)
			}
		}
		return list, nil
	}
	c.project = func(_ context.Context, name string) (application.Project, error) {
		return application.Project{Name: name, Repos: []string{"*"}, Destinations: []application.Destination{{Server: "*", Namespace: "*"}}}, nil
	}
	always := func(ctx context.Context) (context.Context, func(), bool) { return ctx, func() {}, true }
	c.budgets = newBudgets(limits, always, c.keys, func(keys []Key) { c.todo = append(c.todo, keys...) })
	return c
}

func (c *company) keys() (keys []Key) {
	for i := range c.applications {
		keys = append(keys, c.keyOf(i))
	}
	return keys
}

func (c *company) keyOf(i int) Key {
	sites, _ := c.sites(c.applications[i])
	return sites[0].key
}

// mark puts a candidate into an environment, as CI does.
func (c *company) mark(i int, waits bool) {
	c.t.Helper()
	c.n++
	text := envrepo.Marker(fmt.Sprintf("2.%d.0", c.n))
	if waits {
		text = strings.Replace(text, "spec:\n", "spec:\n  waiting: true\n", 1)
	}
	if _, err := c.repo.Commit("main", "try", gitserver.File{Path: envAt(i) + "/candidate.yaml", Data: envrepo.Skip + text}); err != nil {
		c.t.Fatal(err)
	}
}

// marked reports whether an environment has a candidate.
func (c *company) marked(i int) bool { return c.file(envAt(i)+"/candidate.yaml") != "" }

// look looks at an environment, as the queue does.
func (c *company) look(key Key) {
	c.t.Helper()
	c.todo = slices.DeleteFunc(c.todo, func(k Key) bool { return k == key })
	count := c.budgets.look()
	_, err := c.promoter.conclude(c.t.Context(), key)
	c.budgets.looked(key, count, err)
	if err != nil {
		c.t.Fatal(err)
	}
}

// settle looks at all that is to be looked at, in any order.
func (c *company) settle() {
	c.t.Helper()
	for range 100 {
		if len(c.todo) == 0 {
			return
		}
		c.look(c.todo[c.rng.Intn(len(c.todo))])
	}
	c.t.Fatal("looks wake looks without end")
}

// renderAt renders an environment at the tip.
func (c *company) renderAt(i int) *render.Result {
	c.t.Helper()
	dir := c.t.TempDir()
	if _, err := c.repo.Git("worktree", "add", "--detach", dir+"/tree", "main"); err != nil {
		c.t.Fatal(err)
	}
	req, err := envrepo.Request(dir+"/tree", envAt(i))
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = req.FS.Close() }()
	res, err := render.Environment(c.t.Context(), req)
	if err != nil {
		c.t.Fatal(err)
	}
	return res
}

// sync is Argo CD's, of the tip. An experiment that is there stays as it is.
func (c *company) sync(i int) {
	c.t.Helper()
	app, namespace := &c.applications[i], "ns-"+envAt(i)
	had := c.running(i)
	c.objects = slices.DeleteFunc(c.objects, func(o *unstructured.Unstructured) bool { return o.GetNamespace() == namespace })
	app.Manages = nil
	c.todo = append(c.todo, c.keyOf(i))
	res := c.renderAt(i)
	if res.Marker == nil || res.Waits() {
		return
	}
	job := envrepo.Concluded(res.Digest, "Suspended")[0]
	job.SetCreationTimestamp(metav1.Now())
	if had != nil && had.GetName() == job.GetName() {
		job = had
	}
	for _, o := range append(res.Variant, job) {
		o.SetNamespace(namespace)
		c.objects = append(c.objects, o)
		app.Manages = append(app.Manages, object.KeyOf(o))
	}
}

// running is the experiment of an environment in the cluster.
func (c *company) running(i int) *unstructured.Unstructured {
	for _, o := range c.objects {
		if o.GetNamespace() == "ns-"+envAt(i) && o.GetKind() == "Job" {
			return o
		}
	}
	return nil
}

// finish has the experiment of an environment conclude.
func (c *company) finish(i int, condition string) {
	c.t.Helper()
	job := c.running(i)
	if job == nil || !c.marked(i) {
		return
	}
	now := envrepo.Concluded(c.renderAt(i).Digest, condition)[0]
	if now.GetName() != job.GetName() {
		return // Argo CD has not synced yet
	}
	job.Object["status"] = now.Object["status"]
}

// within holds that no more run than may, in the cluster and in Git.
func (c *company) within(limits budget.Limits) {
	c.t.Helper()
	projects, all := map[string]int{}, 0
	for i, app := range c.applications {
		if c.running(i) != nil {
			projects[app.Project]++
			all++
		}
	}
	for project, n := range projects {
		if all > limits.Instance || n > limits.Project {
			c.t.Fatalf("%d experiments run, %d of them in %s", all, n, project)
		}
	}
}

// TestBudgetsOverRandomHistories: over a random history of candidates, syncs, verdicts and looks no more
// experiments run than may, every candidate is decided in the end, and no commit of the branch has more
// run than the budget: a cluster that is rebuilt there keeps it, too.
func TestBudgetsOverRandomHistories(t *testing.T) {
	limits := budget.Limits{Instance: 2, Project: 1}
	c := newCompany(t, 5, limits)
	for _, key := range c.keys() {
		c.look(key)
	}
	for range 30 {
		i := c.rng.Intn(len(c.applications))
		switch {
		case !c.marked(i):
			c.mark(i, c.rng.Intn(2) == 0)
			c.look(c.keyOf(i)) // before Argo CD sees it
			c.settle()
		case c.rng.Intn(2) == 0:
			c.finish(i, []string{"Complete", "Failed"}[c.rng.Intn(2)])
			c.look(c.keyOf(i))
			if c.rng.Intn(2) == 0 { // what Argo CD has not synced may wake looks
				c.look(c.keyOf(i))
				c.settle()
				for j := range c.applications {
					if j != i {
						c.sync(j)
						c.within(limits)
					}
				}
				continue
			}
		case c.rng.Intn(2) == 0:
			c.settle()
		}
		c.sync(i)
		c.within(limits)
	}
	for range 2 * len(c.applications) {
		for i := range c.applications {
			c.sync(i)
			c.within(limits)
			if c.running(i) != nil {
				c.finish(i, "Complete")
				c.look(c.keyOf(i))
				c.sync(i)
				c.settle()
			}
		}
	}
	for i := range c.applications {
		if c.marked(i) {
			t.Errorf("%s waits to the end: %s", envAt(i), c.file(envAt(i)+"/candidate.yaml"))
		}
	}
	c.everyCommit(limits)
}

// everyCommit holds that each commit but one that brings a candidate keeps the budget.
func (c *company) everyCommit(limits budget.Limits) {
	c.t.Helper()
	log, err := c.repo.Git("log", "--format=%H %s", "main")
	if err != nil {
		c.t.Fatal(err)
	}
	waited := 0
	for line := range strings.Lines(log) {
		commit, subject, _ := strings.Cut(strings.TrimSpace(line), " ")
		names, _ := c.repo.Git("grep", "-L", "waiting: true", commit, "--", "*/candidate.yaml")
		n := len(strings.Fields(names))
		if subject == "try" {
			n-- // it may be looked at first
		}
		if n > limits.Instance {
			c.t.Errorf("at %q %d run: %s", subject, n, names)
		}
		if strings.HasPrefix(subject, "Hold back") || strings.HasPrefix(subject, "Admit") {
			waited++
		}
	}
	if waited < 4 {
		c.t.Errorf("%d commits are about waiting: the history tests nothing\n%s", waited, log)
	}
}
