//go:build e2e

package e2e_test

import (
	"fmt"
	"path"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/argoproj/argo-cd/v2/pkg/apis/application/v1alpha1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/test/e2e/argocd"
)

const (
	namespace   = "apps"
	kubeVersion = "1.33"
	newTag      = "0.0.0-e2e"
)

// tree renders every environment of a tree.
func (s *suite) tree(t *testing.T, in tree) {
	r := newRepo(t, in.files)
	for _, env := range in.environments {
		t.Run(env.name, func(t *testing.T) { s.environment(t, r, env) })
	}
}

// environment compares the two ways to render one environment, and then adds
// a marker.
func (s *suite) environment(t *testing.T, r *repo, env environment) {
	if as := s.release.as[env.layout]; as != "" {
		s.rows.add(row{release: s.release.name, environment: env.name, layout: string(env.layout), baseline: "as " + as, marker: "as " + as})
		return
	}
	line := row{release: s.release.name, environment: env.name, layout: string(env.layout), baseline: "FAILED", marker: "-"}
	defer func() { s.rows.add(line); s.rows.count(t) }()

	native, nativeErr := s.server.Manifests(t.Context(), s.native(r, env, r.base))
	plugin, pluginErr := s.render(t, s.plugin(r, env, r.base))
	if env.fails != "" {
		s.bothFail(t, env, nativeErr, pluginErr)
		line.baseline = "both fail"
		return
	}
	if nativeErr != nil || pluginErr != nil {
		t.Fatalf("natively: %v\nthrough the plugin: %v", nativeErr, pluginErr)
	}
	if len(native) == 0 {
		t.Fatal("natively there are no objects: nothing is compared")
	}
	line.objects = len(withoutTestHooks(native))
	if diff := difference(t, native, plugin); diff != "" {
		t.Fatalf("natively (-) and through the plugin (+):\n%s", diff)
	}
	line.baseline = "equal"
	line.marker = s.marker(t, r, env, native)
}

// bothFail holds that the plugin fails where Argo CD itself does.
func (s *suite) bothFail(t *testing.T, env environment, native, plugin error) {
	t.Helper()
	if native == nil || plugin == nil {
		t.Fatalf("both must fail; natively: %v\nthrough the plugin: %v", native, plugin)
	}
	if !strings.Contains(plugin.Error(), env.fails) {
		t.Errorf("the plugin's error must name %q: %v", env.fails, plugin)
	}
	s.rows.leaveOut(env.name, "needs a chart from the network, which neither can fetch; both fail")
}

// marker commits a candidate and returns what came of it, for the table.
func (s *suite) marker(t *testing.T, r *repo, env environment, native []*unstructured.Unstructured) string {
	if env.noMarker != "" {
		return env.noMarker
	}
	files := map[string]string{path.Join(env.dir, "candidate.yaml"): env.candidate}
	if env.candidate == "" {
		image := firstImage(t, native)
		if image == "" {
			s.rows.leaveOut(env.name, "no marker, for no object in it is a workload with an image")
			return "no workload"
		}
		files = corpusMarker(t, env, image, s.release.engine)
		env.parameters = nil // with a marker they come from the plan
	}
	commit := r.edit(t, files)

	// Natively, the marker is invisible.
	unseen, err := s.server.Manifests(t.Context(), s.native(r, env, commit))
	if err != nil {
		t.Fatalf("natively with a marker: %v", err)
	}
	if diff := difference(t, native, unseen); diff != "" {
		t.Fatalf("natively without (-) and with a marker (+):\n%s", diff)
	}

	output, err := s.render(t, s.plugin(r, env, commit))
	if env.refused != "" {
		if err == nil || !strings.Contains(err.Error(), env.refused) {
			t.Fatalf("a marker must be refused with a word on %q, got: %v", env.refused, err)
		}
		s.rows.leaveOut(env.name, "a marker there is refused: "+env.refused)
		return "refused"
	}
	if err != nil {
		t.Fatalf("through the plugin with a marker: %v", err)
	}
	again, err := s.render(t, s.plugin(r, env, commit))
	if err != nil || !reflect.DeepEqual(withoutTestHooks(output), withoutTestHooks(again)) {
		t.Fatalf("the same commit gives another output the second time: %v", err)
	}
	added := split(t, env, native, output)
	checkAdded(t, env, native, added)
	if id := s.laptop(t, r, env); id != added[0].GetLabels()[experimentLabel] {
		t.Errorf("on a laptop the ID is %s, in Argo CD %s", id, added[0].GetLabels()[experimentLabel])
	}
	kinds := make([]string, len(added))
	for i, o := range added {
		kinds[i] = o.GetKind()
	}
	slices.Sort(kinds)
	return fmt.Sprintf("+%d: %s", len(added), strings.Join(kinds, ", "))
}

// corpusMarker is a marker for a new tag of one image, and the plan that a
// chart needs for it.
func corpusMarker(t *testing.T, env environment, image, engine string) map[string]string {
	t.Helper()
	files := map[string]string{}
	put := func(name string, content any) {
		data, err := yaml.Marshal(content)
		if err != nil {
			t.Fatal(err)
		}
		files[path.Join(env.dir, name)] = "# +argocd:skip-file-rendering\n" + string(data)
	}
	put("candidate.yaml", map[string]any{
		"apiVersion": spec.APIVersion, "kind": "Candidate", "metadata": map[string]any{"name": newTag},
		"spec": map[string]any{"images": []any{map[string]any{"name": image, "newTag": newTag}}},
	})
	if env.layout != spec.Helm {
		return files
	}
	helm := map[string]any{
		"releaseName": app(env), "namespace": namespace,
		"imageValues": map[string]any{image: map[string]any{"repository": "image.repository", "tag": "image.tag"}},
	}
	if engine != "" {
		helm["version"] = engine
	}
	if env.native.Helm != nil {
		helm["valueFiles"] = env.native.Helm.ValueFiles
	}
	put("assay.yaml", map[string]any{
		"apiVersion": spec.APIVersion, "kind": "Plan", "spec": map[string]any{"helm": helm},
	})
	return files
}

// native is an Application without the plugin.
func (s *suite) native(r *repo, env environment, commit string) argocd.Request {
	source := *env.native.DeepCopy()
	if env.layout == spec.Flat && !s.release.skipsFiles {
		if source.Directory == nil {
			source.Directory = &v1alpha1.ApplicationSourceDirectory{}
		}
		if source.Directory.Exclude == "" {
			source.Directory.Exclude = "{assay.yaml,candidate.yaml}"
		}
	}
	return request(r, env, commit, source)
}

// plugin is the same Application with the plugin.
func (s *suite) plugin(r *repo, env environment, commit string) argocd.Request {
	return request(r, env, commit, v1alpha1.ApplicationSource{
		Plugin: &v1alpha1.ApplicationSourcePlugin{Name: "assay", Parameters: env.parameters},
	})
}

func request(r *repo, env environment, commit string, source v1alpha1.ApplicationSource) argocd.Request {
	source.Path = env.dir
	return argocd.Request{
		Repo: r.url, Revision: commit, App: app(env), Namespace: namespace, Source: source,
		KubeVersion: kubeVersion, APIVersions: []string{"v1", "apps/v1", "apps/v1/Deployment", "autoscaling/v2", "policy/v1"},
	}
}

func app(env environment) string {
	if env.dir == "." {
		return "app"
	}
	return path.Base(env.dir)
}
