//go:build e2e

package e2e_test

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/argoproj/gitops-engine/pkg/sync/common"
	"github.com/argoproj/gitops-engine/pkg/sync/hook"
	"github.com/argoproj/gitops-engine/pkg/utils/kube"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// split takes the experiment's objects out of the output, and holds that the
// rest is what there was before: apart from the label on what the plan names
// under routing.
func split(t *testing.T, env environment, before, output []*unstructured.Unstructured) []*unstructured.Unstructured {
	t.Helper()
	known := byIdentity(t, before)
	var added, rest []*unstructured.Unstructured
	for _, o := range output {
		_, labelled := o.GetLabels()[experimentLabel]
		_, isKnown := known[identity(o)+" #1"]
		switch {
		case !labelled:
			rest = append(rest, o)
		case isKnown:
			if !routed(env, o) {
				t.Errorf("%s: has the experiment's label, but the plan does not name it under routing", identity(o))
			}
			o = o.DeepCopy()
			unstructured.RemoveNestedField(o.Object, "metadata", "labels", experimentLabel)
			if len(o.GetLabels()) == 0 {
				unstructured.RemoveNestedField(o.Object, "metadata", "labels")
			}
			rest = append(rest, o)
		default:
			added = append(added, o)
		}
	}
	if diff := difference(t, before, rest); diff != "" {
		t.Errorf("without (-) and with a marker (+), the experiment's objects apart:\n%s", diff)
	}
	if len(added) == 0 {
		t.Fatal("the marker adds no object")
	}
	return added
}

func routed(env environment, o *unstructured.Unstructured) bool {
	if env.plan == nil {
		return false
	}
	for _, ref := range env.plan.Spec.Routing {
		if ref.Kind == o.GetKind() && ref.Name == o.GetName() {
			return true
		}
	}
	return false
}

// checkAdded holds what the design says of every object of an experiment.
func checkAdded(t *testing.T, env environment, before, added []*unstructured.Unstructured) {
	t.Helper()
	last := 0
	for _, o := range before {
		// Hooks of the sync itself share its waves; other phases have their own.
		if !hook.IsHook(o) || slices.Contains(hook.Types(o), common.HookTypeSync) {
			last = max(last, wave(t, o))
		}
	}
	id := added[0].GetLabels()[experimentLabel]
	if len(id) != 10 || id[0] != 'e' {
		t.Errorf("the ID is %q; it must be e and nine hex digits", id)
	}
	runs := false
	for _, o := range added {
		if got := o.GetLabels()[experimentLabel]; got != id {
			t.Errorf("%s: its ID is %q, another's %q", identity(o), got, id)
		}
		annotations := o.GetAnnotations()
		if annotations[candidateAnnotation] == "" {
			t.Errorf("%s: has no annotation %s", identity(o), candidateAnnotation)
		}
		if annotations["argocd.argoproj.io/ignore-healthcheck"] != "true" {
			t.Errorf("%s: counts for the Application's health", identity(o))
		}
		if hook.IsHook(o) || o.GetGenerateName() != "" {
			t.Errorf("%s: must not be a hook, and must have a name of its own", identity(o))
		}
		if got := wave(t, o); got > last {
			t.Errorf("%s: is in wave %d, after the baseline's last, %d", identity(o), got, last)
		}
		for _, c := range containers(t, o) {
			image, _ := c["image"].(string)
			runs = runs || strings.HasSuffix(image, ":"+candidateTag(t, env))
		}
		template, _, _ := unstructured.NestedMap(o.Object, "spec", "template", "metadata", "labels")
		if _, found := template[experimentLabel]; found {
			t.Errorf("%s: the label is on its pods too", identity(o))
		}
	}
	if !runs {
		t.Error("nothing that was added runs the candidate's image")
	}
}

// candidateTag is the tag that the marker asks for.
func candidateTag(t *testing.T, env environment) string {
	t.Helper()
	if env.candidate == "" {
		return newTag
	}
	var marker struct {
		Spec struct {
			Images []struct {
				NewTag string `json:"newTag"`
			} `json:"images"`
		} `json:"spec"`
	}
	if err := yaml.Unmarshal([]byte(env.candidate), &marker); err != nil || len(marker.Spec.Images) == 0 {
		t.Fatalf("the candidate sets no image: %v", err)
	}
	return marker.Spec.Images[0].NewTag
}

// laptop renders the checked-out commit with the command alone, and returns
// the experiment's ID.
func (s *suite) laptop(t *testing.T, r *repo, env environment) string {
	t.Helper()
	c := exec.CommandContext(t.Context(), s.assay, "render", filepath.FromSlash(env.dir))
	c.Dir = r.dir
	c.Env = []string{"HOME=" + t.TempDir()}
	var messages bytes.Buffer
	c.Stderr = &messages
	out, err := c.Output()
	if err != nil {
		t.Fatalf("assay render %s: %v\n%s", env.dir, err, messages.String())
	}
	objects, err := kube.SplitYAML(out)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, o := range objects {
		if id := o.GetLabels()[experimentLabel]; id != "" {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return strings.Join(slices.Compact(ids), " ")
}
