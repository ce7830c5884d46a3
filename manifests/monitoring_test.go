package manifests_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/util/annotations"
	"sigs.k8s.io/yaml"
)

// ofOthers are the metrics that the rules and the dashboard read beside the promoter's own:
// controller-runtime's, client-go's and the process's.
var ofOthers = []string{
	"controller_runtime_active_workers", "controller_runtime_reconcile_time_seconds_bucket", "controller_runtime_reconcile_total",
	"leader_election_master_status", "process_resident_memory_bytes", "workqueue_depth", "workqueue_queue_duration_seconds_bucket",
}

type rule struct {
	Record, Alert, Expr, For string
	Labels, Annotations      map[string]string
}

func rules(t *testing.T) []rule {
	t.Helper()
	var file struct {
		Spec struct {
			Groups []struct {
				Name     string
				Interval string
				Rules    []rule
			}
		}
	}
	if err := yaml.Unmarshal(read(t, "monitoring/rules.yaml"), &file); err != nil {
		t.Fatal(err)
	}
	var all []rule
	for _, g := range file.Spec.Groups {
		all = append(all, g.Rules...)
	}
	return all
}

// queries are those of the dashboard, with Grafana's variables filled in.
func queries(t *testing.T) map[string]string {
	t.Helper()
	var board struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(read(t, "monitoring/dashboard.json"), &board); err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, p := range board.Panels {
		for i, target := range p.Targets {
			out[fmt.Sprintf("panel %s %d", p.Title, i)] = strings.ReplaceAll(target.Expr, "$__rate_interval", "5m")
		}
	}
	return out
}

// TestMonitoringReadsWhatThereIs: every query is one, and names metrics that are documented, or
// that controller-runtime has.
func TestMonitoringReadsWhatThereIs(t *testing.T) {
	t.Parallel()
	known := slices.Clone(ofOthers)
	for _, m := range regexp.MustCompile("(?m)^\\| `(assay_promoter_[a-z_]+)` \\| ([a-z]+) \\|").FindAllStringSubmatch(string(read(t, "../docs/operations.md")), -1) {
		known = append(known, m[1])
		if m[2] == "histogram" || m[2] == "summary" {
			known = append(known, m[1]+"_sum", m[1]+"_count")
		}
		if m[2] == "histogram" {
			known = append(known, m[1]+"_bucket")
		}
	}
	all := queries(t)
	for _, r := range rules(t) {
		all[r.Alert+r.Record] = r.Expr
		if r.Record != "" {
			known = append(known, r.Record)
		}
	}
	if len(all) < 25 {
		t.Fatalf("only %d queries are seen", len(all))
	}
	for name, query := range all {
		expr, err := parser.ParseExpr(query)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		parser.Inspect(expr, func(n parser.Node, _ []parser.Node) error {
			if v, ok := n.(*parser.VectorSelector); ok && !slices.Contains(known, v.Name) {
				t.Errorf("%s: nothing has the metric %s", name, v.Name)
			}
			return nil
		})
	}
}

// TestAlertsAreDocumented: what to do about each alert is in docs/operations.md.
func TestAlertsAreDocumented(t *testing.T) {
	t.Parallel()
	var listed, alerts []string
	for _, m := range regexp.MustCompile("(?m)^\\| `(Assay[A-Za-z]+)` \\|").FindAllStringSubmatch(string(read(t, "../docs/operations.md")), -1) {
		listed = append(listed, m[1])
	}
	for _, r := range rules(t) {
		if r.Alert == "" {
			continue
		}
		alerts = append(alerts, r.Alert)
		if r.Annotations["summary"] == "" || r.Labels["severity"] == "" || r.For == "" {
			t.Errorf("%s lacks a summary, a severity or a time: %+v", r.Alert, r)
		}
	}
	if !slices.Equal(listed, alerts) {
		t.Errorf("documented are %q, and there are %q", listed, alerts)
	}
}

