package kustomize

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	"github.com/assaydev/assay/internal/spec"
)

// trap counts what goes out: calls of git, and requests by HTTP.
type trap struct {
	marker string
	url    string
	hits   atomic.Int64
}

func setTrap(t *testing.T) *trap {
	t.Helper()
	dir := t.TempDir()
	tr := &trap{marker: filepath.Join(dir, "called")}
	script := fmt.Sprintf("#!/bin/sh\necho x >> %s\nexit 1\n", tr.marker)
	if err := os.WriteFile(filepath.Join(dir, "git"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		tr.hits.Add(1)
		_, _ = w.Write([]byte(service))
	}))
	t.Cleanup(server.Close)
	tr.url = server.URL
	return tr
}

// sprung reports whether anything went out, and resets.
func (tr *trap) sprung() bool {
	_, err := os.Stat(tr.marker)
	_ = os.Remove(tr.marker)
	return tr.hits.Swap(0) > 0 || err == nil
}

// remotes are the forms that krusty clones.
var remotes = []string{
	"https://github.com/org/repo", "https://github.com/org/repo//sub?ref=v1", "https://github.com/org/repo.git", "http://github.com/org/repo/sub?timeout=1",
	"github.com/org/repo", "github.com/org/repo?ref=main", "github.com/org/repo/sub/dir?ref=v1&submodules=false", "GitHub.com/org/repo", "GITHUB.COM/org/repo.git//a",
	"github.com:org/repo", "github.com:org/repo.git", "git@github.com:org/repo", "git@github.com/org/repo", "org-12345@github.com:org/repo.git",
	"git::https://github.com/org/repo", "GIT::github.com/org/repo", "git::git@example.org:org/repo",
	"ssh://git@example.org/org/repo", "SSH://example.org:22/org/repo.git", "git@example.org:org/repo.git//sub", "a@example.org/org/repo", "user@host:org/repo",
	"https://user:token@example.org/org/repo.git?ref=v1", "https://dev.azure.com/org/project/_git/repo//sub", "https://example.org/a/b//c", "HTTPS://example.org/org/repo",
	"file:///tmp/repo", "FILE:///tmp/repo//sub", "https://example.org/a.git", "https://bitbucket.org/org/repo/src/main/x",
}

// locals are names that look remote and are not.
var locals = []string{
	"example.org/org/repo", "./github.com/org/repo", "a/github.com/org/repo", "git@file.yaml", "web@v1", "sub//dir", "repo.git", "x.git/sub", "/abs/path",
	"ftp://example.org/x", "git://example.org/x", "s3://bucket/x", "github.com", "a?ref=b", "gitlab.com/org/repo", "host:org/repo", "1user@host:a/b", "us_er@host:a/b", "git:://x", "_git/repo",
}

// TestRemoteForms asks krusty itself what it would clone.
func TestRemoteForms(t *testing.T) {
	tr := setTrap(t)
	clones := func(value string) bool {
		fs := filesys.MakeFsInMemory()
		_ = fs.WriteFile("/app/kustomization.yaml", fmt.Appendf(nil, "components: [%q]\n", value))
		_, _ = krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(fs, "/app")
		return tr.sprung()
	}
	for _, value := range remotes {
		if !clones(value) {
			t.Errorf("krusty does not clone %s: no test case", value)
		}
		if !remoteRepo(value) {
			t.Errorf("%s is taken for local, and krusty clones it", value)
		}
	}
	for _, value := range locals {
		if clones(value) {
			t.Errorf("krusty clones %s: no local name", value)
		}
	}
	for _, value := range []string{"example.org/org/repo", "./github.com/org/repo", "git@file.yaml", "web@v1", "sub//dir", "repo.git", "host:org/repo", "a?ref=b"} {
		if remoteRepo(value) || remoteFile(value) {
			t.Errorf("%s is taken for remote", value)
		}
	}
}

