package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/digest"
	"github.com/assaydev/assay/internal/span"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/promote/controller"
)

// TestTraced: OpenTelemetry's variables turn traces on and off, and what is not supported is
// refused.
func TestTraced(t *testing.T) {
	const endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT"
	for _, test := range []struct {
		env  map[string]string
		on   bool
		want string
	}{
		{map[string]string{}, false, ""},
		{map[string]string{endpoint: "http://c:4318"}, true, ""},
		{map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c:4318/v1/traces"}, true, ""},
		{map[string]string{"OTEL_TRACES_EXPORTER": "otlp"}, true, ""},
		{map[string]string{endpoint: "http://c:4318", "OTEL_TRACES_EXPORTER": "none"}, false, ""},
		{map[string]string{endpoint: "http://c:4318", "OTEL_SDK_DISABLED": "TRUE"}, false, ""},
		{map[string]string{endpoint: "http://c:4318", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, true, ""},
		{map[string]string{endpoint: "http://c:4317", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, false, "OTEL_EXPORTER_OTLP_PROTOCOL=grpc: only http/protobuf is supported"},
		{map[string]string{"OTEL_TRACES_EXPORTER": "zipkin"}, false, "OTEL_TRACES_EXPORTER=zipkin: only otlp and none are supported"},
	} {
		d := &daemon{env: func(name string) (string, bool) { v, ok := test.env[name]; return v, ok }}
		on, err := d.traced()
		if on != test.on || (err != nil) != (test.want != "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%v: %t, %v", test.env, on, err)
		}
	}
	if code, _, messages := daemonRuns(t, map[string]string{"OTEL_TRACES_EXPORTER": "zipkin"}, "promoter"); code != exitUsage || !strings.Contains(messages, "only otlp and none") {
		t.Errorf("exit code %d, %s", code, messages)
	}
}

// received is a collector of OpenTelemetry's.
type received struct {
	mu    sync.Mutex
	spans []*otlp.Span
	of    []string // attributes of the resource
}

func (c *received) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		unpacked, err := gzip.NewReader(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		body = unpacked
	}
	data, err := io.ReadAll(body)
	var req collector.ExportTraceServiceRequest
	if err == nil {
		err = proto.Unmarshal(data, &req)
	}
	if err != nil || r.URL.Path != "/v1/traces" {
		http.Error(w, "not a trace", http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, rs := range req.GetResourceSpans() {
		for _, a := range rs.GetResource().GetAttributes() {
			c.of = append(c.of, a.GetKey()+"="+a.GetValue().GetStringValue())
		}
		for _, ss := range rs.GetScopeSpans() {
			c.spans = append(c.spans, ss.GetSpans()...)
		}
	}
}

// TestTracesJoin: looks of two processes at one candidate are one trace, whose span is sent by the
// one that sees its end.
func TestTracesJoin(t *testing.T) {
	c := &received{}
	server := httptest.NewServer(c)
	defer server.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.URL)
	t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=test")
	tested := digest.Of([]byte("what is tested"))
	began := time.Now().Add(-time.Hour).Truncate(time.Second)
	for i, outcome := range []decision.Outcome{decision.Hold, decision.Promote} {
		tr, err := newTracer(t.Context(), "assay-promoter", slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		look := controller.Trace{
			Environment: spec.Environment{Dir: "prod"}, Applications: []string{"argocd/shop"}, Digest: tested, Outcome: outcome, Ended: i == 1, Began: began,
			Spans: []span.Span{{Name: "look", Parent: -1, Start: time.Now(), End: time.Now()}, {Name: "fetch", Start: time.Now(), End: time.Now(), Err: errors.New("away")}},
		}
		tr.send(look)
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		if err := tr.stop(ctx); err != nil {
			t.Fatal(err)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !slices.Contains(c.of, "service.name=assay-promoter") || !slices.Contains(c.of, "deployment.environment=test") {
		t.Errorf("they are of %q", c.of)
	}
	_, digits, _ := strings.Cut(string(tested), ":")
	named := map[string][]*otlp.Span{}
	for _, s := range c.spans {
		named[s.GetName()] = append(named[s.GetName()], s)
		if hex.EncodeToString(s.GetTraceId()) != digits[:32] {
			t.Errorf("%s is of the trace %x, and the digest is %s", s.GetName(), s.GetTraceId(), tested)
		}
	}
	if len(named["candidate"]) != 1 || len(named["look"]) != 2 || len(named["fetch"]) != 2 {
		t.Fatalf("sent %v", c.spans)
	}
	candidate := named["candidate"][0]
	if hex.EncodeToString(candidate.GetSpanId()) != digits[32:48] || len(candidate.GetParentSpanId()) != 0 || candidate.GetStartTimeUnixNano() != uint64(began.UnixNano()) {
		t.Errorf("the candidate is %v", candidate)
	}
	for i := range 2 {
		look, fetch := named["look"][i], named["fetch"][i]
		if !slices.Equal(look.GetParentSpanId(), candidate.GetSpanId()) || !slices.Equal(fetch.GetParentSpanId(), look.GetSpanId()) {
			t.Errorf("%v is not below %v below the candidate", fetch, look)
		}
		if fetch.GetStatus().GetMessage() != "away" || fetch.GetStatus().GetCode() != otlp.Status_STATUS_CODE_ERROR {
			t.Errorf("its status is %v", fetch.GetStatus())
		}
	}
}

// TestTracesOfNobody: a collector that is not there keeps nothing waiting but the end, and that for
// as long as it is allowed to; that nothing is sent is logged.
func TestTracesOfNobody(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.URL)
	var log bytes.Buffer
	tr, err := newTracer(t.Context(), "assay-promoter", slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	look := controller.Trace{Digest: digest.Of(nil), Began: time.Now(), Spans: []span.Span{{Name: "look", Parent: -1}}}
	for range 10_000 {
		tr.send(look)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	began := time.Now()
	_ = tr.stop(ctx)
	if took := time.Since(began); took > time.Minute {
		t.Errorf("it ends after %s", took)
	}
	if !strings.Contains(log.String(), "traces are not sent") {
		t.Errorf("it is logged: %s", log.String())
	}
}

// TestCallsTraced: a call of the plugin is a span below the caller's, with its parts below it, from
// whichever process they are.
func TestCallsTraced(t *testing.T) {
	c := &received{}
	server := httptest.NewServer(c)
	defer server.Close()
	client, stop := served(t, "OTEL_EXPORTER_OTLP_ENDPOINT="+server.URL)
	candidate := map[string]string{
		"prod/web.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  selector: {matchLabels: {app: web}}\n  template:\n" +
			"    metadata: {labels: {app: web}}\n    spec: {containers: [{name: web, image: 'example.com/web:1.0.0'}]}\n",
		"prod/candidate.yaml": "apiVersion: assay.dev/v1alpha1\nkind: Candidate\nmetadata: {name: next}\nspec: {images: [{name: example.com/web, newTag: 2.0.0}]}\n",
	}
	broken := map[string]string{"prod/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n", "prod/templates/web.yaml": `{{ fail "no" }}`}
	calls := []struct {
		parent, state string
		files         map[string]string
		want          map[string]string // parts, and what each is below
		status        otlp.Status_StatusCode
		made          string
	}{
		{
			strings.Repeat("a1", 16) + "-" + strings.Repeat("b1", 8) + "-01", "vendor=1", candidate,
			map[string]string{"receive": "", "extract": "receive", "make": "", "render": "make", "inject": "render", "print": "make", "send": ""},
			0, "worker",
		},
		{strings.Repeat("a2", 16) + "-" + strings.Repeat("b2", 8) + "-01", "", candidate, map[string]string{"receive": "", "send": ""}, 0, "archive"},
		{strings.Repeat("a3", 16) + "-" + strings.Repeat("b3", 8) + "-01", "", broken, map[string]string{"receive": "", "extract": "receive", "make": ""}, otlp.Status_STATUS_CODE_ERROR, ""},
		{strings.Repeat("a4", 16) + "-" + strings.Repeat("b4", 8) + "-00", "", candidate, nil, 0, ""}, // not sampled
		{"none", "", candidate, map[string]string{"receive": "", "send": ""}, 0, "archive"},           // a trace of its own
	}
	for _, call := range calls {
		ctx := metadata.AppendToOutgoingContext(t.Context(), "traceparent", "00-"+call.parent, "tracestate", call.state)
		if _, err := generated(ctx, t, client, call.files); (err != nil) != (call.status != 0) {
			t.Fatal(err)
		}
	}
	stop()
	c.mu.Lock()
	defer c.mu.Unlock()
	if !slices.Contains(c.of, "service.name=assay-cmp") {
		t.Errorf("they are of %q", c.of)
	}
	traces := map[string][]*otlp.Span{}
	for _, s := range c.spans {
		id := hex.EncodeToString(s.GetTraceId())
		traces[id] = append(traces[id], s)
	}
	for _, call := range calls {
		trace, parent, _ := strings.Cut(strings.TrimSuffix(strings.TrimSuffix(call.parent, "-01"), "-00"), "-")
		spans := traces[trace]
		delete(traces, trace)
		if call.parent == "none" {
			for id := range traces {
				spans = traces[id]
			}
		}
		names := map[string]string{hex.EncodeToString(nil): ""}
		for _, s := range spans {
			names[hex.EncodeToString(s.GetSpanId())] = s.GetName()
		}
		got := map[string]string(nil)
		for _, s := range spans {
			if s.GetKind() != otlp.Span_SPAN_KIND_SERVER {
				if got == nil {
					got = map[string]string{}
				}
				got[s.GetName()] = strings.TrimPrefix(names[hex.EncodeToString(s.GetParentSpanId())], "plugin.ConfigManagementPluginService/GenerateManifest")
				continue
			}
			if s.GetName() != "plugin.ConfigManagementPluginService/GenerateManifest" || hex.EncodeToString(s.GetParentSpanId()) != parent || s.GetTraceState() != call.state || s.GetStatus().GetCode() != call.status {
				t.Errorf("the call is %v", s)
			}
			for _, want := range []string{"assay.application=shop", "assay.environment=prod", "assay.made=" + call.made, "rpc.method=GenerateManifest"} {
				if !slices.ContainsFunc(s.GetAttributes(), func(a *common.KeyValue) bool { return a.GetKey()+"="+a.GetValue().GetStringValue() == want }) {
					t.Errorf("%s has no %s: %v", trace, want, s.GetAttributes())
				}
			}
		}
		if !maps.Equal(got, call.want) {
			t.Errorf("%s has the parts %v, want %v", trace, got, call.want)
		}
	}
}
