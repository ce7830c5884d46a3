package candidate

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/kustomize/api/types"
)

func TestParseImage(t *testing.T) {
	for text, want := range map[string]types.Image{
		"nginx:1.2":                        {Name: "nginx", NewTag: "1.2"},
		"localhost:5000/a/b:1":             {Name: "localhost:5000/a/b", NewTag: "1"},
		"nginx@sha256:abc":                 {Name: "nginx", Digest: "sha256:abc"},
		"nginx=my.io/nginx":                {Name: "nginx", NewName: "my.io/nginx"},
		"nginx=my.io/nginx:2":              {Name: "nginx", NewName: "my.io/nginx", NewTag: "2"},
		"nginx=my.io:5000/nginx@sha256:ab": {Name: "nginx", NewName: "my.io:5000/nginx", Digest: "sha256:ab"},
		"nginx=nginx:2":                    {Name: "nginx", NewTag: "2"},
	} {
		got, err := parseImage(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s:\n%s", text, diff)
		}
	}
	for _, text := range []string{"", "nginx", "=nginx:1", "nginx=", ":1", "nginx:1@sha256:ab", "nginx=*:1", "a b:1"} {
		if got, err := parseImage(text); err == nil {
			t.Errorf("%q is accepted as %+v", text, got)
		}
	}
}

func FuzzParseImage(f *testing.F) {
	for _, text := range []string{"nginx:1", "a.io:5000/b@sha256:ab", "a=b:1", "=", "a=b=c:1", ":", "a:1@b"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		image, err := parseImage(text)
		if err != nil {
			return
		}
		if image.Name == "" || image.NewName+image.NewTag+image.Digest == "" {
			t.Errorf("%q changes nothing: %+v", text, image)
		}
	})
}
