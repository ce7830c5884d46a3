package manifests_test

import (
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/kustomize/kyaml/resid"

	"github.com/assaydev/assay/internal/engine"
	"github.com/assaydev/assay/render/experiment"
)

func TestPromoter(t *testing.T) {
	t.Parallel()
	objects := build(t, "promoter")
	var d appsv1.Deployment
	decode(t, objects, resid.NewGvk("apps", "v1", "Deployment"), "assay-promoter", &d)
	pod := d.Spec.Template.Spec
	c := pod.Containers[0]
	checkSecurity(t, c.SecurityContext)
	if c.Resources.Requests.Memory().IsZero() || c.Resources.Limits.Memory().IsZero() {
		t.Error("the promoter must request and bound its memory")
	}
	if len(pod.Containers) != 1 || pod.HostNetwork || pod.ServiceAccountName != "assay-promoter" || c.LivenessProbe == nil || c.ReadinessProbe == nil {
		t.Errorf("the pod is %+v", pod)
	}
	for _, m := range c.VolumeMounts {
		if !m.ReadOnly && m.MountPath != "/tmp" {
			t.Errorf("%s may be written", m.MountPath)
		}
	}
	for _, v := range c.Env {
		if v.Value != "" || v.ValueFrom.SecretKeyRef != nil {
			t.Errorf("the variable %s holds more than a name", v.Name)
		}
	}
}

// TestPromoterMayDoLittle holds the table of what the promoter may do: every verb is here.
func TestPromoterMayDoLittle(t *testing.T) {
	t.Parallel()
	objects := build(t, "promoter")
	var role rbacv1.Role
	decode(t, objects, resid.NewGvk("rbac.authorization.k8s.io", "v1", "Role"), "assay-promoter", &role)
	var cluster rbacv1.ClusterRole
	for _, found := range objects.Resources() {
		if found.GetKind() == "ClusterRole" {
			decodeResource(t, found, &cluster)
		}
	}
	holds(t, "in Argo CD's namespace", role.Rules, []string{
		"/configmaps list,watch", "/events create,patch", "/secrets list,watch",
		"argoproj.io/applications get,list,patch,watch", "argoproj.io/applicationsets get", "argoproj.io/appprojects get", "coordination.k8s.io/leases create,get,list,patch,update,watch",
	})
	holds(t, "in the cluster", cluster.Rules, []string{
		"/configmaps list", "/persistentvolumeclaims list", "/pods list", "/serviceaccounts list", "/services list", "apiextensions.k8s.io/customresourcedefinitions list,watch",
		"apps/daemonsets list", "apps/deployments list", "apps/statefulsets list",
		"argoproj.io/analysisruns get,list,watch", "argoproj.io/analysistemplates list", "argoproj.io/experiments get,list,watch", "argoproj.io/rollouts get,list,watch",
		"autoscaling/horizontalpodautoscalers list", "batch/cronjobs list", "batch/jobs get,list,watch",
		"flagger.app/alertproviders list", "flagger.app/canaries get,list,watch", "flagger.app/metrictemplates list",
		"gateway.networking.k8s.io/grpcroutes list", "gateway.networking.k8s.io/httproutes list",
		"iter8.tools/experiments get,list,watch", "iter8.tools/metrics list", "k6.io/testruns get,list,watch",
		"monitoring.coreos.com/podmonitors list", "monitoring.coreos.com/servicemonitors list",
		"networking.istio.io/destinationrules list", "networking.istio.io/virtualservices list", "networking.k8s.io/networkpolicies list", "policy/poddisruptionbudgets list",
	})
	for _, kind := range experiment.DefaultKinds() {
		gk := schema.ParseGroupKind(kind)
		resource, _ := meta.UnsafeGuessKindToResource(gk.WithVersion("v1"))
		if kind != "Secret" && !slices.ContainsFunc(cluster.Rules, func(r rbacv1.PolicyRule) bool {
			return slices.Contains(r.APIGroups, gk.Group) && slices.Contains(r.Resources, resource.Resource) && slices.Contains(r.Verbs, "list")
		}) {
			t.Errorf("an experiment may hold a %s, and it may not be compared with Git", kind)
		}
	}
	for _, e := range engine.With(nil) {
		resource, _ := meta.UnsafeGuessKindToResource(schema.GroupVersionKind{Group: e.Group, Version: "v1", Kind: e.Kind})
		if !slices.ContainsFunc(cluster.Rules, func(r rbacv1.PolicyRule) bool {
			return slices.Contains(r.APIGroups, e.Group) && slices.Contains(r.Resources, resource.Resource)
		}) {
			t.Errorf("%s judges, and may not be read", e.Name)
		}
	}
}

func holds(t *testing.T, where string, rules []rbacv1.PolicyRule, want []string) {
	t.Helper()
	var got []string
	for _, r := range rules {
		verbs := slices.Sorted(slices.Values(r.Verbs))
		for _, group := range r.APIGroups {
			for _, resource := range r.Resources {
				got = append(got, group+"/"+resource+" "+strings.Join(verbs, ","))
			}
		}
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("%s it may\n%s\nwant\n%s", where, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestPromoterOfAnyNamespace: Applications of all namespaces, by a component of its own.
func TestPromoterOfAnyNamespace(t *testing.T) {
	t.Parallel()
	objects := build(t, "promoter", "promoter/any-namespace")
	var d appsv1.Deployment
	decode(t, objects, resid.NewGvk("apps", "v1", "Deployment"), "assay-promoter", &d)
	if !slices.Contains(d.Spec.Template.Spec.Containers[0].Args, "--application-namespaces=*") {
		t.Errorf("its arguments are %q", d.Spec.Template.Spec.Containers[0].Args)
	}
}
