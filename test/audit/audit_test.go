package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFaults(t *testing.T) {
	for name, test := range map[string]struct {
		module module
		want   string // "" for none
	}{
		"any other":            {module{path: "sigs.k8s.io/yaml", version: "v1.0.0"}, ""},
		"argo-cd":              {module{path: "github.com/argoproj/argo-cd/v2", version: "v2.14.21"}, "github.com/argoproj/argo-cd/v2 v2.14.21 is linked"},
		"a later argo-cd":      {module{path: "github.com/argoproj/argo-cd/v3", version: "v3.9.0"}, "is linked"},
		"gitops-engine":        {module{path: "github.com/argoproj/gitops-engine", version: "v0.7.0"}, "is linked"},
		"a name like it":       {module{path: "github.com/argoproj/argo-cdx", version: "v1.0.0"}, ""},
		"too old":              {module{path: "golang.org/x/crypto", version: "v0.55.9"}, "golang.org/x/crypto v0.55.9 is older than v0.56.0"},
		"a candidate of it":    {module{path: "golang.org/x/crypto", version: "v0.56.0-rc.1"}, "is older than"},
		"the floor":            {module{path: "golang.org/x/crypto", version: "v0.56.0"}, ""},
		"nine is not over ten": {module{path: "golang.org/x/net", version: "v0.9.0"}, "is older than v0.55.0"},
		"grpc":                 {module{path: "google.golang.org/grpc", version: "v1.71.0"}, "is older than v1.79.3"},
		"replaced by a folder": {module{path: "golang.org/x/net"}, `golang.org/x/net has no version ("")`},
	} {
		t.Run(name, func(t *testing.T) {
			got := faults([]module{{path: "example.com/fine", version: "v1.0.0"}, test.module})
			switch {
			case test.want == "" && len(got) > 0:
				t.Errorf("faults %q", got)
			case test.want != "" && (len(got) != 1 || !strings.Contains(got[0], test.want)):
				t.Errorf("faults %q, want one with %q", got, test.want)
			}
		})
	}
}

func TestContents(t *testing.T) {
	got := contentsOf(&debug.BuildInfo{
		GoVersion: "go1.26.8 X:boring",
		Main:      debug.Module{Path: "example.com/app", Version: "(devel)"},
		Deps: []*debug.Module{
			{Path: "example.com/a", Version: "v1.0.0", Sum: "h1:a="},
			{Path: "example.com/b", Version: "v1.0.0", Replace: &debug.Module{Path: "example.com/c", Version: "v2.0.0+incompatible", Sum: "h1:c="}},
		},
	})
	want := contents{
		main: module{path: "example.com/app"}, goVersion: "1.26.8",
		modules: []module{{"example.com/a", "v1.0.0", "h1:a="}, {"example.com/c", "v2.0.0+incompatible", "h1:c="}},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(contents{}, module{})); diff != "" {
		t.Error(diff)
	}
}

// A real binary: this one.
func TestAuditWritesTheBill(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(t.TempDir(), "app")
	if err := os.Symlink(self, binary); err != nil {
		t.Fatal(err)
	}
	if err := audit(binary); err != nil {
		t.Fatal(err)
	}
	first, err := os.ReadFile(binary + ".cdx.json")
	if err != nil {
		t.Fatal(err)
	}
	var bill struct {
		BomFormat    string
		SerialNumber string
		Metadata     struct{ Timestamp string }
		Components   []struct{ Name, Purl string }
	}
	if err := json.Unmarshal(first, &bill); err != nil {
		t.Fatal(err)
	}
	if bill.BomFormat != "CycloneDX" || bill.SerialNumber != "" || bill.Metadata.Timestamp != "" {
		t.Errorf("the bill is %+v", bill)
	}
	names := map[string]string{}
	for _, c := range bill.Components {
		names[c.Name] = c.Purl
	}
	for _, name := range []string{"std", "golang.org/x/mod", "github.com/CycloneDX/cyclonedx-go"} {
		if !strings.HasPrefix(names[name], "pkg:golang/"+strings.ToLower(name)+"@v") {
			t.Errorf("%s has the URL %q", name, names[name])
		}
	}
	if err := audit(binary); err != nil {
		t.Fatal(err)
	}
	again, err := os.ReadFile(binary + ".cdx.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first, again) {
		t.Error("the same binary gives another bill")
	}
}

func TestAuditOfNoBinary(t *testing.T) {
	name := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(name, []byte("not a program"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := audit(name); err == nil || !strings.Contains(err.Error(), name) {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(name + ".cdx.json"); err == nil {
		t.Error("a bill is written")
	}
}

func TestComponentURL(t *testing.T) {
	got := component(module{path: "github.com/BurntSushi/toml", version: "v2.0.0+incompatible"}).PackageURL
	if want := "pkg:golang/github.com/burntsushi/toml@v2.0.0%2Bincompatible"; got != want {
		t.Errorf("URL %s, want %s", got, want)
	}
}
