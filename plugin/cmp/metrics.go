package cmp

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof" // it adds itself to the default handler, which nothing serves
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/assaydev/assay/internal/excerpt"
)

// metrics are the figures of a server, in Prometheus' form. No label is a text of others.
type metrics struct {
	server *server

	calls   *prometheus.CounterVec
	seconds *prometheus.HistogramVec
	parts   *prometheus.HistogramVec
	sources *prometheus.CounterVec
	bytes   *prometheus.CounterVec

	kept     *prometheus.Desc
	running  *prometheus.Desc
	waiting  *prometheus.Desc
	workers  *prometheus.Desc
	launched *prometheus.Desc
}

func newMetrics(s *server) *metrics {
	const prefix = "assay_cmp_"
	buckets := []float64{.001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 2, 5, 10, 30, 60}
	return &metrics{
		server:  s,
		calls:   prometheus.NewCounterVec(prometheus.CounterOpts{Name: prefix + "requests_total", Help: "Calls by method and gRPC code."}, []string{"method", "code"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: prefix + "request_seconds", Help: "How long calls took.", Buckets: buckets}, []string{"method"}),
		parts: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: prefix + "part_seconds", Help: "How long the parts of calls took: receive, with extract (the work of unpacking); make, with waiting, render, inject and print; send.", Buckets: buckets,
		}, []string{"part"}),
		sources:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: prefix + "results_total", Help: "Results by where they came from."}, []string{"source"}),
		bytes:    prometheus.NewCounterVec(prometheus.CounterOpts{Name: prefix + "received_bytes_total", Help: "Bytes of archives."}, []string{"method"}),
		kept:     prometheus.NewDesc(prefix+"cache_bytes", "What is kept, by kind.", []string{"kind"}, nil),
		running:  prometheus.NewDesc(prefix+"renders_running", "Renders that run.", nil, nil),
		waiting:  prometheus.NewDesc(prefix+"renders_waiting", "Renders that wait for their turn.", nil, nil),
		workers:  prometheus.NewDesc(prefix+"workers", "Processes that render.", nil, nil),
		launched: prometheus.NewDesc(prefix+"workers_started_total", "Processes that were started to render.", nil, nil),
	}
}

func (m *metrics) vectors() []prometheus.Collector {
	return []prometheus.Collector{m.calls, m.seconds, m.parts, m.sources, m.bytes}
}

// Describe makes it a prometheus.Collector.
func (m *metrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{m.kept, m.running, m.waiting, m.workers, m.launched} {
		ch <- d
	}
	for _, v := range m.vectors() {
		v.Describe(ch)
	}
}

// Collect makes it a prometheus.Collector.
func (m *metrics) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	made := m.server.maker
	gauge(m.kept, float64(made.results.Bytes()), "results")
	gauge(m.kept, float64(m.server.trees.kept.Bytes()), "archives")
	gauge(m.kept, float64(made.known.Bytes()), "objects")
	running, waiting := made.gate.Load()
	plain, plainWaiting := made.plain.Load()
	gauge(m.running, float64(running+plain))
	gauge(m.waiting, float64(waiting+plainWaiting))
	if made.pool != nil {
		workers, started := made.pool.Count()
		gauge(m.workers, float64(workers))
		ch <- prometheus.MustNewConstMetric(m.launched, prometheus.CounterValue, float64(started))
	}
	for _, v := range m.vectors() {
		v.Collect(ch)
	}
}

// ended counts a call.
func (m *metrics) ended(method string, e *entry, took time.Duration, spent map[string]time.Duration, err error) {
	m.calls.WithLabelValues(method, codeOf(err).String()).Inc()
	m.seconds.WithLabelValues(method).Observe(took.Seconds())
	for _, part := range measured {
		if d := spent[part]; d > 0 {
			m.parts.WithLabelValues(part).Observe(d.Seconds())
		}
	}
	if source := e.source(); source != "" {
		m.sources.WithLabelValues(string(source)).Inc()
	}
	if e.in != nil {
		m.bytes.WithLabelValues(method).Add(float64(e.in.count.Load()))
	}
}

// source is where the result came from; empty where there is none.
func (e *entry) source() found {
	if e.where == "" && e.cache == byArchive {
		return byArchive
	}
	return e.where
}

// observe serves the metrics and profiles that are asked for, until end is called.
func (s *server) observe(ctx context.Context) (end func(), err error) {
	var servers []*http.Server
	end = func() {
		for _, h := range servers {
			_ = h.Close()
		}
	}
	listen := func(what, address string, handler http.Handler) error {
		var config net.ListenConfig
		l, err := config.Listen(ctx, "tcp", address)
		if err != nil {
			return fmt.Errorf("listen for %s on %s: %w", what, address, excerpt.Cause(err))
		}
		h := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
		servers = append(servers, h)
		go func() { _ = h.Serve(l) }()
		return nil
	}
	if s.opt.Metric != "" {
		registry := prometheus.NewRegistry()
		registry.MustRegister(s.metrics, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
		mux := http.NewServeMux()
		mux.Handle("/metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
		mux.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
		if err := listen("metrics", s.opt.Metric, mux); err != nil {
			return nil, err
		}
	}
	if s.opt.Pprof != "" {
		mux := http.NewServeMux()
		mux.HandleFunc("/debug/pprof/", pprof.Index)
		mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
		mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
		mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
		if err := listen("profiles", s.opt.Pprof, mux); err != nil {
			end()
			return nil, err
		}
	}
	return end, nil
}
