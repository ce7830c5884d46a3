package controller

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/assaydev/assay/internal/application"
	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/forge"
	"github.com/assaydev/assay/internal/reposecret"
	"github.com/assaydev/assay/promote"
	"github.com/assaydev/assay/test/envrepo"
)

// scrape is what Prometheus would read: each series by its name and labels, histograms and
// summaries by _count.
func scrape(t *testing.T, m *metrics) map[string]float64 {
	t.Helper()
	all := map[string]float64{}
	for _, f := range gather(t, m) {
		for _, s := range f.GetMetric() {
			var labels []string
			for _, l := range s.GetLabel() {
				labels = append(labels, l.GetName()+"="+l.GetValue())
			}
			name, value := strings.TrimPrefix(f.GetName(), "assay_promoter_"), 0.0
			switch f.GetType() {
			case dto.MetricType_HISTOGRAM:
				name, value = name+"_count", float64(s.GetHistogram().GetSampleCount())
			case dto.MetricType_SUMMARY:
				name, value = name+"_count", float64(s.GetSummary().GetSampleCount())
			case dto.MetricType_GAUGE:
				value = s.GetGauge().GetValue()
			default:
				value = s.GetCounter().GetValue()
			}
			all[name+"{"+strings.Join(labels, ",")+"}"] = value
		}
	}
	return all
}

// has holds some of the series; -1 is that there is none.
func (w *world) has(want map[string]float64) {
	w.t.Helper()
	got := scrape(w.t, w.metrics)
	for name, value := range want {
		found, there := got[name]
		if there != (value >= 0) || there && found != value {
			w.t.Errorf("%s is %v (there: %t), want %v; all are %v", name, found, there, value, slices.Sorted(maps.Keys(got)))
		}
	}
}

const ofShop = "application=shop,application_namespace=argocd"

// TestMetrics drives a candidate from its start to a promotion, and the next to a rejection.
func TestMetrics(t *testing.T) {
	w := newWorld(t, push())
	w.judge("Suspended")
	for range 3 {
		w.conclude()
	}
	w.has(map[string]float64{
		"experiments{state=running}": 1, "experiments{state=waiting}": 0, "verdicts_total{verdict=hold}": 1,
		"outcomes_total{" + ofShop + ",outcome=hold}": 1, "outcomes_total{" + ofShop + ",outcome=promote}": 0, "lead_time_seconds_count{" + ofShop + "}": 0,
	})
	w.judge("Complete")
	dated(w, time.Now().Add(-20*time.Second))
	w.conclude()
	w.conclude()
	promoted := map[string]float64{
		"experiments{state=running}": 0, "verdicts_total{verdict=promote}": 1, "outcomes_total{" + ofShop + ",outcome=promote}": 1,
		"outcomes_total{" + ofShop + ",outcome=reject}": 0, "conclusion_to_commit_seconds_count{outcome=promote}": 1, "lead_time_seconds_count{" + ofShop + "}": 1,
	}
	w.has(promoted)
	sum := 0.0
	for _, f := range gather(t, w.metrics) {
		if f.GetName() == "assay_promoter_conclusion_to_commit_seconds" {
			sum = f.GetMetric()[0].GetHistogram().GetSampleSum()
		}
	}
	if sum < 19 || sum > 600 {
		t.Errorf("from the conclusion to the commit it took %v s", sum)
	}
	w.commit("prod/candidate.yaml", envrepo.Skip+envrepo.Marker("3.0.0"))
	w.judge("Failed")
	w.conclude()
	promoted["verdicts_total{verdict=reject}"] = 1
	promoted["outcomes_total{"+ofShop+",outcome=reject}"] = 1
	promoted["outcomes_total{"+ofShop+",outcome=promote}"] = 1
	w.has(promoted)
}

