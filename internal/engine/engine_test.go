package engine_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/assaydev/assay/internal/engine"
	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/spec"
)

func of(apiVersion, kind, name string, annotations map[string]string) *unstructured.Unstructured {
	o := &unstructured.Unstructured{Object: map[string]any{"apiVersion": apiVersion, "kind": kind}}
	o.SetName(name)
	o.SetAnnotations(annotations)
	return o
}

func TestBuiltIn(t *testing.T) {
	want := []string{
		"Experiment.iter8.tools", "AnalysisRun.argoproj.io", "Experiment.argoproj.io", "Rollout.argoproj.io",
		"Job.batch", "TestRun.k6.io", "Canary.flagger.app",
	}
	if diff := cmp.Diff(want, engine.With(nil).Kinds()); diff != "" {
		t.Error(diff)
	}
	for _, e := range engine.With(nil) {
		if !e.Reads(e.Versions[0]) || e.Reads("v99") || e.APIVersions() != e.Group+"/"+e.Versions[0] {
			t.Errorf("%+v", e)
		}
		again := e.Kind == "Rollout" || e.Kind == "Canary"
		if e.RunsOnce == again {
			t.Errorf("%s runs once: %v", e.Name, e.RunsOnce)
		}
		if e.Dated != (e.Kind == "Canary") || e.Dated != strings.Contains(e.Promote, "> expect.since") {
			t.Errorf("%s is dated: %v", e.Name, e.Dated)
		}
	}
}

func TestJudging(t *testing.T) {
	load := map[string]string{engine.RoleAnnotation: engine.RoleLoad}
	objs := []*unstructured.Unstructured{
		of("batch/v1", "Job", "b", nil), of("batch/v1", "Job", "load", load), of("v1", "ConfigMap", "c", nil),
		of("example.com/v1", "Smoke", "s", nil), of("example.com/v1", "Job", "j", nil), of("batch/v1", "Job", "a", nil),
	}
	names := func(keys []object.Key) []string {
		var out []string
		for _, key := range keys {
			out = append(out, key.String())
		}
		return out
	}
	if got := names(engine.With(nil).Judging(objs)); !slices.Equal(got, []string{"Job/b", "Job/a"}) {
		t.Errorf("built in: %v", got)
	}
	custom := []spec.Engine{{Group: "example.com", Kind: "Smoke", Concluded: "true", Promote: "true", Reject: "false"}}
	if got := names(engine.With(custom).Judging(objs)); !slices.Equal(got, []string{"Job/b", "Smoke/s", "Job/a"}) {
		t.Errorf("with the plan's: %v", got)
	}
}

// TestCustomComesFirst: a set holds each kind once, and the plan's is meant.
func TestCustomComesFirst(t *testing.T) {
	set := engine.With([]spec.Engine{{Group: "batch", Kind: "Job", Concluded: "a", Promote: "b", Reject: "c", Message: "d"}})
	want := engine.Engine{Name: "Job.batch", Group: "batch", Kind: "Job", RunsOnce: true, Custom: true, Concluded: "a", Promote: "b", Reject: "c", Message: "d"}
	got, ok := set.OfKind(schema.GroupKind{Group: "batch", Kind: "Job"})
	if diff := cmp.Diff(want, got); !ok || diff != "" {
		t.Error(diff)
	}
	if len(set) != len(engine.With(nil)) {
		t.Errorf("%v", set.Kinds())
	}
	if !got.Reads("v99") || got.APIVersions() != "" {
		t.Error("a version is asked of it")
	}
	if e, _ := engine.With(nil).OfKind(schema.GroupKind{Group: "batch", Kind: "Job"}); e.Name != "Job" {
		t.Error("the plan's engine stays")
	}
}
