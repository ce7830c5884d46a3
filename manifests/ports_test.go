package manifests_test

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/kustomize/kyaml/resid"
)

// TestPorts: the containers of a pod share its network, so that two with one port cannot
// both listen there.
func TestPorts(t *testing.T) {
	t.Parallel()
	for _, components := range [][]string{{}, {"helm-v4"}, {"cmp"}, {"cmp", "helm-v4"}, {"cmp", "git-credentials"}} {
		var d appsv1.Deployment
		decode(t, build(t, components...), resid.NewGvk("apps", "v1", "Deployment"), "argocd-repo-server", &d)
		if own := owners(t, d.Spec.Template.Spec); own[8081] != "argocd-repo-server" || own[8084] != "argocd-repo-server" {
			t.Errorf("%v: the repo-server's own ports are not seen: %v", components, own)
		}
	}
	var d appsv1.Deployment
	decode(t, build(t, "promoter"), resid.NewGvk("apps", "v1", "Deployment"), "assay-promoter", &d)
	if len(owners(t, d.Spec.Template.Spec)) == 0 {
		t.Error("the promoter's ports are not seen")
	}
}

// owners are the ports of a pod, with the container that has each.
func owners(t *testing.T, pod corev1.PodSpec) map[int32]string {
	t.Helper()
	own := map[int32]string{}
	for _, c := range pod.Containers {
		for _, p := range c.Ports {
			if other, taken := own[p.ContainerPort]; taken {
				t.Errorf("%s and %s share port %d", other, c.Name, p.ContainerPort)
			}
			own[p.ContainerPort] = c.Name
		}
	}
	return own
}
