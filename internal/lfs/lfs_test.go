package lfs

import (
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/assaydev/assay/internal/envfs"
)

const pointer = start + "v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n"

func TestExplain(t *testing.T) {
	cause := errors.New("no image renders")
	for name, c := range map[string]struct {
		files map[string]string
		names string // empty: the error is as it was
	}{
		"none":         {map[string]string{"prod/web.yaml": "kind: Deployment\n", "prod/x/a.yaml": ""}, ""},
		"a file":       {map[string]string{"prod/a.yaml": "a: 1\n", "prod/web.yaml": pointer}, "prod/web.yaml"},
		"below":        {map[string]string{"prod/x/web.json": pointer}, "prod/x/web.json"},
		"elsewhere":    {map[string]string{"prod/a.yaml": "a: 1\n", "other/web.yaml": pointer}, ""},
		"an image":     {map[string]string{"prod/logo.png": pointer}, ""},
		"too large":    {map[string]string{"prod/web.yaml": pointer + strings.Repeat("#", most)}, ""},
		"speaks of it": {map[string]string{"prod/web.yaml": "# " + pointer}, ""},
		"no directory": {map[string]string{"other/web.yaml": pointer}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			tree := fstest.MapFS{}
			for file, text := range c.files {
				tree[file] = &fstest.MapFile{Data: []byte(text)}
			}
			err := Explain(envfs.New(tree, envfs.Limits{}), "prod", cause)
			if !errors.Is(err, cause) {
				t.Fatalf("the cause is lost: %v", err)
			}
			if c.names == "" && err.Error() != cause.Error() || !strings.Contains(err.Error(), c.names) {
				t.Errorf("error %v", err)
			}
		})
	}
	if err := Explain(envfs.New(fstest.MapFS{}, envfs.Limits{}), ".", nil); err != nil {
		t.Errorf("without an error: %v", err)
	}
}
