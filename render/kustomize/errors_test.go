package kustomize

import (
	"strings"
	"testing"

	"github.com/assaydev/assay/internal/spec"
)

func TestErrors(t *testing.T) {
	files := map[string]string{
		"app/d.yaml": deployment, "app/e.yaml": deployment, "app/bad.yaml": "a: [\n", "app/tab.yaml": "kind: A\na:\n\tb: c\n", "app/nokind.yaml": "a: b\n",
		"app/gen.yaml": "apiVersion: v1\nkind: Job\nmetadata: {generateName: a-}\n", "app/empty.yaml": "", "app/utf.yaml": "kind: Job\nmetadata: {name: \xff}\n",
		"app/keys.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {1: a}\n", "app/env.txt": "a=b\n", "app/out.yaml": "-> ../../etc/passwd",
		"base/kustomization.yaml": "resources: [d.yaml]\n", "base/d.yaml": deployment, "base/p.yaml": deployment, "up/kustomization.yaml": "resources: [../app]\n",
		"comp/kustomization.yaml":  "kind: Component\napiVersion: kustomize.config.k8s.io/v1alpha1\nnamePrefix: a\n",
		"wrong/kustomization.yaml": "resources: [x.yaml]\n", "wrong/x.yaml": "a: [\n", "nothing/readme": "",
		"gens/kustomization.yaml": "namePrefix: a\nresources: [g.yaml]\n", "gens/g.yaml": "apiVersion: builtin\nkind: PrefixTransformer\nmetadata: {name: a}\nprefix: a\n",
		"gens/deep/kustomization.yaml": "resources: [g.yaml]\n", "gens/deep/g.yaml": "apiVersion: example.org/v1\nkind: Exec\nmetadata: {name: a}\n",
	}
	const d = "resources: [d.yaml]\n"
	cases := []struct{ kustomization, want string }{
		{"", "app/kustomization.yaml: it is empty; list its resources"},
		{"resources: [d.yaml, e.yaml]", "app/e.yaml: Deployment web is in the kustomization already; remove one of the two, or rename it"},
		{"resources: [bad.yaml]", "app/bad.yaml:2: invalid YAML"},
		{"resources: [tab.yaml]", "app/tab.yaml:3: a tab in the indentation"},
		{"resources: [utf.yaml]", "app/utf.yaml:2: invalid UTF-8"},
		{"resources: [nokind.yaml]", "app/nokind.yaml:1: not a Kubernetes object"},
		{"resources: [gen.yaml]", "app/gen.yaml: Job has no metadata.name; name it"},
		{"resources: [keys.yaml]", "app: ConfigMap a: a key is not a string; quote it"},
		{"resources: [zzz]", "app/kustomization.yaml: resources[0]: there is no zzz; add it"},
		{"resources: [dd.yaml]", "app/kustomization.yaml: resources[0]: there is no dd.yaml; did you mean d.yaml?"},
		{"resources: [../bases]", "app/kustomization.yaml: resources[0]: there is no ../bases; did you mean ../base?"},
		{"resources: ['']", "app/kustomization.yaml: resources[0]: the path is empty"},
		{"resources: [/etc/x.yaml]", "app/kustomization.yaml: resources[0]: /etc/x.yaml is an absolute path"},
		{"resources: [../../x.yaml]", "app/kustomization.yaml: resources[0]: ../../x.yaml leaves the repository"},
		{"resources: [out.yaml]", "app/kustomization.yaml: resources[0]: the symlink app/out.yaml leaves the repository"},
		{"resources: [../base/d.yaml]", "app/kustomization.yaml: resources[0]: ../base/d.yaml is outside app, and Kustomize reads files only below their kustomization; move it there"},
		{"resources: [../nothing]", "app/kustomization.yaml: resources[0]: ../nothing has no kustomization.yaml"},
		{"resources: [../up]", "up/kustomization.yaml: resources: a cycle leads back to app"},
		{"resources: [.]", "app/kustomization.yaml: resources: a cycle leads back to app"},
		{"resources: [../wrong]", "wrong/x.yaml:2: invalid YAML"},
		{"resources: [../comp]", "app/kustomization.yaml: comp is a component; list it under components"},
		{"components: [../base]", "app/kustomization.yaml: base is not a component; list it under resources"},
		{"components: [d.yaml]", "app/kustomization.yaml: components[0]: d.yaml is a file; name the directory"},
		{d + "patches: [{path: .}]", "app/kustomization.yaml: patches[0].path: . is a directory; name a file"},
		{d + "patches: [{path: ../base/p.yaml}]", "app/kustomization.yaml: patches[0].path: ../base/p.yaml is outside app"},
		{d + "patches: [{path: bad.yaml}]", "app/bad.yaml:2: invalid YAML"},
		{d + "patches: [{patch: \"- {op: remove, path: /spec}\"}]", "app/kustomization.yaml: patches: a JSON patch has no target; add the target"},
		{d + "patches: [{patch: '{apiVersion: apps/v1, kind: Deployment, metadata: {name: wob}}'}]", "app/kustomization.yaml: a patch matches nothing: there is no Deployment wob"},
		{d + "patches: [{target: {name: web}, patch: 'token: [s3cret'}]", "app/kustomization.yaml: patches: a patch is neither"},
		{d + "patches: [{target: {name: web}, patch: \"- {op: replace, path: /spec/x/y, value: s3cret}\"}]", "app/kustomization.yaml: patches: replace operation does not apply: doc is missing path: /spec/x/y"},
		{d + "patches: [{path: d.yaml, patch: s3cret}]", "app/kustomization.yaml: patches: an entry has both patch and path"},
		{d + "patches: [{target: {name: web}}]", "app/kustomization.yaml: patches: an entry has neither patch nor path"},
		{d + "patchesStrategicMerge: [nokind.yaml]", "app/kustomization.yaml: not a Kubernetes object"},
		{d + "patchesJson6902: [{target: {name: x, kind: D, version: v1}, path: bad.yaml}]", "app/kustomization.yaml: a file that it names is invalid YAML"},
		{d + "secretGenerator: [{name: a, literals: [s3cret]}]", "app/kustomization.yaml: a literal of a generator is not KEY=VALUE"},
		{d + "configMapGenerator: [{literals: [a=b]}]", "app/kustomization.yaml: a configmap of a generator has no name"},
		{d + "configMapGenerator: [{name: a, behavior: merge, literals: [a=b]}]", "app/kustomization.yaml: a generator merges into ConfigMap a, which is not there"},
		{d + "configMapGenerator: [{name: a, files: [k=nope.txt]}]", "app/kustomization.yaml: configMapGenerator[0].files[0]: there is no nope.txt"},
		{d + "secretGenerator: [{name: a, envs: [nope.env]}]", "app/kustomization.yaml: secretGenerator[0].envs[0]: there is no nope.env"},
		{d + "replacements: [{path: nope.yaml}]", "app/kustomization.yaml: replacements[0].path: there is no nope.yaml"},
		{d + "replacements: [{source: {kind: Deployment, name: web}, targets: [{select: {kind: Deployment}, fieldPaths: [spec.nope.x]}]}]", "app/kustomization.yaml: replacements: unable to find field \"spec.nope.x\""},
		{d + "vars: [{name: A, objref: {kind: Foo, name: x, apiVersion: v1}}]", "app/kustomization.yaml: vars: A refers to an object that is not there"},
		{d + "crds: [empty.yaml]", "app/kustomization.yaml: kustomize cannot read this input"},
		{d + "configurations: [bad.yaml]", "app/kustomization.yaml: a file that it names is invalid YAML"},
		{d + "openapi: {version: v9}", "app/kustomization.yaml: openapi.version: it is not built into Kustomize"},
		{d + "openapi: {path: nope.json}", "app/kustomization.yaml: openapi.path: there is no nope.json"},
		{d + "replicas: [{name: nope, count: 3}]", "app/kustomization.yaml: replicas: there is no Deployment, StatefulSet or ReplicaSet nope"},
		{d + "kind: Foo", "app/kustomization.yaml: kind: want Kustomization or Component"},
		{d + "apiVersion: v3", "app/kustomization.yaml: apiVersion: want kustomize.config.k8s.io/v1beta1"},
		{d + "namespace: [a]", "app/kustomization.yaml:2: namespace is a list, want a string"},
		{d + "images: [{name: x, newTag: 1}]", "app/kustomization.yaml:2: images.newTag is a number; quote it, want a string"},
		{"resorces: [d.yaml]", "app/kustomization.yaml:1: unknown field resorces; did you mean resources?"},
		{d + "configMapGenerator: [{name: a, literal: [a=b]}]", "app/kustomization.yaml:2: unknown field literal; did you mean literals?"},
		{d + "xyzzy: 1", "app/kustomization.yaml:2: unknown field xyzzy; remove it"},
		{"resources: d.yaml", "app/kustomization.yaml:1: resources is a string, want a list"},
		{"a:\n\tb: c", "app/kustomization.yaml:2: a tab in the indentation; indent with spaces"},
		{d + "namePrefix: \"\xff\"", "app/kustomization.yaml:2: invalid UTF-8; save the file as UTF-8"},
		{d + "namePrefix: *s3cret", "app/kustomization.yaml:2: an alias that has no anchor"},
		{d + "namePrefix: [a", "app/kustomization.yaml:3: invalid YAML: did not find"},
		{"- a", "app/kustomization.yaml: "},
		{d + "helmCharts: [{name: x, repo: 'https://charts.example.org'}]", "app/kustomization.yaml: helmCharts: Kustomize would run the helm program; make the chart an environment of its own"},
		{d + "helmChartInflationGenerator: [{chartName: x}]", "app/kustomization.yaml: helmChartInflationGenerator: Kustomize would run the helm program"},
		{d + "generators: [\"{apiVersion: builtin, kind: HelmChartInflationGenerator, metadata: {name: a}, name: x}\"]", "app/kustomization.yaml: generators[0] HelmChartInflationGenerator: Kustomize would run the helm program"},
		{d + "generators: [\"{apiVersion: example.org/v1, kind: Exec, metadata: {name: a}}\"]", "app/kustomization.yaml: generators[0]: Exec is not a built-in plugin, and programs and containers are not run"},
		{d + "transformers: [\"{apiVersion: v1, kind: Fn, metadata: {name: a, annotations: {config.kubernetes.io/function: 'exec: {path: /bin/sh}'}}}\"]", "app/kustomization.yaml: transformers[0]: Fn is not a built-in plugin"},
		{d + "transformers: [../gens/deep]", "gens/deep/kustomization.yaml: resources[0]: Exec is not a built-in plugin"},
		{d + "transformers: [../gens]", "app/kustomization.yaml: transformers[0]: gens/kustomization.yaml does more than list resources"},
		{d + "transformers: [nope.yaml]", "app/kustomization.yaml: transformers[0]: there is no nope.yaml"},
		{d + "transformers: [\"{apiVersion: builtin, kind: Nope, metadata: {name: a}}\"]", "app/kustomization.yaml: Nope is not a built-in generator or transformer"},
	}
	for _, c := range cases {
		t.Run(c.kustomization, func(t *testing.T) {
			files["app/kustomization.yaml"] = c.kustomization
			objs, _, err := Render(t.Context(), repo(files), "app", spec.KustomizeSource{}, Options{})
			if err == nil || !strings.HasPrefix(err.Error(), c.want) || objs != nil {
				t.Fatalf("%d objects, error %v\nwant %s", len(objs), err, c.want)
			}
			if text := err.Error(); len(text) > 500 || strings.Contains(text, "s3cret") || strings.Contains(text, "'/") || strings.Contains(text, "\n") {
				t.Errorf("error %q: too long, or it quotes the file, or names a path of the machine", text)
			}
		})
	}
}

func TestRootErrors(t *testing.T) {
	files := map[string]string{
		"two/kustomization.yaml": "resources: []", "two/Kustomization": "resources: []", "none/a.yaml": deployment, "file": "", "over/kustomization.yaml": "resources: [../two]\n",
		"link/kustomization.yaml": "-> ../../etc/passwd",
	}
	for dir, want := range map[string]string{
		"two":  "two: more than one kustomization (kustomization.yaml, Kustomization); keep one",
		"none": "none: no kustomization.yaml; add one, or choose another layout in the plan",
		"nope": "nope: there is no such directory",
		"file": "file: there is no such directory",
		"over": "two/kustomization.yaml: there is more than one kustomization in two; keep one",
		"link": "link: no kustomization.yaml",
	} {
		if _, _, err := Render(t.Context(), repo(files), dir, spec.KustomizeSource{}, Options{}); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: error %v, want %s", dir, err, want)
		}
	}
}
