package experiment

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/assaydev/assay/internal/engine"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// A rule refuses an object by name, with the fix. An object's rules run in
// order, and the first that fails is reported.
type rule func(r resource, in Input, opt Options) error

func rules() []rule {
	return []rule{identified, kindAllowed, inNamespace, noHook, noReplace, leavesNoTrace, knownRole, keepsVerdict, engineReads, judgesWell}
}

// check applies the rules to every object as its author wrote it.
func check(resources []resource, in Input, opt Options) error {
	for _, r := range resources {
		for _, rule := range rules() {
			if err := rule(r, in, opt); err != nil {
				return err
			}
		}
	}
	return nil
}

func identified(r resource, _ Input, _ Options) error {
	o := r.object
	switch {
	case o.GetGenerateName() != "":
		return r.errorf("metadata.generateName makes another object at every sync: use metadata.name; the ID makes it unique")
	case o.GetAPIVersion() == "":
		return r.errorf("apiVersion is missing: add it")
	case o.GetKind() == "":
		return r.errorf("kind is missing: add it")
	case o.GetName() == "":
		return r.errorf("metadata.name is missing, or is not a string: add it")
	}
	for _, field := range []string{"labels", "annotations"} {
		if _, _, err := unstructured.NestedStringMap(o.Object, "metadata", field); err != nil {
			return r.errorf("metadata.%s has a value that is not a string: quote it", field)
		}
	}
	return nil
}

func kindAllowed(r resource, _ Input, opt Options) error {
	gk := r.object.GroupVersionKind().GroupKind()
	if allowed(gk, opt) {
		return nil
	}
	return r.errorf("kind %s may not be injected: put it into the environment itself, or let the operator of the plugin allow it", gk)
}

func inNamespace(r resource, in Input, _ Options) error {
	ns := r.object.GetNamespace()
	if ns == "" || in.Namespace == "" && in.Destination == "" {
		return nil
	}
	known := []string{in.Namespace, in.Destination}
	for _, t := range in.Targets {
		known = append(known, t.Baseline.Namespace, t.Candidate.Namespace)
	}
	if slices.Contains(known, ns) {
		return nil
	}
	return r.errorf("metadata.namespace is %s, and the application's is %s: remove the field, or use {{ .Namespace }} in a template", ns, cmp.Or(in.Destination, in.Namespace))
}

func noHook(r resource, _ Input, _ Options) error {
	for _, key := range []string{"argocd.argoproj.io/hook", "helm.sh/hook"} {
		if _, ok := r.object.GetAnnotations()[key]; ok {
			return r.errorf("the annotation %s makes it a hook, which Argo CD deletes and runs again at every sync: remove it", key)
		}
	}
	return nil
}

func noReplace(r resource, _ Input, _ Options) error {
	const key = "argocd.argoproj.io/sync-options"
	for option := range strings.SplitSeq(r.object.GetAnnotations()[key], ",") {
		if option = strings.TrimSpace(option); option == "Replace=true" || option == "Force=true" {
			return r.errorf("the annotation %s: %s recreates it at every sync, which runs the experiment again: remove it", key, option)
		}
	}
	return nil
}

func knownRole(r resource, _ Input, _ Options) error {
	role, ok := r.object.GetAnnotations()[engine.RoleAnnotation]
	if !ok || role == engine.RoleLoad {
		return nil
	}
	return r.errorf("the annotation %s is %q: the only role is %q; an object without it judges", engine.RoleAnnotation, role, engine.RoleLoad)
}

// keepsVerdict refuses what deletes an object once it is done. Argo CD would
// also create it again, and so run it again.
func keepsVerdict(r resource, _ Input, _ Options) error {
	fields := [][]string{{"spec", "ttlSecondsAfterFinished"}, {"spec", "ttlStrategy"}, {"spec", "jobTemplate", "spec", "ttlSecondsAfterFinished"}}
	if r.object.GroupVersionKind().Group == "k6.io" {
		fields = append(fields, []string{"spec", "cleanup"})
	}
	for _, path := range fields {
		if v, ok, _ := unstructured.NestedFieldNoCopy(r.object.Object, path...); ok && v != nil {
			return r.errorf("%s deletes the verdict and makes Argo CD run it again: remove it; to end it in time use activeDeadlineSeconds or the engine's own duration", strings.Join(path, "."))
		}
	}
	return nil
}

func engineReads(r resource, in Input, _ Options) error {
	e, ok := in.engines().Of(r.object)
	if version := r.object.GroupVersionKind().Version; ok && !e.Reads(version) {
		return r.errorf("the version %s of %s is not known: use %s", version, e.Name, e.APIVersions())
	}
	return nil
}

// judgesWell refuses an object whose verdict would be none, or not evidence.
func judgesWell(r resource, in Input, _ Options) error {
	if !in.engines().Judges(r.object) {
		return nil
	}
	body, _ := r.object.Object["spec"].(map[string]any)
	var reason string
	switch e, _ := in.engines().Of(r.object); e.Name {
	case "Job":
		reason = jobFault(body)
	case "k6":
		if !isNumber(body["parallelism"]) {
			reason = "spec.parallelism is missing, and says how many runners must pass: add it"
		}
	case "Argo Rollouts AnalysisRun":
		if len(list(body["metrics"])) == 0 {
			reason = "spec.metrics is missing: a standalone AnalysisRun cannot name a template: write the metrics inline"
		}
	case "Argo Rollouts Experiment":
		reason = analysesFault(list(body["analyses"]))
	case "Flagger":
		if body["skipAnalysis"] == true {
			reason = "spec.skipAnalysis: true promotes without evidence: remove it"
		}
	}
	if reason == "" {
		return nil
	}
	return r.errorf("%s", reason)
}

func jobFault(body map[string]any) string {
	if limit := body["backoffLimit"]; limit != int64(0) {
		return "a Job that judges must not try again: set spec.backoffLimit: 0 (or, if it is only load, the annotation " + engine.RoleAnnotation + ": " + engine.RoleLoad + ")"
	}
	return ""
}

func analysesFault(analyses []any) string {
	if len(analyses) == 0 {
		return "spec.analyses is missing: without one it succeeds without evidence: add an analysis"
	}
	for i, a := range analyses {
		if m, _ := a.(map[string]any); m["requiredForCompletion"] != true {
			return fmt.Sprintf("spec.analyses[%d] may still run when the Experiment ends: set requiredForCompletion: true", i)
		}
	}
	return ""
}

func list(v any) []any {
	l, _ := v.([]any)
	return l
}

func isNumber(v any) bool {
	_, ok := v.(int64)
	return ok
}
