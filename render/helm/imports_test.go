package helm_test

import (
	"os/exec"
	"strings"
	"testing"
)

// Each of these would slow the start of a process that renders one chart.
func TestImportsAreLight(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "github.com/assaydev/assay/render/helm").Output()
	if err != nil {
		t.Fatal(err)
	}
	deps := strings.Fields(string(out))
	if len(deps) < 100 {
		t.Fatalf("only %d imports listed", len(deps))
	}
	for _, dep := range deps {
		for _, heavy := range []string{
			"helm.sh/helm/v3/pkg/action", "helm.sh/helm/v3/pkg/cli", "helm.sh/helm/v3/pkg/getter", "helm.sh/helm/v3/pkg/downloader",
			"helm.sh/helm/v3/pkg/kube", "helm.sh/helm/v3/pkg/registry",
			"helm.sh/helm/v4/pkg/action", "helm.sh/helm/v4/pkg/cli", "helm.sh/helm/v4/pkg/getter", "helm.sh/helm/v4/pkg/downloader",
			"helm.sh/helm/v4/pkg/kube", "helm.sh/helm/v4/pkg/registry", "helm.sh/helm/v4/internal/plugin", "github.com/tetratelabs/wazero", "k8s.io/kubectl", "k8s.io/cli-runtime", "github.com/argoproj", "sigs.k8s.io/kustomize/api/krusty",
		} {
			if dep == heavy || strings.HasPrefix(dep, heavy+"/") {
				t.Errorf("imports %s", dep)
			}
		}
	}
}
