package controller

import (
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/assaydev/assay/internal/application"
	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/forge"
)

// metrics are the figures of a promoter, in Prometheus' form: docs/operations.md lists
// them. No label is a text of others but the names of Applications, which have series for
// as long as they deploy an environment, and those of forges, of which mostHosts are
// told apart. It is safe for concurrent use.
type metrics struct {
	experiments *prometheus.Desc
	verdicts    *prometheus.CounterVec
	outcomes    *prometheus.CounterVec
	toCommit    *prometheus.HistogramVec
	leadTime    *prometheus.SummaryVec
	retries     *prometheus.CounterVec
	requests    *prometheus.CounterVec
	failures    *prometheus.CounterVec
	remaining   *prometheus.GaugeVec

	mu    sync.Mutex
	found map[Key]finding
	apps  map[application.Name]int // in how many of these
	hosts map[string]bool
}

// finding is what the last look at an environment found.
type finding struct {
	at    Key // its branch by name
	state state
	apps  []application.Name // whose it is by this key
}

// state is where an experiment is. The zero state is that there is none.
type state string

const (
	queued   state = "queued"   // it waits in Git, as many experiments run as may
	waiting  state = "waiting"  // nothing has begun to judge it
	running  state = "running"  // it has no verdict yet
	held     state = "held"     // it has a verdict, or would, and something else holds it
	proposed state = "proposed" // a pull request is open
	failing  state = "failed"   // the look at it could not be finished
)

// states are those that are told, in order.
var states = [...]state{queued, waiting, running, held, proposed, failing}

// mostHosts is how many forges are told apart. Others share one label.
const mostHosts = 50

const otherHosts = "other"

func newMetrics() *metrics {
	const prefix = "assay_promoter_"
	app := []string{"application_namespace", "application"}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: prefix + name, Help: help}, labels)
	}
	return &metrics{
		experiments: prometheus.NewDesc(prefix+"experiments", "Candidates by where the last look found them.", []string{"state"}, nil),
		verdicts:    counter("verdicts_total", "Verdicts of experiments, each counted when it is first seen.", "verdict"),
		outcomes:    counter("outcomes_total", "What became of candidates, counted once for each Application.", append(app, "outcome")...),
		toCommit: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: prefix + "conclusion_to_commit_seconds", Help: "From the last time in the status of what judges to the commit that follows its verdict.",
			Buckets: []float64{1, 2, 5, 10, 30, 60, 300, 900, 3600},
		}, []string{"outcome"}),
		leadTime: prometheus.NewSummaryVec(prometheus.SummaryOpts{
			Name: prefix + "lead_time_seconds", Help: "From the commit of a candidate to its promotion.",
		}, app),
		retries:   counter("git_retries_total", "Tries of Git operations that were made again.", "reason"),
		requests:  counter("forge_requests_total", "Requests that were sent to a forge's API.", "host"),
		failures:  counter("forge_errors_total", "Requests to a forge's API that it refused or did not answer, but for what it does not have.", "host", "status"),
		remaining: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: prefix + "forge_rate_remaining", Help: "Requests that a forge said are left of its rate limit."}, []string{"host"}),
		found:     map[Key]finding{},
		apps:      map[application.Name]int{},
		hosts:     map[string]bool{},
	}
}

func (m *metrics) collectors() []prometheus.Collector {
	return []prometheus.Collector{m.verdicts, m.outcomes, m.toCommit, m.leadTime, m.retries, m.requests, m.failures, m.remaining}
}

// Describe makes it a prometheus.Collector.
func (m *metrics) Describe(ch chan<- *prometheus.Desc) {
	ch <- m.experiments
	for _, c := range m.collectors() {
		c.Describe(ch)
	}
}

// Collect makes it a prometheus.Collector. An environment whose branch Applications name
// in several ways counts once.
func (m *metrics) Collect(ch chan<- prometheus.Metric) {
	m.mu.Lock()
	all := map[Key]state{}
	for _, f := range m.found {
		all[f.at] = f.state
	}
	m.mu.Unlock()
	count := map[state]int{}
	for _, s := range all {
		count[s]++
	}
	for _, s := range states {
		ch <- prometheus.MustNewConstMetric(m.experiments, prometheus.GaugeValue, float64(count[s]), string(s))
	}
	for _, c := range m.collectors() {
		c.Collect(ch)
	}
}

// look keeps what a look at an environment found. Applications that are new have series
// from now on, at zero, so that their first promotion is an increase.
func (m *metrics) look(key, at Key, s state, sites []site) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := finding{at: at, state: s}
	for _, of := range sites {
		if name := of.app.Name; of.key == key && !slices.Contains(now.apps, name) {
			now.apps = append(now.apps, name)
		}
	}
	for _, name := range now.apps {
		if m.apps[name]++; m.apps[name] == 1 {
			for _, outcome := range []decision.Outcome{decision.Promote, decision.Reject} {
				m.outcomes.WithLabelValues(name.Namespace, name.Name, string(outcome))
			}
			m.leadTime.WithLabelValues(name.Namespace, name.Name)
		}
	}
	m.drop(m.found[key].apps)
	m.found[key] = now
}

// gone forgets an environment that nothing deploys any more.
func (m *metrics) gone(key Key) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.drop(m.found[key].apps)
	delete(m.found, key)
}

// drop takes away the series of Applications that deploy nothing else.
func (m *metrics) drop(apps []application.Name) {
	for _, name := range apps {
		if m.apps[name]--; m.apps[name] > 0 {
			continue
		}
		delete(m.apps, name)
		labels := prometheus.Labels{"application_namespace": name.Namespace, "application": name.Name}
		m.outcomes.DeletePartialMatch(labels)
		m.leadTime.DeletePartialMatch(labels)
	}
}

// told counts an outcome that is new to people.
func (m *metrics) told(app application.Name, o Outcome) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.apps[app] == 0 {
		return // it went away meanwhile
	}
	m.outcomes.WithLabelValues(app.Namespace, app.Name, o.label()).Inc()
}

// promoted tells how long a promotion took from its candidate's commit.
func (m *metrics) promoted(apps []application.Name, took time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, app := range apps {
		if m.apps[app] > 0 {
			m.leadTime.WithLabelValues(app.Namespace, app.Name).Observe(max(took, 0).Seconds())
		}
	}
}

// committed tells how long a verdict waited for its commit.
func (m *metrics) committed(outcome decision.Outcome, took time.Duration) {
	m.toCommit.WithLabelValues(string(outcome)).Observe(max(took, 0).Seconds())
}

// verdict counts one.
func (m *metrics) verdict(v decision.Outcome) { m.verdicts.WithLabelValues(string(v)).Inc() }

// retry counts a try of Git that is made again.
func (m *metrics) retry(moved bool) {
	reason := "unavailable"
	if moved {
		reason = "moved"
	}
	m.retries.WithLabelValues(reason).Inc()
}

// answered counts a request to a forge. That something is not there is an answer.
func (m *metrics) answered(a forge.Answer) {
	host := m.host(a.Host)
	m.requests.WithLabelValues(host).Inc()
	if a.Remaining >= 0 {
		m.remaining.WithLabelValues(host).Set(float64(a.Remaining))
	}
	switch {
	case a.Status == 0:
		m.failures.WithLabelValues(host, "none").Inc()
	case a.Status >= 400 && a.Status < 600 && a.Status != http.StatusNotFound:
		m.failures.WithLabelValues(host, strconv.Itoa(a.Status)).Inc()
	}
}

func (m *metrics) host(name string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.hosts[name] && len(m.hosts) >= mostHosts {
		return otherHosts
	}
	m.hosts[name] = true
	return name
}