// TestAlertsFire evaluates each rule on series that it is for, and on a promoter that is well.
func TestAlertsFire(t *testing.T) {
	t.Parallel()
	const well = `
assay_promoter_experiments{state="queued"} 0x600
assay_promoter_experiments{state="waiting"} 0x600
assay_promoter_experiments{state="running"} 3x600
assay_promoter_experiments{state="held"} 0x600
assay_promoter_experiments{state="failed"} 0x600
leader_election_master_status{name="assay-promoter-0",pod="a"} 1x600
leader_election_master_status{name="assay-promoter-0",pod="b"} 0x600
assay_promoter_git_retries_total{reason="unavailable"} 0+1x600
assay_promoter_git_retries_total{reason="moved"} 0+60x600
assay_promoter_forge_requests_total{host="github.com"} 0+60x600
assay_promoter_forge_errors_total{host="github.com",status="500"} 0+1x600
assay_promoter_forge_rate_remaining{host="github.com"} 4000x600
assay_promoter_conclusion_to_commit_seconds_bucket{outcome="promote",le="10"} 0+1x600
assay_promoter_conclusion_to_commit_seconds_bucket{outcome="promote",le="+Inf"} 0+1x600
workqueue_queue_duration_seconds_bucket{name="promoter",le="1"} 0+10x600
workqueue_queue_duration_seconds_bucket{name="promoter",le="+Inf"} 0+10x600
assay_promoter_outcomes_total{application_namespace="argocd",application="shop",outcome="promote"} 0+3x600
assay_promoter_outcomes_total{application_namespace="argocd",application="shop",outcome="reject"} 0+1x600
assay_promoter_outcomes_total{application_namespace="argocd",application="idle",outcome="promote"} 0x600
assay_promoter_outcomes_total{application_namespace="argocd",application="idle",outcome="reject"} 0x600
assay_promoter_lead_time_seconds_sum{application_namespace="argocd",application="shop"} 0+1800x600
assay_promoter_lead_time_seconds_count{application_namespace="argocd",application="shop"} 0+3x600
assay:application_change_failure:ratio_28d{application_namespace="argocd",application="shop"} 0.25x600
`
	fire := map[string][2]string{ // what is replaced, and by what
		"AssayPromoterAbsent":   {"assay_promoter_experiments{", "gone{"},
		"AssayShardUnheld":      {`pod="a"} 1x600`, `pod="a"} 0x600`},
		"AssayLooksFail":        {`{state="failed"} 0x600`, `{state="failed"} 2x600`},
		"AssayCandidatesHeld":   {`{state="held"} 0x600`, `{state="held"} 1x600`},
		"AssayCandidatesQueued": {`{state="queued"} 0x600`, `{state="queued"} 1x600`},
		"AssayCandidatesWait":   {`{state="waiting"} 0x600`, `{state="waiting"} 1x600`},
		"AssayConcludesSlowly":  {`seconds_bucket{outcome="promote",le="10"} 0+1x600`, `seconds_bucket{outcome="promote",le="300"} 0x600` + "\n" + `assay_promoter_conclusion_to_commit_seconds_bucket{outcome="promote",le="900"} 0+1x600`},
		"AssayQueueWaits":       {`{name="promoter",le="1"} 0+10x600`, `{name="promoter",le="60"} 0x600` + "\n" + `workqueue_queue_duration_seconds_bucket{name="promoter",le="120"} 0+10x600`},
		"AssayGitUnavailable":   {`{reason="unavailable"} 0+1x600`, `{reason="unavailable"} 0+30x600`},
		"AssayForgeErrors":      {`status="500"} 0+1x600`, `status="500"} 0+20x600`},
		"AssayForgeRateLimit":   {"4000x600", "40x600"},
		"AssayChangesFail":      {"0.25x600", "0.75x600"},
	}
	for _, r := range rules(t) {
		if r.Alert != "" {
			if got := evaluate(t, well, r.Expr); len(got) > 0 {
				t.Errorf("%s fires where all is well: %v", r.Alert, got)
			}
			change, known := fire[r.Alert]
			if !known || !strings.Contains(well, change[0]) {
				t.Errorf("%s: nothing is known that it fires at", r.Alert)
				continue
			}
			if got := evaluate(t, strings.ReplaceAll(well, change[0], change[1]), r.Expr); len(got) != 1 {
				t.Errorf("%s does not fire: %v", r.Alert, got)
			}
			continue
		}
		want := map[string]float64{"assay:application_change_failure:ratio_28d": 0.25, "assay:application_lead_time_seconds:mean_28d": 600}[r.Record]
		got := evaluate(t, well, r.Expr)
		if len(got) != 1 || math.Abs(got[0].F-want) > 1e-6 || got[0].Metric.Get("application") != "shop" {
			t.Errorf("%s is %v, want %v for the one application that has decisions", r.Record, got, want)
		}
	}
}

