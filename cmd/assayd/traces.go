package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	"strings"

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

// tracer exports looks as OpenTelemetry's variables say. Its stop sends what is left, until
// ctx ends.
type tracer struct {
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
}

func newTracer(ctx context.Context, logger *slog.Logger) (*tracer, error) {
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, fmt.Errorf("set up traces: %w", err)
	}
	of, err := resource.New(ctx, resource.WithAttributes(attribute.String("service.name", "assay-promoter")), resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("set up traces: read OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { logger.Info("traces are not sent", "error", err.Error()) }))
	p := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(of), sdktrace.WithIDGenerator(ids{}))
	return &tracer{p, p.Tracer("github.com/assaydev/assay")}, nil
}

func (t *tracer) stop(ctx context.Context) error { return t.provider.Shutdown(ctx) }

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
	within := make([]context.Context, len(of.Spans))
	for i, s := range of.Spans {
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
	if of.Ended {
		candidate.End(trace.WithTimestamp(of.Spans[0].End))
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