// pathFields are files with a %s wherever a path can go, by what is tried.
func pathFields() map[string]map[string]string {
	cases := map[string]map[string]string{}
	for _, f := range []string{
		"resources: ['%s']", "bases: ['%s']", "RESOURCES: ['%s']", "components: ['%s']", "crds: ['%s']", "configurations: ['%s']", "openapi: {path: '%s'}", "OpenAPI: {path: '%s'}",
		"generators: ['%s']", "transformers: ['%s']", "validators: ['%s']", "patches: [{path: '%s'}]", "Patches: [{PATH: '%s'}]", "patchesStrategicMerge: ['%s']",
		"patchesJson6902: [{path: '%s', target: {kind: Service, name: web, version: v1}}]",
		"configMapGenerator: [{name: a, files: ['%s']}]", "configMapGenerator: [{name: a, files: ['k=%s']}]", "configMapGenerator: [{name: a, envs: ['%s']}]", "configMapGenerator: [{name: a, env: '%s'}]",
		"secretGenerator: [{name: a, files: ['%s']}]", "secretGenerator: [{name: a, envs: ['%s']}]", "secretGenerator: [{name: a, env: '%s'}]",
		"replacements: [{path: '%s'}]", "resources: &a ['%s']", "x: 1\nresources: ['%s']", "helmCharts: [{name: a, repo: '%s'}]", "helmCharts: [{name: a, valuesFile: '%s'}]",
		"helmChartInflationGenerator: [{chartName: a, values: '%s'}]",
		"generatorOptions: {labels: {a: b}}\nresources: [s.yaml]\nresources: ['%s']",
	} {
		cases[f] = map[string]string{"app/kustomization.yaml": f + "\n"}
	}
	plugins := map[string]string{
		"patch": "kind: PatchTransformer\npath: '%s'", "patch, other case": "kind: PatchTransformer\nPath: '%s'", "json patch": "kind: PatchJson6902Transformer\ntarget: {name: web, kind: Service}\npath: '%s'",
		"merge": "kind: PatchStrategicMergeTransformer\npaths: ['%s']", "replacement": "kind: ReplacementTransformer\nreplacements: [{path: '%s'}]", "value": "kind: ValueAddTransformer\ntargetFilePath: '%s'",
		"config map": "kind: ConfigMapGenerator\nfiles: ['%s']", "config map, envs": "kind: ConfigMapGenerator\nenvs: ['%s']", "config map, env": "kind: ConfigMapGenerator\nenv: '%s'", "secret": "kind: SecretGenerator\nfiles: ['a=%s']",
		"chart": "kind: HelmChartInflationGenerator\nname: a\nrepo: '%s'", "anchor": "kind: PatchTransformer\nx: &a '%s'\npath: *a",
	}
	for name, config := range plugins {
		field := "transformers"
		if strings.Contains(config, "Generator") {
			field = "generators"
		}
		config = "apiVersion: builtin\nmetadata: {name: a}\n" + config + "\n"
		indented := strings.ReplaceAll(config, "\n", "\n  ")
		cases[name+", inline"] = map[string]string{"app/kustomization.yaml": "resources: [s.yaml]\n" + field + ":\n- |-\n  " + indented}
		cases[name+", file"] = map[string]string{"app/kustomization.yaml": "resources: [s.yaml]\n" + field + ": [p.yaml]\n", "app/p.yaml": config}
		cases[name+", validator"] = map[string]string{"app/kustomization.yaml": "resources: [s.yaml]\nvalidators: [p.yaml]\n", "app/p.yaml": config}
		cases[name+", directory"] = map[string]string{"app/kustomization.yaml": "resources: [s.yaml]\n" + field + ": [../p]\n", "p/kustomization.yaml": "resources: [q]\n", "p/q/kustomization.yml": "bases: [../r]\n", "p/r/Kustomization": "resources: [p.yaml]\n", "p/r/p.yaml": config}
		cases[name+", base"] = map[string]string{"app/kustomization.yaml": "resources: [../b]\n", "b/kustomization.yaml": field + ": [p.yaml]\n", "b/p.yaml": config}
	}
	cases["linked kustomization"] = map[string]string{"app/kustomization.yaml": "-> x.txt", "app/x.txt": "resources: ['%s']\n"}
	cases["kustomization linked from below"] = map[string]string{"app/kustomization.yaml": "-> sub/x.txt", "app/sub/x.txt": "resources: ['%s']\n"}
	cases["linked base"] = map[string]string{"app/kustomization.yaml": "resources: [b]\n", "app/b": "-> ../c", "c/kustomization.yml": "resources: ['%s']\n"}
	cases["component"] = map[string]string{"app/kustomization.yaml": "components: [../c]\n", "c/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nresources: ['%s']\n"}
	cases["generator made by a transformer"] = map[string]string{
		"app/kustomization.yaml": "resources: [s.yaml]\ntransformers: [../p]\n",
		"p/kustomization.yaml":   "resources: [p.yaml]\npatches: [{target: {kind: PatchTransformer}, patch: '[{\"op\": \"replace\", \"path\": \"/path\", \"value\": \"%s\"}]'}]\n",
		"p/p.yaml":               "apiVersion: builtin\nkind: PatchTransformer\nmetadata: {name: a}\npath: s.yaml\n",
	}
	cases["generator in a generator"] = map[string]string{
		"app/kustomization.yaml": "generators: [../p]\n",
		"p/kustomization.yaml":   "generators: [g.yaml]\n",
		"p/g.yaml":               "apiVersion: builtin\nkind: ConfigMapGenerator\nmetadata: {name: a}\nfiles: ['%s']\n",
	}
	return cases
}

