package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/assaydev/assay/internal/cli"
	"github.com/assaydev/assay/internal/digest"
	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/span"
	"github.com/assaydev/assay/plugin/cmp"
	"github.com/assaydev/assay/promote/controller"
)

// traced reports whether OpenTelemetry's variables ask for traces: they name a collector,
// and do not turn it off.
// https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
func (d *daemon) traced() (bool, error) {
	value := func(names ...string) string {
		for _, name := range names {
			if v, _ := d.env(name); v != "" {
				return v
			}
		}
		return ""
	}
	exporter := value("OTEL_TRACES_EXPORTER")
	named := value("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT") != ""
	switch {
	case strings.EqualFold(value("OTEL_SDK_DISABLED"), "true") || exporter == "none" || exporter == "" && !named:
		return false, nil
	case exporter != "" && exporter != "otlp":
		return false, cli.Usagef("OTEL_TRACES_EXPORTER=%s: only otlp and none are supported", excerpt.Of(exporter, 40))
	}
	if p := value("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"); p != "" && p != "http/protobuf" {
		return false, cli.Usagef("OTEL_EXPORTER_OTLP_PROTOCOL=%s: only http/protobuf is supported: collectors take it on port 4318", excerpt.Of(p, 40))
	}
	return true, nil
}

// tracer exports what the daemon did as OpenTelemetry's variables say. Its stop sends what is left, until
// ctx ends.
type tracer struct {
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
}

func newTracer(ctx context.Context, service string, logger *slog.Logger) (*tracer, error) {
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, fmt.Errorf("set up traces: %w", err)
	}
	of, err := resource.New(ctx, resource.WithAttributes(attribute.String("service.name", service)), resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("set up traces: read OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { logger.Info("traces are not sent", "error", err.Error()) }))
	p := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(of), sdktrace.WithIDGenerator(ids{}))
	return &tracer{p, p.Tracer("github.com/assaydev/assay")}, nil
}

func (t *tracer) stop(ctx context.Context) error { return t.provider.Shutdown(ctx) }

// close stops it at the end of the process, whose ctx has ended: a collector that does not
// answer is waited for a little.
func (t *tracer) close(ctx context.Context) {
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_ = t.stop(last)
}

// send exports a look as a part of its candidate's trace. The span of the candidate itself
// is sent once it is decided; looks that came before name it as their parent already.
func (t *tracer) send(of controller.Trace) {
	common := []attribute.KeyValue{
		attribute.Stringer("assay.environment", of.Environment), attribute.String("assay.experiment.id", of.Digest.ID()),
		attribute.String("assay.candidate", excerpt.Of(of.Candidate, 200)), attribute.StringSlice("assay.applications", of.Applications),
		attribute.String("vcs.repository.url.full", of.Repo), attribute.String("vcs.ref.head.name", of.Branch),
		attribute.String("assay.outcome", string(of.Outcome)), attribute.String("assay.commit", of.Commit),
	}
	ctx, candidate := t.tracer.Start(context.WithValue(context.Background(), digestKey{}, of.Digest), "candidate",
		trace.WithNewRoot(), trace.WithTimestamp(of.Began), trace.WithAttributes(common...))
	t.parts(ctx, of.Spans, common)
	if of.Ended {
		candidate.End(trace.WithTimestamp(of.Spans[0].End))
	}
}

// call exports a call of the plugin as a part of its caller's trace.
func (t *tracer) call(of cmp.Trace) {
	service, method, _ := strings.Cut(of.RPC, "/")
	ctx, call := t.tracer.Start(trace.ContextWithRemoteSpanContext(context.Background(), of.Caller), of.RPC,
		trace.WithSpanKind(trace.SpanKindServer), trace.WithTimestamp(of.Start), trace.WithAttributes(
			attribute.String("rpc.system", "grpc"), attribute.String("rpc.service", service), attribute.String("rpc.method", method), attribute.Int("rpc.grpc.status_code", int(of.Code)),
			attribute.String("assay.application", of.App), attribute.String("assay.environment", of.Dir), attribute.String("assay.made", of.Made),
			attribute.Int64("assay.archive.bytes", of.Bytes), attribute.Int64("assay.archive.wait_ms", of.Waited.Milliseconds()), attribute.Int("assay.objects", of.Objects),
		))
	t.parts(ctx, of.Spans, nil)
	if of.Err != nil {
		call.SetStatus(codes.Error, excerpt.Of(of.Err.Error(), 500))
	}
	call.End(trace.WithTimestamp(of.End))
}

// parts exports what a piece of work is made of. Those at the top have common, too.
func (t *tracer) parts(ctx context.Context, spans []span.Span, common []attribute.KeyValue) {
	within := make([]context.Context, len(spans))
	for i, s := range spans {
		parent := ctx
		if s.Parent >= 0 {
			parent = within[s.Parent]
		}
		var attributes []attribute.KeyValue
		if s.Parent < 0 {
			attributes = common
		}
		for _, a := range s.Attributes {
			attributes = append(attributes, attribute.String("assay."+a.Key, a.Value))
		}
		inner, part := t.tracer.Start(parent, s.Name, trace.WithTimestamp(s.Start), trace.WithAttributes(attributes...))
		within[i] = inner
		if s.Err != nil {
			part.SetStatus(codes.Error, excerpt.Of(s.Err.Error(), 500))
		}
		part.End(trace.WithTimestamp(s.End))
	}
}

type digestKey struct{}

// ids names the trace of a candidate, and its span, by the experiment's digest, so that looks
// of several processes join.
type ids struct{}

// NewIDs implements the IDGenerator of the SDK.
func (ids) NewIDs(ctx context.Context) (t trace.TraceID, s trace.SpanID) {
	d, _ := ctx.Value(digestKey{}).(digest.Digest)
	_, digits, _ := strings.Cut(string(d), ":")
	sum, err := hex.DecodeString(digits)
	if err != nil || copy(t[:], sum) < len(t) || copy(s[:], sum[len(t):]) < len(s) {
		_, _ = rand.Read(t[:])
		_, _ = rand.Read(s[:])
	}
	return t, s
}

// NewSpanID implements the IDGenerator of the SDK.
func (ids) NewSpanID(context.Context, trace.TraceID) (s trace.SpanID) {
	_, _ = rand.Read(s[:])
	return s
}