func gather(t *testing.T, m *metrics) []*dto.MetricFamily {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	if err := registry.Register(m); err != nil {
		t.Fatal(err)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	return families
}

// dated gives the judge's condition a time, as a cluster does.
func dated(w *world, at time.Time) {
	status, _ := w.objects[0].Object["status"].(map[string]any)
	status["completionTime"] = at.UTC().Format(time.RFC3339)
}

// TestMetricsOfStates: what holds a candidate shows in where it is counted.
func TestMetricsOfStates(t *testing.T) {
	for name, test := range map[string]struct {
		tree envrepo.Files
		with func(w *world)
		want state
	}{
		"nothing judges yet": {push(), func(w *world) { w.objects = nil }, waiting},
		"it runs":            {push(), func(w *world) { w.judge("Suspended") }, running},
		"without a deadline": {envrepo.Prod("method: push}\n  experiment: {deadline: 0s"), func(w *world) { w.judge("Suspended") }, running},
		"the plan is paused": {envrepo.Prod("method: push, paused: true"), func(*world) {}, held},
		"a rollback":         {push(), func(w *world) { w.applications[0].RolledBack = "abc" }, held},
		"a pull request":     {envrepo.Prod("method: pull-request"), func(*world) {}, proposed},
		"an error": {push(), func(w *world) {
			w.settings = func(context.Context) (reposecret.Settings, error) {
				return reposecret.Settings{}, errors.New("the cache is gone")
			}
		}, failing},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, test.tree)
			w.judge("Complete")
			test.with(w)
			_, _ = w.promoter.conclude(t.Context(), w.key())
			want := map[string]float64{}
			for _, s := range states {
				want[fmt.Sprintf("experiments{state=%s}", s)] = 0
			}
			want[fmt.Sprintf("experiments{state=%s}", test.want)] = 1
			w.has(want)
		})
	}
}

