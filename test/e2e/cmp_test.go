//go:build e2e

package e2e_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/test/e2e/argocd"
	"github.com/assaydev/assay/test/e2e/process"
)

// served is an instance with `assayd cmp` in the place of argocd-cmp-server.
func served(t *testing.T, opt argocd.Options, daemon string) argocd.Options {
	opt.Dir = runDir(t)
	opt.PluginServer = &process.Command{Name: "cmp-server", Path: daemon, Dir: opt.Dir, Args: []string{
		"cmp", "--config-dir-path", filepath.Join(opt.Dir, "plugin"), "--socket-dir", filepath.Join(opt.Dir, "plugins"),
	}}
	return opt
}

// render renders through the plugin, under argocd-cmp-server and under `assayd cmp`, twice
// there: what comes the second time was kept. All must give the same. The image is tried with
// argocd-cmp-server alone.
func (s *suite) render(t *testing.T, r argocd.Request) ([]*unstructured.Unstructured, error) {
	t.Helper()
	stock, stockErr := s.server.Manifests(t.Context(), r)
	if s.inProcess == nil {
		return stock, stockErr
	}
	for range 2 {
		got, err := s.inProcess.Manifests(t.Context(), r)
		if diff := cmp.Diff(said(stockErr), said(err)); diff != "" {
			t.Errorf("the error under argocd-cmp-server (-) and under assayd cmp (+):\n%s", diff)
		}
		if diff := cmp.Diff(withoutTestHooks(stock), withoutTestHooks(got)); diff != "" {
			t.Errorf("under argocd-cmp-server (-) and under assayd cmp (+):\n%s", diff)
		}
	}
	return stock, stockErr
}

// said is what Assay says in an error, after what others put before it.
func said(err error) string {
	if err == nil {
		return ""
	}
	_, message, found := strings.Cut(err.Error(), "assay: ")
	if !found {
		return err.Error()
	}
	return message
}
