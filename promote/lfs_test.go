package promote

import (
	"os"
	"strings"
	"testing"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/test/envrepo"
)

// TestPointersOfLFS holds that an edit never goes to a pointer.
func TestPointersOfLFS(t *testing.T) {
	const pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n"
	web := envrepo.Deployment("web")
	marker := func(body string) envrepo.Files {
		return envrepo.Files{"prod/candidate.yaml": envrepo.Skip + envrepo.MarkerHead("x") + body}
	}
	for name, c := range map[string]struct {
		tree envrepo.Files
		file string
	}{
		"flat": {envrepo.Files{"prod/web.yaml": pointer}.With(marker("  images: [{name: example.com/shop/web, newTag: 2.0.0}]\n")), "prod/web.yaml"},
		"flat, beside others": {envrepo.Files{"prod/web.yaml": pointer, "prod/cart.yaml": strings.ReplaceAll(web, "shop/web", "shop/cart")}.
			With(marker("  images: [{name: example.com/shop/web, newTag: 2.0.0}]\n")), "prod/web.yaml"},
		"diff": {envrepo.Files{"prod/web.yaml": web, "prod/data.yaml": pointer}.
			With(marker("  diff: |\n    --- a/prod/data.yaml\n    +++ b/prod/data.yaml\n    @@ -3 +3 @@\n    -size 12345\n    +size 12346\n")), "prod/data.yaml"},
		"values": {envrepo.Files{
			"prod/Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.0.0\n", "prod/values.yaml": pointer,
			"prod/templates/web.yaml": strings.Replace(web, "1.0.0", "{{ .Values.tag }}", 1),
			"prod/assay.yaml":         envrepo.Plan("helm: {releaseName: shop, namespace: shop}"),
		}.With(marker("  values: {tag: 2.0.0}\n")), "prod/values.yaml"},
		"kustomization": {envrepo.Files{"prod/kustomization.yaml": pointer, "prod/web.yaml": web}.
			With(marker("  images: [{name: example.com/shop/web, newTag: 2.0.0}]\n")), "prod/kustomization.yaml"},
		"resource": {envrepo.Files{"prod/kustomization.yaml": "resources: [web.yaml]\n", "prod/web.yaml": pointer}.
			With(marker("  images: [{name: example.com/shop/web, newTag: 2.0.0}]\n")), "prod/web.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := c.tree.On(t)
			_, err := prepare(t, dir, "prod", decision.Promote)
			if err == nil || !strings.Contains(err.Error(), c.file) || !strings.Contains(err.Error(), "Git LFS") {
				t.Errorf("error %v", err)
			}
			envrepo.Same(t, "the files", c.tree, envrepo.Read(t, os.DirFS(dir)))
		})
	}
}
