package main

import (
	"strings"
	"testing"

	"github.com/assaydev/assay/plugin"
	"github.com/assaydev/assay/plugin/flags"
)

// TestDestination: an experiment is looked for only where it is known to be.
func TestDestination(t *testing.T) {
	const title, far = "Application argocd/shop", "far"
	for name, test := range map[string]struct {
		cluster string
		opt     serverFlags
		want    string // of the error
	}{
		"Argo CD's own cluster":          {"", serverFlags{app: "shop"}, ""},
		"a repository":                   {"", serverFlags{repo: "https://git.example.com/envs.git"}, ""},
		"another cluster":                {far, serverFlags{app: "shop", kubeContext: "far"}, "it deploys to the cluster far, and not to the one that it is in"},
		"a file's other cluster":         {far, serverFlags{app: "app.yaml"}, "name its context with --context"},
		"a file's other cluster, stdin":  {far, serverFlags{app: "-"}, "name its context with --context"},
		"a file's other cluster, chosen": {far, serverFlags{app: "./shop", kubeContext: "far"}, ""},
	} {
		for namespace, flag := range map[string]string{"web": "", "canary": "canary"} {
			env := environmentFlags{View: flags.View{Namespace: flag}}
			got, err := test.opt.destination(title, test.cluster, env.view("prod", plugin.Call{Namespace: "web"}).Request.Namespace)
			switch {
			case test.want != "":
				if err == nil || !strings.Contains(err.Error(), test.want) {
					t.Errorf("%s: error %v, want %s", name, err, test.want)
				}
			case err != nil || got != namespace:
				t.Errorf("%s: %q, %v, want %s", name, got, err, namespace)
			}
		}
	}
}
