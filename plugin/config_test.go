package plugin_test

import (
	"testing"

	"github.com/argoproj/argo-cd/v2/cmpserver/plugin"
	"github.com/google/go-cmp/cmp"
)

// TestPluginConfig reads plugin.yaml as Argo CD's server does.
func TestPluginConfig(t *testing.T) {
	config, err := plugin.ReadPluginConfig("..")
	if err != nil {
		t.Fatal(err)
	}
	if config.Metadata.Name != "assay" || config.Spec.Version != "" {
		t.Errorf("the socket's name is %s-%s; Applications name the plugin assay", config.Metadata.Name, config.Spec.Version)
	}
	if config.Spec.Discover.IsDefined() || config.Spec.PreserveFileMode {
		t.Error("discovery and preserveFileMode cost every application")
	}
	if diff := cmp.Diff(plugin.Command{Command: []string{"assay", "render"}, Args: []string{"--timeout=50s"}}, config.Spec.Generate); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(plugin.Command{Command: []string{"assay", "parameters"}}, config.Spec.Parameters.Dynamic); diff != "" {
		t.Error(diff)
	}
}
