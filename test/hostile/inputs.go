package main

import (
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// input is one command on one repository.
type input struct {
	name  string
	files map[string]string // "-> x" is a link
	args  []string
}

// paths are names that lead where they should not, by every way that the
// generators know. OUTSIDE is the directory beside the repository.
func paths() []string {
	return []string{
		"../../outside/secret", "OUTSIDE/secret", "file://OUTSIDE/secret", "x/../../../outside/secret", "./../../outside/secret", "link/secret", "linked",
		`..\..\outside\secret`, "../../outside/secret\x1b[31m", "~/../outside/secret", "%2e%2e/%2e%2e/outside/secret",
		".git/config", ".GIT/config", "../.git/config", "sub/.git/config", "git~1/config", ".git./config", ".git /config", ".git::$INDEX_ALLOCATION/config",
		".g\u200cit/config", "gitlink/config", "gitlink", ".git/hooks/pre-commit",
		"http://127.0.0.1:9/x.yaml", "https://127.0.0.1:9/x.git//base?ref=main", "git@127.0.0.1:acme/x.git", "ssh://-oProxyCommand=touch%20OUTSIDE/pwned/x",
		"ext::sh -c touch% OUTSIDE/pwned", "127.0.0.1:acme/x//base", "/dev/stdin", "/proc/self/environ", "\u202egpj.yaml", strings.Repeat("a/", 300) + "x", "",
	}
}

// fields are the places of each layout that take a path, as files with PATH in
// them.
func fields() map[string]map[string]string {
	list := map[string]map[string]string{}
	const head = "apiVersion: assay.dev/v1alpha1\nkind: "
	plan := func(body string) string { return head + "Plan\nspec:\n  " + body + "\n" }
	change := func(body string) string { return head + "Candidate\nmetadata: {name: x}\nspec:\n  " + body + "\n" }
	flat := func(name string, files map[string]string) {
		list["flat "+name] = with(map[string]string{"web.yaml": web, "candidate.yaml": change("images: [{name: example.com/web, newTag: \"2\"}]")}, files)
	}
	flat("resources", map[string]string{"assay.yaml": plan("experiment: {resources: [PATH]}")})
	flat("promotion path", map[string]string{"assay.yaml": plan("promotion: {to: [{path: PATH}]}")})
	flat("promotion repo", map[string]string{"assay.yaml": plan("promotion: {to: [{path: a, repo: PATH}]}")})
	flat("promotion branch", map[string]string{"assay.yaml": plan("promotion: {to: [{path: a, branch: PATH}]}")})
	flat("diff", map[string]string{"candidate.yaml": change("diff: |\n    --- RAW\n    +++ RAW\n    @@ -1 +1 @@\n    -" + secret + "\n    +evil")})
	flat("diff of a name", map[string]string{"candidate.yaml": change("diff: |\n    --- a/web.yaml\n    +++ b/RAW\n    @@ -1 +1 @@\n    -apiVersion: apps/v1\n    +evil")})
	flat("link", map[string]string{"more.yaml": "-> LINK"})
	flat("marker link", map[string]string{"candidate.yaml": "-> LINK"})
	flat("plan link", map[string]string{"assay.yaml": "-> LINK"})
	flat("template", map[string]string{"experiment/a.yaml.tmpl": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {x: {{ tpl (printf \"%s\" PATH) . }}}\n"})
	kustomize := func(name, body string) {
		list["kustomize "+name] = with(map[string]string{
			"web.yaml": web, "candidate.yaml": change("images: [{name: example.com/web, newTag: \"2\"}]"),
		}, map[string]string{"kustomization.yaml": "resources: [web.yaml]\n" + body + "\n"})
	}
	for _, field := range []string{"components", "bases", "crds", "configurations", "generators", "transformers", "validators", "patchesStrategicMerge"} {
		kustomize(field, field+": [PATH]")
	}
	list["kustomize resources"] = with(list["kustomize crds"], map[string]string{"kustomization.yaml": "resources: [web.yaml, PATH]\n"})
	kustomize("patches", "patches: [{path: PATH}]")
	kustomize("patchesJson6902", "patchesJson6902: [{path: PATH, target: {version: v1, kind: Deployment, name: web}}]")
	kustomize("replacements", "replacements: [{path: PATH}]")
	kustomize("openapi", "openapi: {path: PATH}")
	kustomize("files", "configMapGenerator: [{name: a, files: [PATH]}]")
	kustomize("named files", "configMapGenerator: [{name: a, files: [\"k=RAW\"]}]")
	kustomize("envs", "secretGenerator: [{name: a, envs: [PATH]}]")
	kustomize("charts", "helmCharts: [{name: PATH, repo: PATH, valuesFile: PATH}]\nhelmGlobals: {chartHome: PATH}")
	kustomize("exec", "generators: [exec.yaml]\n# RAW")
	helm := func(name string, files map[string]string) {
		list["helm "+name] = with(map[string]string{
			"Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n", "values.yaml": "tag: \"1\"\n", "assay.yaml": plan("helm: {releaseName: r, namespace: n}"),
			"templates/web.yaml": strings.Replace(web, "web:1", "web:{{ .Values.tag }}", 1), "candidate.yaml": change("values: {tag: \"2\"}"),
		}, files)
	}
	helm("value files", map[string]string{"assay.yaml": plan("helm: {releaseName: r, namespace: n, valueFiles: [PATH]}")})
	helm("dependency", map[string]string{"Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\ndependencies: [{name: a, version: 1.0.0, repository: PATH}]\n"})
	helm("schema", map[string]string{"values.schema.json": "{\"$ref\": PATH}"})
	helm("files", map[string]string{"templates/a.yaml": "x: {{ .Files.Get PATH | quote }}\ny: {{ .Files.Glob PATH | toYaml | quote }}\n"})
	helm("functions", map[string]string{"templates/a.yaml": "x: {{ getHostByName \"127.0.0.1\" }}{{ lookup \"v1\" \"Secret\" \"\" PATH }}{{ env PATH }}\n"})
	helm("link", map[string]string{"templates/a.yaml": "-> LINK"})
	helm("crds link", map[string]string{"crds": "-> LINK"})
	helm("subchart link", map[string]string{"charts/a": "-> LINK"})
	return list
}

const web = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "example.com/web:1"}]}
`

func with(files, more map[string]string) map[string]string {
	out := maps.Clone(files)
	maps.Copy(out, more)
	return out
}

// commands work on the environment env.
func commands() [][]string {
	return [][]string{
		{"render", "env"},
		{"diff", "env"},
		{"verify", "env"},
		{"parameters", "env"},
		{"status"},
		{"promote", "env", "--reason", "fine"},
		{"reject", "env", "--reason", "slow"},
		{"candidate", "set", "env", "--tag", "3"},
		{"init", "env", "--engine", "job", "--load", "none"},
	}
}

// inputs are all of them.
func inputs() []input {
	var list []input
	for _, field := range sortedKeys(fields()) {
		files := fields()[field]
		for n, at := range paths() {
			for _, args := range commands() {
				in := input{name: fmt.Sprintf("%s, path %d, %s", field, n, strings.Join(args, " ")), files: map[string]string{}, args: args}
				for name, text := range files {
					in.files[path.Join("env", name)] = fill(text, at)
				}
				list = append(list, in)
			}
		}
	}
	return list
}

// fill puts a path into a text: as a YAML string, raw, or as a link's destination.
func fill(text, at string) string {
	text = strings.ReplaceAll(text, "PATH", fmt.Sprintf("%q", at))
	text = strings.ReplaceAll(text, "RAW", strings.NewReplacer("\n", " ").Replace(at))
	return strings.ReplaceAll(text, "LINK", at)
}

// write makes the input's repository below dir, what is outside of it, and the
// arguments of its command.
func (in input) write(dir string) error {
	outside := filepath.Join(dir, "outside")
	files := with(in.files, map[string]string{
		"env/link": "-> " + outside, "env/linked": "-> " + filepath.Join(outside, "secret"), "env/gitlink": "-> ../.git",
		".git/config": "[core]\n\trepositoryformatversion = 0\n\tbare = false\n\tfsmonitor = touch " + outside + "/pwned\n[http]\n\textraHeader = " + secret + "\n",
		".git/HEAD":   "ref: refs/heads/main\n", ".git/hooks/pre-commit": "#!/bin/sh\ntouch " + outside + "/pwned\n", ".git/objects/info/keep": "", ".git/refs/heads/keep": "",
	})
	for name, text := range files {
		name = filepath.Join(dir, "repo", filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			return err
		}
		text = strings.ReplaceAll(text, "OUTSIDE", outside)
		var err error
		if to, found := strings.CutPrefix(text, "-> "); !found {
			err = os.WriteFile(name, []byte(text), 0o600)
		} else if to != "" {
			err = os.Symlink(to, name)
		}
		// A name that this system cannot have is not an input.
		if err != nil && !strings.Contains(err.Error(), "too long") {
			return err
		}
	}
	if err := os.MkdirAll(outside, 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(outside, "secret"), []byte("x: "+secret+"\n"), 0o600); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "args"), []byte(strings.Join(in.args, "\n")), 0o600)
}
