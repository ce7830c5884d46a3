package main

import (
	"os/exec"
	"strings"
	"testing"
)

// TestLinksLittle holds what makes the command start fast: what it links. The
// prefixes are of packages that register or parse much when a process starts.
func TestLinksLittle(t *testing.T) {
	tags, err := exec.Command("../../build", "-tags").Output()
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("go", "list", "-deps", "-tags", strings.TrimSpace(string(tags)), ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	barred := map[string]string{
		"github.com/argoproj/argo-cd":          "it belongs to assayd: 60 ms and 80 MB at start",
		"github.com/argoproj/gitops-engine":    "it belongs to assayd: 60 ms and 80 MB at start",
		"helm.sh/helm/v3/pkg/action":           "it brings the Kubernetes client and registry of the helm command",
		"helm.sh/helm/v3/pkg/kube":             "it brings kubectl",
		"helm.sh/helm/v4/pkg/action":           "it brings the Kubernetes client and registry of the helm command",
		"helm.sh/helm/v4/pkg/kube":             "it brings kubectl",
		"github.com/tetratelabs/wazero":        "it runs plugins of Helm 4",
		"sigs.k8s.io/controller-runtime":       "it belongs to assayd: 42 MB, and 29 MB of memory",
		"k8s.io/kubectl":                       "it brings every API type",
		"k8s.io/kubernetes":                    "it brings every API type",
		"google.golang.org/grpc":               "the command serves nothing",
		"github.com/go-git/go-git":             "git is written with git",
		"github.com/assaydev/assay/cmd/assayd": "it is another binary",
		"plugin":                               "with it the linker keeps every exported method",
	}
	for line := range strings.Lines(string(out)) {
		pkg := strings.TrimSpace(line)
		for prefix, reason := range barred {
			if pkg == prefix || strings.HasPrefix(pkg, prefix+"/") {
				t.Errorf("links %s: %s", pkg, reason)
			}
		}
	}
}
