package experiment

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Engine is a kind whose objects say how a candidate did.
type Engine struct {
	Name     string
	Group    string
	Kind     string
	Versions []string
	RunsOnce bool // an object that has run never runs again: its name must hold the ID
}

// Engines are the built-in ones.
func Engines() []Engine {
	return []Engine{
		{"Iter8", "iter8.tools", "Experiment", []string{"v2alpha2"}, true},
		{"Argo Rollouts AnalysisRun", "argoproj.io", "AnalysisRun", []string{"v1alpha1"}, true},
		{"Argo Rollouts Experiment", "argoproj.io", "Experiment", []string{"v1alpha1"}, true},
		{"Argo Rollouts Rollout", "argoproj.io", "Rollout", []string{"v1alpha1"}, false},
		{"Job", "batch", "Job", []string{"v1"}, true},
		{"k6", "k6.io", "TestRun", []string{"v1alpha1"}, true},
		{"Flagger", "flagger.app", "Canary", []string{"v1beta1"}, false},
	}
}

// EngineOf returns the engine that an object belongs to, whatever its version.
func EngineOf(o *unstructured.Unstructured) (Engine, bool) {
	gvk := o.GroupVersionKind()
	engines := Engines()
	i := slices.IndexFunc(engines, func(e Engine) bool { return e.Group == gvk.Group && e.Kind == gvk.Kind })
	if i < 0 {
		return Engine{}, false
	}
	return engines[i], true
}

// RoleAnnotation marks an object of an engine as load: it does not judge.
const (
	RoleAnnotation = "assay.dev/role"
	RoleLoad       = "load"
)

// Judges reports whether the object's outcome decides about the candidate.
func Judges(o *unstructured.Unstructured) bool {
	_, known := EngineOf(o)
	return known && o.GetAnnotations()[RoleAnnotation] != RoleLoad
}

func (e Engine) reads(version string) bool { return slices.Contains(e.Versions, version) }

func (e Engine) apiVersions() string {
	var out []string
	for _, v := range e.Versions {
		out = append(out, e.Group+"/"+v)
	}
	return strings.Join(out, ", ")
}
