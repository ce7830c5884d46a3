// Package manifests_test proves the installation files against Argo CD's own
// code: its types, its settings and its Lua engine.
package manifests_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/argoproj/argo-cd/v2/cmpserver/plugin"
	"github.com/argoproj/argo-cd/v2/pkg/apis/application/v1alpha1"
	"github.com/argoproj/argo-cd/v2/util/lua"
	"github.com/argoproj/argo-cd/v2/util/settings"
	"github.com/argoproj/gitops-engine/pkg/health"
	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/kubernetes/fake"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/resource"
	"sigs.k8s.io/kustomize/kyaml/resid"
	"sigs.k8s.io/yaml"

	assay "github.com/assaydev/assay/plugin"
	"github.com/assaydev/assay/test/image"
)

// build builds an installation with the sidecar, and more components.
func build(t *testing.T, more ...string) resmap.ResMap {
	t.Helper()
	objects, err := image.Install(".", append([]string{"."}, more...)...)
	if err != nil {
		t.Fatal(err)
	}
	return objects
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// decode finds one object of the build and decodes it strictly, so that a
// misspelt field is an error.
func decode(t *testing.T, objects resmap.ResMap, gvk resid.Gvk, name string, into any) {
	t.Helper()
	found, err := objects.GetById(resid.NewResIdWithNamespace(gvk, name, "argocd"))
	if err != nil {
		t.Fatal(err)
	}
	decodeResource(t, found, into)
}

func decodeResource(t *testing.T, found *resource.Resource, into any) {
	t.Helper()
	data, err := found.AsYAML()
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.UnmarshalStrict(data, into); err != nil {
		t.Fatalf("decode %s: %v", found.GetName(), err)
	}
}

func TestSidecar(t *testing.T) {
	t.Parallel()
	objects := build(t)
	if got := objects.Size(); got != 3 {
		t.Errorf("the component must add no object of its own, got %d objects", got)
	}
	var deployment appsv1.Deployment
	decode(t, objects, resid.NewGvk("apps", "v1", "Deployment"), "argocd-repo-server", &deployment)

	pod := deployment.Spec.Template.Spec
	containers := map[string]corev1.Container{}
	for _, c := range pod.Containers {
		containers[c.Name] = c
	}
	if len(containers) != 2 {
		t.Fatalf("want the repo-server and one sidecar, got %d containers", len(containers))
	}
	if got := containers["argocd-repo-server"].Image; got != "quay.io/argoproj/argocd:v3.2.11" {
		t.Errorf("the repo-server's own image was changed to %q", got)
	}
	sidecar := containers["assay"]
	if diff := cmp.Diff([]string{"/var/run/argocd/argocd-cmp-server"}, sidecar.Command); diff != "" {
		t.Error(diff)
	}
	checkSecurity(t, sidecar.SecurityContext)
	if sidecar.Resources.Requests.Memory().IsZero() || sidecar.Resources.Limits.Memory().IsZero() {
		t.Error("the sidecar must request and bound its memory")
	}
	checkMounts(t, pod, sidecar)
}

// The sidecar for Argo CD from 3.5 on differs in its configuration alone.
func TestSidecarForHelm4(t *testing.T) {
	t.Parallel()
	want, got := sidecar(t), sidecar(t, "helm-v4")
	want.Args = []string{"--config-dir-path=/home/argocd/cmp-server/helm-v4"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if line := "COPY plugin.helm-v4.yaml /home/argocd/cmp-server/helm-v4/plugin.yaml\n"; !strings.Contains(string(read(t, "../Dockerfile")), line) {
		t.Errorf("the image lacks the configuration: %s", line)
	}
}

// The sidecar that serves the plugin itself has no argocd-cmp-server and nothing to write
// to, and is as confined as the other.
func TestSidecarThatServes(t *testing.T) {
	t.Parallel()
	stock := sidecar(t)
	for _, more := range [][]string{{"cmp"}, {"helm-v4", "cmp"}, {"cmp", "helm-v4"}} {
		got := sidecar(t, more...)
		if diff := cmp.Diff([]string{"assayd", "cmp", "--metrics-address=:8085"}, got.Command); diff != "" {
			t.Error(diff)
		}
		if wanted := slices.Contains(more, "helm-v4"); wanted != slices.Contains(got.Args, "--config-dir-path=/home/argocd/cmp-server/helm-v4") {
			t.Errorf("%v: the configuration is that of %v", more, got.Args)
		}
		checkSecurity(t, got.SecurityContext)
		if diff := cmp.Diff(stock.Resources, got.Resources); diff != "" {
			t.Error(diff)
		}
		if len(got.VolumeMounts) != 1 || got.VolumeMounts[0].MountPath != "/home/argocd/cmp-server/plugins" {
			t.Errorf("it mounts %v", got.VolumeMounts)
		}
		for _, v := range got.Volumes {
			if v.Name == "cmp-tmp" {
				t.Error("the directory to write to is still there")
			}
		}
		if got.LivenessProbe == nil || got.ReadinessProbe == nil {
			t.Error("it has no probes")
		}
	}
}

// sidecar is the container with its pod's volumes.
func sidecar(t *testing.T, more ...string) image.Pod {
	t.Helper()
	pod, err := image.Find(build(t, more...), "argocd-repo-server", "assay")
	if err != nil {
		t.Fatal(err)
	}
	return pod
}

// TestGitCredentials: no component mounts a credential but the one that is for it, and
// that one keeps it out of the render's environment.
func TestGitCredentials(t *testing.T) {
	t.Parallel()
	secrets := func(p image.Pod) map[string]string {
		found := map[string]string{}
		for _, m := range p.VolumeMounts {
			for _, v := range p.Volumes {
				if v.Name == m.Name && v.Secret != nil && m.ReadOnly {
					found[m.MountPath] = v.Secret.SecretName
				}
			}
		}
		return found
	}
	for component, want := range map[string]map[string]string{".": {}, "helm-v4": {}, "git-credentials": {"/etc/assay/git": "assay-git"}} {
		pod := sidecar(t, component)
		if diff := cmp.Diff(want, secrets(pod)); diff != "" {
			t.Errorf("%s: %s", component, diff)
		}
		if len(pod.Env)+len(pod.EnvFrom) > 0 {
			t.Errorf("%s: the render's environment has %v, %v", component, pod.Env, pod.EnvFrom)
		}
	}
	plain, with := sidecar(t), sidecar(t, "git-credentials")
	with.Volumes = slices.DeleteFunc(with.Volumes, func(v corev1.Volume) bool { return v.Name == "assay-git" })
	with.VolumeMounts = slices.DeleteFunc(with.VolumeMounts, func(m corev1.VolumeMount) bool { return m.Name == "assay-git" })
	if diff := cmp.Diff(plain, with); diff != "" {
		t.Errorf("the component changes more than a mount: %s", diff)
	}
}

func checkSecurity(t *testing.T, got *corev1.SecurityContext) {
	t.Helper()
	yes, no, user := true, false, int64(999)
	want := &corev1.SecurityContext{
		RunAsNonRoot: &yes, RunAsUser: &user, AllowPrivilegeEscalation: &no, ReadOnlyRootFilesystem: &yes,
		Capabilities:   &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
		SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func checkMounts(t *testing.T, pod corev1.PodSpec, sidecar corev1.Container) {
	t.Helper()
	mounts := map[string]string{}
	for _, m := range sidecar.VolumeMounts {
		mounts[m.MountPath] = m.Name
	}
	want := map[string]string{
		"/var/run/argocd":                 "var-files",
		"/home/argocd/cmp-server/plugins": "plugins",
		"/tmp":                            "cmp-tmp",
	}
	if diff := cmp.Diff(want, mounts); diff != "" {
		t.Error(diff)
	}
	volumes := map[string]int{}
	for _, v := range pod.Volumes {
		volumes[v.Name]++
		if v.Name == "cmp-tmp" && v.EmptyDir == nil {
			t.Error("cmp-tmp must be an emptyDir")
		}
	}
	if diff := cmp.Diff(map[string]int{"var-files": 1, "plugins": 1, "tmp": 1, "cmp-tmp": 1}, volumes); diff != "" {
		t.Error(diff)
	}
}

// Argo CD reads the patched ConfigMap and runs the check on what Iter8 writes.
func TestIter8Health(t *testing.T) {
	t.Parallel()
	var configMap corev1.ConfigMap
	decode(t, build(t), resid.NewGvk("", "v1", "ConfigMap"), "argocd-cm", &configMap)
	if configMap.Data["admin.enabled"] != "false" {
		t.Error("the installation's own settings must stay")
	}
	secret := &corev1.Secret{}
	secret.Name, secret.Namespace = "argocd-secret", configMap.Namespace
	client := fake.NewSimpleClientset(&configMap, secret)
	overrides, err := settings.NewSettingsManager(t.Context(), client, configMap.Namespace).GetResourceOverrides()
	if err != nil {
		t.Fatal(err)
	}

	tests := map[string]health.HealthStatus{
		"none":        {Status: health.HealthStatusProgressing, Message: "Waiting for the experiment to start"},
		"progressing": {Status: health.HealthStatusProgressing, Message: "Stage Running"},
		"completed":   {Status: health.HealthStatusHealthy, Message: "Experiment completed successfully"},
		"failed":      {Status: health.HealthStatusDegraded, Message: "Metric mean-latency is not available"},
		"both":        {Status: health.HealthStatusDegraded, Message: "Start actions failed"},
	}
	for name, want := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			experiment := &unstructured.Unstructured{}
			if err := yaml.UnmarshalStrict(read(t, "testdata/experiments/"+name+".yaml"), experiment); err != nil {
				t.Fatal(err)
			}
			got, err := lua.ResourceHealthOverrides(overrides).GetResourceHealth(experiment)
			if err != nil {
				t.Fatal(err)
			}
			if got == nil {
				t.Fatal("Argo CD finds no health check for the kind")
			}
			if diff := cmp.Diff(want, *got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestApplication(t *testing.T) {
	t.Parallel()
	var app v1alpha1.Application
	if err := yaml.UnmarshalStrict(read(t, "application.yaml"), &app); err != nil {
		t.Fatal(err)
	}
	kind, err := app.Spec.Source.ExplicitType()
	if err != nil {
		t.Fatal(err)
	}
	if kind == nil || *kind != v1alpha1.ApplicationSourceTypePlugin {
		t.Fatalf("the source must be a plugin's, got %v", kind)
	}
	// Argo CD finds the plugin by the base name of its socket.
	config := pluginConfig(t)
	if got, want := app.Spec.Source.Plugin.Name+".sock", filepath.Base(config.Address()); got != want {
		t.Errorf("the Application looks for %s, plugin.yaml makes %s", got, want)
	}
	checkParameters(t, app.Spec.Source.Plugin.Parameters)
	if info, err := os.Stat(filepath.Join("..", app.Spec.Source.Path)); err != nil || !info.IsDir() {
		t.Errorf("the Application's path is not an environment of this repository: %v", err)
	}
}

// checkParameters passes parameters as Argo CD does, and reads them as Assay does.
func checkParameters(t *testing.T, parameters v1alpha1.ApplicationSourcePluginParameters) {
	t.Helper()
	env, err := parameters.Environ()
	if err != nil {
		t.Fatal(err)
	}
	call, err := assay.FromEnv(func(name string) (string, bool) {
		for _, entry := range env {
			if value, found := strings.CutPrefix(entry, name+"="); found {
				return value, true
			}
		}
		return "", false
	})
	if err != nil {
		t.Fatal(err)
	}
	if call.Kustomize == nil || len(call.Kustomize.CommonAnnotations) != 1 {
		t.Errorf("the example's parameter does not arrive: %+v", call)
	}
}

// The stock argocd-cmp-server reads the file leniently; a misspelt field must
// not pass here.
func pluginConfig(t *testing.T) plugin.PluginConfig {
	t.Helper()
	var config plugin.PluginConfig
	if err := yaml.UnmarshalStrict(read(t, "../plugin.yaml"), &config); err != nil {
		t.Fatal(err)
	}
	if err := plugin.ValidatePluginConfig(config); err != nil {
		t.Fatal(err)
	}
	return config
}

func TestPluginConfig(t *testing.T) {
	t.Parallel()
	config := pluginConfig(t)
	if config.Spec.Discover.IsDefined() {
		t.Error("discovery would send every repository of the installation to the plugin")
	}
	if diff := cmp.Diff([]string{"assay", "parameters"}, config.Spec.Parameters.Dynamic.Command); diff != "" {
		t.Error(diff)
	}
	if config.Spec.PreserveFileMode || config.Spec.ProvideGitCreds {
		t.Error("the plugin needs neither file modes nor credentials")
	}
}