// point is one sample: milliseconds since the epoch, and a number.
type point struct {
	at    int64
	value float64
}

func (p point) T() int64                    { return p.at }
func (p point) F() float64                  { return p.value }
func (point) H() *histogram.Histogram       { return nil }
func (point) FH() *histogram.FloatHistogram { return nil }
func (point) Type() chunkenc.ValueType      { return chunkenc.ValFloat }
func (p point) Copy() chunks.Sample         { return p }

// samples are series in memory, as Prometheus' engine reads them.
type samples []storage.Series

// load reads series of one sample a minute, in the form of promtool's tests.
func load(t *testing.T, text string) samples {
	t.Helper()
	var all samples
	for line := range strings.Lines(strings.TrimSpace(text)) {
		metric, values, err := parser.ParseSeriesDesc(strings.TrimSpace(line))
		if err != nil {
			t.Fatal(line, err)
		}
		var points []chunks.Sample
		for i, v := range values {
			points = append(points, point{at: int64(i) * time.Minute.Milliseconds(), value: v.Value})
		}
		// The engine seeks in a series, which storage.MockSeries cannot.
		all = append(all, storage.NewListSeries(metric, points))
	}
	return all
}

func (s samples) Querier(int64, int64) (storage.Querier, error) { return s, nil }

func (s samples) Select(_ context.Context, _ bool, _ *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
	var found samples
	for _, one := range s {
		if !slices.ContainsFunc(matchers, func(m *labels.Matcher) bool { return !m.Matches(one.Labels().Get(m.Name)) }) {
			found = append(found, one)
		}
	}
	return &selected{samples: found}
}

func (samples) LabelValues(context.Context, string, *storage.LabelHints, ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	return nil, nil, errors.New("not asked for")
}

func (samples) LabelNames(context.Context, *storage.LabelHints, ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	return nil, nil, errors.New("not asked for")
}

func (samples) Close() error { return nil }

// selected walks through series.
type selected struct {
	samples
	next int
}

func (s *selected) Next() bool                        { s.next++; return s.next <= len(s.samples) }
func (s *selected) At() storage.Series                { return s.samples[s.next-1] }
func (s *selected) Err() error                        { return nil }
func (s *selected) Warnings() annotations.Annotations { return nil }

// evaluate runs a query nine hours after the series began.
func evaluate(t *testing.T, series, query string) promql.Vector {
	t.Helper()
	engine := promql.NewEngine(promql.EngineOpts{MaxSamples: 1_000_000, Timeout: time.Minute, LookbackDelta: 5 * time.Minute})
	q, err := engine.NewInstantQuery(t.Context(), load(t, series), nil, query, time.Unix(0, 0).Add(9*time.Hour))
	if err != nil {
		t.Fatal(query, err)
	}
	defer q.Close()
	res := q.Exec(t.Context())
	if res.Err != nil {
		t.Fatal(query, res.Err)
	}
	v, err := res.Vector()
	if err != nil {
		t.Fatal(query, err)
	}
	return slices.Clone(v)
}

// TestDashboardIsInstalled: Grafana finds it by its label.
func TestDashboardIsInstalled(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("monitoring/dashboard.json"); err != nil {
		t.Fatal(err)
	}
	kinds := map[string]int{}
	for _, o := range installed(t, "promoter", "monitoring") {
		kinds[o.GetKind()]++
		if o.GetKind() == "ConfigMap" && (o.GetLabels()["grafana_dashboard"] != "1" || !strings.Contains(fmt.Sprint(o.Object["data"]), "Assay promoter")) {
			t.Errorf("the dashboard is %v", o.Object)
		}
	}
	if kinds["ConfigMap"] != 1 || kinds["PrometheusRule"] != 1 || kinds["ServiceMonitor"] != 1 {
		t.Errorf("it has %v", kinds)
	}
}