// TestMetricsEndWithTheApplication: what goes away leaves no series, and 1,000 that come and
// go leave none either.
func TestMetricsEndWithTheApplication(t *testing.T) {
	w := newWorld(t, push())
	w.app("twin", "main")
	w.judge("Suspended")
	w.conclude()
	key, twin := w.key(), w.key().on("main")
	if _, err := w.promoter.conclude(t.Context(), twin); err != nil {
		t.Fatal(err)
	}
	ofTwin := strings.Replace(ofShop, "=shop", "=twin", 1)
	w.has(map[string]float64{"experiments{state=running}": 1, "outcomes_total{" + ofTwin + ",outcome=promote}": 0, "outcomes_total{" + ofShop + ",outcome=promote}": 0})
	w.applications = w.applications[:1]
	if _, err := w.promoter.conclude(t.Context(), twin); err != nil {
		t.Fatal(err)
	}
	w.conclude()
	w.has(map[string]float64{"outcomes_total{" + ofTwin + ",outcome=promote}": -1, "lead_time_seconds_count{" + ofTwin + "}": -1, "outcomes_total{" + ofShop + ",outcome=hold}": 1})
	w.applications = nil
	if _, err := w.promoter.conclude(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	before := len(scrape(t, newMetrics())) + len([]string{"verdicts hold"})
	for i := range 1000 {
		name := application.Name{Namespace: "argocd", Name: fmt.Sprint("app-", i)}
		of := Key{Repo: fmt.Sprint(i)}
		w.metrics.look(of, of, running, []site{{key: of, app: application.Deployed{Name: name}}})
		w.metrics.told(name, Outcome{Outcome: decision.Hold})
		w.metrics.gone(of)
		w.metrics.told(name, Outcome{Outcome: decision.Hold}) // too late
	}
	if after := scrape(t, w.metrics); len(after) != before {
		t.Errorf("%d series are left, want %d: %v", len(after), before, slices.Sorted(maps.Keys(after)))
	}
}

// TestMetricsOfServers: forges are told apart up to a bound, and what they do not have is not an
// error.
func TestMetricsOfServers(t *testing.T) {
	w := newWorld(t, push())
	for i := range 1000 {
		w.metrics.answered(forge.Answer{Host: fmt.Sprintf("forge-%d.example.com", i), Status: 500, Remaining: int64(i)})
	}
	w.metrics.answered(forge.Answer{Host: "forge-1.example.com", Status: 404, Remaining: -1})
	w.metrics.answered(forge.Answer{Host: "forge-1.example.com", Remaining: -1})
	w.metrics.retry(true)
	w.metrics.retry(false)
	w.metrics.retry(false)
	w.has(map[string]float64{
		"forge_requests_total{host=forge-1.example.com}": 3, "forge_errors_total{host=forge-1.example.com,status=500}": 1,
		"forge_errors_total{host=forge-1.example.com,status=none}": 1, "forge_errors_total{host=forge-1.example.com,status=404}": -1,
		"forge_rate_remaining{host=forge-1.example.com}": 1, "forge_requests_total{host=other}": 1000 - mostHosts,
		"git_retries_total{reason=moved}": 1, "git_retries_total{reason=unavailable}": 2,
	})
}

// TestMetricsOfAPullRequest: it is a promotion once it is merged.
func TestMetricsOfAPullRequest(t *testing.T) {
	w := newWorld(t, envrepo.Prod("method: pull-request"))
	w.judge("Complete")
	dated(w, time.Now())
	w.conclude()
	w.has(map[string]float64{"outcomes_total{" + ofShop + ",outcome=propose}": 1, "outcomes_total{" + ofShop + ",outcome=promote}": 0, "lead_time_seconds_count{" + ofShop + "}": 0})
	heads, err := w.repo.Git("for-each-ref", "--format=%(objectname)", "refs/heads/assay/")
	if err != nil || heads == "" {
		t.Fatal(heads, err)
	}
	mustGit(w, "update-ref", "refs/heads/main", strings.TrimSpace(heads))
	w.conclude()
	w.has(map[string]float64{"outcomes_total{" + ofShop + ",outcome=promote}": 1, "lead_time_seconds_count{" + ofShop + "}": 1, "experiments{state=proposed}": 0})
}

// TestMetricsAreDocumented holds the table of docs/operations.md against what is registered.
func TestMetricsAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	var listed, registered []string
	for _, row := range regexp.MustCompile("(?m)^\\| `(assay_promoter_[a-z_]+)` \\| (counter|gauge|histogram|summary) \\| ([^|]*) \\|").FindAllStringSubmatch(string(page), -1) {
		labels := regexp.MustCompile("`([a-z_]+)`").FindAllStringSubmatch(row[3], -1)
		var names []string
		for _, l := range labels {
			names = append(names, l[1])
		}
		listed = append(listed, row[1]+"{"+strings.Join(names, ",")+"}")
		if counted := strings.HasSuffix(row[1], "_total"); counted != (row[2] == "counter") {
			t.Errorf("%s is listed as a %s", row[1], row[2])
		}
	}
	ch := make(chan *prometheus.Desc, 100)
	newMetrics().Describe(ch)
	close(ch)
	for desc := range ch {
		m := regexp.MustCompile(`fqName: "([a-z_]+)".*variableLabels: \{([a-z_,]*)\}`).FindStringSubmatch(desc.String())
		if m == nil {
			t.Fatalf("the test does not see %s", desc)
		}
		registered = append(registered, m[1]+"{"+m[2]+"}")
	}
	slices.Sort(listed)
	slices.Sort(registered)
	if !slices.Equal(listed, registered) {
		t.Errorf("docs/operations.md lists\n%s\nregistered are\n%s", strings.Join(listed, "\n"), strings.Join(registered, "\n"))
	}
}

// commit puts a file on main.
func (w *world) commit(name, text string) {
	w.t.Helper()
	if _, err := w.repo.Commit("main", "somebody's", fileOf(name, text)); err != nil {
		w.t.Fatal(err)
	}
}

// TestStates: a result's state, where a look cannot easily make it.
func TestStates(t *testing.T) {
	l := &look{}
	for want, r := range map[state]*promote.Result{
		"":       {Outcome: decision.None},
		held:     {Landing: promote.Landing{Pull: &promote.Pull{State: promote.Closed}}},
		proposed: {Landing: promote.Landing{Pull: &promote.Pull{State: promote.Adopted}}},
		running:  {Choice: promote.Choice{Held: decision.Hold, Started: metav1.Now().Time}},
	} {
		if got := l.state(r); got != want {
			t.Errorf("%+v is %q, want %q", r, got, want)
		}
	}
}