// TestNothingIsFetched tries every field with remote values: each must be an
// error, and nothing may go out. A directory of the remote's name changes nothing.
func TestNothingIsFetched(t *testing.T) {
	tr := setTrap(t)
	values := append([]string{tr.url + "/a.yaml", tr.url, strings.Replace(tr.url, "http", "HTTP", 1) + "/a.yaml"}, remotes...)
	for name, files := range pathFields() {
		for _, value := range values {
			filled := map[string]string{"app/s.yaml": service, "b/s.yaml": service}
			for file, data := range files {
				filled[file] = strings.ReplaceAll(data, "%s", value)
			}
			_, _, err := Render(t.Context(), repo(filled), "app", spec.KustomizeSource{}, Options{})
			if tr.sprung() {
				t.Errorf("%s: %s was fetched", name, value)
			}
			if err == nil {
				t.Errorf("%s: %s is not an error", name, value)
			} else if strings.Contains(err.Error(), "token") {
				t.Errorf("%s: error %q shows a password", name, err)
			}
		}
	}
}

// TestFieldsAreLive proves that the table above has teeth: with plain krusty,
// the same files do go out.
func TestFieldsAreLive(t *testing.T) {
	tr := setTrap(t)
	dead := 0
	for name, files := range pathFields() {
		if strings.Contains(name, "helm") || strings.Contains(name, "chart") || strings.Contains(name, "linked") {
			continue // krusty refuses charts itself; its in-memory file system has no links
		}
		fs := filesys.MakeFsInMemory()
		_ = fs.WriteFile("/app/s.yaml", []byte(service))
		for file, data := range files {
			_ = fs.WriteFile("/"+file, []byte(strings.ReplaceAll(data, "%s", tr.url+"/a.yaml")))
		}
		func() {
			defer func() { _ = recover() }()
			_, _ = krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(fs, "/app")
		}()
		if !tr.sprung() {
			t.Logf("%s does not go out by HTTP", name)
			dead++
		}
	}
	if dead > len(pathFields())/4 {
		t.Errorf("%d of %d cases test nothing", dead, len(pathFields()))
	}
}

func TestRemoteMessage(t *testing.T) {
	for value, want := range map[string]string{
		"https://user:t0ken@example.org/org/repo?ref=v1": "app/kustomization.yaml: resources[0]: https://example.org/org/repo is a URL, and nothing is fetched; copy it into this repository and name its path (`kustomize localize` does both)",
		"git@example.org:org/repo":                       "app/kustomization.yaml: resources[0]: git@example.org:org/repo is a remote Git repository, and nothing is fetched; copy it into this repository and name its path (`kustomize localize` does both)",
	} {
		_, _, err := Render(t.Context(), repo(map[string]string{"app/kustomization.yaml": "resources: ['" + value + "']"}), "app", spec.KustomizeSource{}, Options{})
		if err == nil || err.Error() != want {
			t.Errorf("error %v\nwant  %s", err, want)
		}
	}
	for _, src := range []spec.KustomizeSource{{Components: []string{"https://example.org/org/repo"}}, {Components: []string{"https://example.org/org/repo"}, IgnoreMissingComponents: true}} {
		objs, warnings, err := Render(t.Context(), repo(map[string]string{"app/kustomization.yaml": "resources: [s.yaml]", "app/s.yaml": service}), "app", src, Options{})
		if src.IgnoreMissingComponents != (err == nil && len(objs) == 1 && len(warnings) == 1) {
			t.Errorf("component by URL: %d objects, warnings %v, error %v", len(objs), warnings, err)
		}
	}
}
