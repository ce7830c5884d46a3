package plugin_test

import (
	"os"
	"path/filepath"
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

// plugin.helm-v4.yaml is plugin.yaml with one flag more.
func TestPluginConfigForHelm4(t *testing.T) {
	want, err := plugin.ReadPluginConfig("..")
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile("../plugin.helm-v4.yaml")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir() // as in the image
	if err := os.WriteFile(filepath.Join(dir, "plugin.yaml"), data, 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := plugin.ReadPluginConfig(dir)
	if err != nil {
		t.Fatal(err)
	}
	want.Spec.Generate.Args = append(want.Spec.Generate.Args, "--helm=v4")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
