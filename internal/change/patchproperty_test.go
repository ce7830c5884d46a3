package change

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand"
	"slices"
	"strings"
	"testing"

	jsonpatch "github.com/evanphx/json-patch/v5"
	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"sigs.k8s.io/kustomize/api/types"
	sigsyaml "sigs.k8s.io/yaml"

	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/object/manifest"
	"github.com/assaydev/assay/internal/spec"
)

type (
	fields = map[string]any
	items  = []any
)

// pick is one of several values.
func pick[T any](r *rand.Rand, from ...T) T { return from[r.Intn(len(from))] }

// some are items for some of the names, in random order.
func some(r *rand.Rand, item func(name string) any, names ...string) items {
	out := items{}
	for _, i := range r.Perm(len(names))[:r.Intn(len(names)+1)] {
		out = append(out, item(names[i]))
	}
	return out
}

// maybe sets a field, or leaves it out.
func maybe(r *rand.Rand, in fields, name string, value any) {
	if list, ok := value.(items); ok && len(list) == 0 && r.Intn(4) > 0 {
		return
	}
	if r.Intn(3) > 0 {
		in[name] = value
	}
}

func randomScalar(r *rand.Rand) string {
	return pick(r, "a", "on", "1", "0x1F", "é ü", "two\nlines\n", "no\nend", "", "# x", "a: b", "{x}", "1e3", "null", "long "+strings.Repeat("words that go on ", 8), "'q'", `"d"`, " lead", "$(A)", "tab\there", "bell\a", "2001-01-01")
}

func randomEnv(r *rand.Rand) func(string) any {
	return func(name string) any {
		if r.Intn(4) == 0 {
			return fields{"name": name, "valueFrom": fields{"configMapKeyRef": fields{"name": "web", "key": pick(r, "a", "b")}}}
		}
		return fields{"name": name, "value": randomScalar(r)}
	}
}

func randomContainer(r *rand.Rand) func(string) any {
	return func(name string) any {
		c := fields{"name": name}
		maybe(r, c, "image", "example.com/"+name+pick(r, ":v1", ":v2", "@sha256:00"))
		maybe(r, c, "args", some(r, func(s string) any { return s + pick(r, "", "=1", "=2") }, "--a", "--b", "--c", "--d"))
		maybe(r, c, "env", some(r, randomEnv(r), "A", "B", "C", "D"))
		maybe(r, c, "ports", some(r, func(s string) any { return fields{"containerPort": int64(len(s)), "name": s} }, "x", "xx", "xxx"))
		maybe(r, c, "resources", fields{"limits": fields{"memory": pick(r, "1Gi", "2Gi"), "cpu": pick[any](r, "1", "500m", int64(2), 0.5)}})
		maybe(r, c, "volumeMounts", some(r, func(s string) any { return fields{"mountPath": "/" + s, "name": pick(r, "v", "w")} }, "a", "b", "c"))
		maybe(r, c, "readinessProbe", fields{"httpGet": fields{"path": "/", "port": pick[any](r, "http", int64(80))}, "periodSeconds": int64(r.Intn(9))})
		maybe(r, c, "tty", r.Intn(2) == 0)
		return c
	}
}

// randomSpec is a Deployment less its head, whole or the parts that a patch sets.
func randomSpec(r *rand.Rand) fields {
	pod := fields{"containers": append(items{randomContainer(r)("web")}, some(r, randomContainer(r), "proxy", "logs", "init")...)}
	maybe(r, pod, "volumes", some(r, func(s string) any { return fields{"name": s, "emptyDir": fields{}} }, "v", "w", "x"))
	maybe(r, pod, "tolerations", some(r, func(s string) any { return fields{"key": s, "operator": "Exists"} }, "a", "b", "c"))
	maybe(r, pod, "nodeSelector", fields{"zone": pick(r, "a", "b"), "disk": "ssd"})
	template := fields{"spec": pod}
	maybe(r, template, "metadata", fields{"labels": fields{"app": "web", "track": pick(r, "stable", "next")}, "annotations": fields{"example.com/x": randomScalar(r)}})
	out := fields{"template": template}
	maybe(r, out, "replicas", int64(r.Intn(5)))
	maybe(r, out, "paused", r.Intn(2) == 0)
	return out
}

func deployment(spec fields) fields {
	return fields{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": fields{"name": "web"}, "spec": spec}
}

// thinned is a value as a patch: parts left out, taken away, or as they are.
func thinned(r *rand.Rand, v any) any {
	switch v := v.(type) {
	case fields:
		out := fields{}
		for _, k := range sortedNames(v) {
			switch n := r.Intn(8); {
			case k == "name" || k == "containerPort" || k == "mountPath":
				out[k] = v[k]
			case n == 0:
				out[k] = nil
			case n < 5:
				out[k] = thinned(r, v[k])
			}
		}
		return out
	case items:
		out := items{}
		for _, e := range v {
			m, ok := e.(fields)
			switch n := r.Intn(6); {
			case ok && n == 0 && (m["name"] != nil && m["mountPath"] == nil && m["containerPort"] == nil):
				out = append(out, fields{"name": m["name"], "$patch": "delete"})
			case n < 4:
				out = append(out, thinned(r, e))
			}
		}
		return out
	}
	return v
}

func sortedNames(m fields) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// written is an object as YAML in a random style.
func writtenAs(t testing.TB, r *rand.Rand, o any) string {
	t.Helper()
	var n yaml.Node
	if err := n.Encode(o); err != nil {
		t.Fatal(err)
	}
	styled(r, &n, false)
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2 + r.Intn(3))
	if err := e.Encode(&n); err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(b.String(), "\n", pick(r, "\n", "\n", "\r\n"))
}

func styled(r *rand.Rand, n *yaml.Node, flow bool) {
	switch {
	case n.Kind != yaml.ScalarNode && r.Intn(8) == 0:
		n.Style, flow = yaml.FlowStyle, true
	case n.Kind == yaml.ScalarNode && n.Tag == "!!str" && r.Intn(3) == 0 && n.Style == 0:
		n.Style = pick(r, yaml.SingleQuotedStyle, yaml.DoubleQuotedStyle)
	}
	for i, c := range n.Content {
		if !flow && r.Intn(12) == 0 && (n.Kind == yaml.SequenceNode || i%2 == 0) {
			c.HeadComment = "# about what follows"
		}
		if !flow && r.Intn(12) == 0 && c.Kind == yaml.ScalarNode && c.Style == 0 && (n.Kind == yaml.SequenceNode || i%2 == 1) && !strings.Contains(c.Value, "\n") {
			c.LineComment = "# note"
		}
		styled(r, c, flow)
	}
}

// randomOperations are JSON patch operations that fit an object.
func randomOperations(r *rand.Rand, o fields) items {
	out := items{}
	for range 1 + r.Intn(3) {
		at := o["spec"]
		path := "/spec"
		for {
			m, isMap := at.(fields)
			list, isList := at.(items)
			if isMap && len(m) > 0 && r.Intn(5) > 0 {
				k := pick(r, sortedNames(m)...)
				at, path = m[k], path+"/"+strings.ReplaceAll(k, "/", "~1")
				continue
			}
			if isList && len(list) > 0 && r.Intn(5) > 0 {
				i := r.Intn(len(list))
				at, path = list[i], fmt.Sprintf("%s/%d", path, i)
				continue
			}
			switch {
			case isList && r.Intn(2) == 0:
				out = append(out, fields{"op": "add", "path": path + "/" + pick(r, "-", fmt.Sprint(r.Intn(len(list)+1))), "value": randomEnv(r)("NEW")})
			case isMap && r.Intn(2) == 0:
				out = append(out, fields{"op": "add", "path": path + "/new", "value": pick[any](r, randomScalar(r), fields{"a": randomScalar(r)}, items{"x", int64(1)}, nil)})
			case r.Intn(3) == 0 && path != "/spec":
				out = append(out, fields{"op": "remove", "path": path})
			default:
				out = append(out, fields{"op": "replace", "path": path, "value": pick[any](r, randomScalar(r), int64(r.Intn(9)), 0.25, r.Intn(2) == 0, fields{"b": items{}})})
			}
			break
		}
	}
	return out
}

func toJSON(t testing.TB, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// A file with a strategic merge patch decodes to what Kubernetes makes of the
// object and the patch.
func TestFlatMergeLaw(t *testing.T) {
	lawOfPatches(t, func(r *rand.Rand, before fields) (types.Patch, any) {
		patch := deployment(thinned(r, randomSpec(r)).(fields)) //nolint:errcheck // a mapping stays one
		want, err := strategicpatch.StrategicMergePatch(toJSON(t, before), toJSON(t, patch), appsv1.Deployment{})
		if err != nil {
			return types.Patch{}, nil
		}
		return types.Patch{Patch: writtenAs(t, r, patch)}, decoded(t, want)
	}, unordered)
}

// unordered is a value less nulls, with items of merged lists by their key:
// Kubernetes and Kustomize do not agree on these.
func unordered(v any) any {
	switch v := v.(type) {
	case fields:
		out := fields{}
		for k, e := range v {
			if e != nil {
				out[k] = unordered(e)
			}
		}
		return out
	case items:
		out := items{}
		for _, e := range v {
			out = append(out, unordered(e))
		}
		if _, ok := append(out, nil)[0].(fields); ok {
			slices.SortFunc(out, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		}
		return out
	}
	return v
}

// A file with a JSON patch decodes to the object with the operations applied.
func TestFlatOperationsLaw(t *testing.T) {
	lawOfPatches(t, func(r *rand.Rand, before fields) (types.Patch, any) {
		ops := randomOperations(r, before)
		patch, err := jsonpatch.DecodePatch(toJSON(t, ops))
		if err != nil {
			t.Fatal(err)
		}
		want, err := patch.Apply(toJSON(t, before))
		if err != nil {
			return types.Patch{}, nil
		}
		return on("Deployment", "web", writtenAs(t, r, ops)), decoded(t, want)
	}, func(v any) any { return v })
}

func decoded(t testing.TB, data []byte) any {
	t.Helper()
	var v any
	if err := sigsyaml.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func lawOfPatches(t *testing.T, draw func(r *rand.Rand, before fields) (types.Patch, any), form func(any) any) {
	made := 0
	for seed := range int64(400) {
		r := rand.New(rand.NewSource(seed)) //nolint:gosec // a fixed sequence is wanted
		before := deployment(randomSpec(r))
		patch, want := draw(r, before)
		if want == nil {
			continue
		}
		other := "apiVersion: v1\nkind: Service\nmetadata: {name: web} # stays\n"
		text := other + "---\n" + writtenAs(t, r, before)
		in := flatInput(t, "", image("x", ""))
		in.FS = in.FS.With(map[string][]byte{"shop/a.yaml": []byte(text)})
		in.Files = []string{"shop/a.yaml"}
		in.Baseline = decode(t, in.FS, "shop/a.yaml")
		in.Change = spec.Change{Patches: []types.Patch{patch}}
		edit, err := Make(in)
		if errors.Is(err, ErrNothing) {
			if !object.Equal(form(decoded(t, toJSON(t, before))), form(want)) {
				t.Errorf("seed %d: nothing changed\n%s\n%s", seed, text, patch.Patch)
			}
			continue
		}
		if err != nil {
			t.Errorf("seed %d: %v\n%s\n%s", seed, err, text, patch.Patch)
			continue
		}
		made++
		after := string(edit.Files["shop/a.yaml"])
		rest, ok := strings.CutPrefix(after, other+"---\n")
		if got := decoded(t, []byte(rest)); !ok || !object.Equal(form(want), form(got)) {
			t.Errorf("seed %d:\n%s\nwith\n%s\nbecame\n%s\n%s", seed, text, patch.Patch, after, cmp.Diff(form(want), form(got)))
		}
	}
	if made < 200 {
		t.Errorf("only %d patches were made", made)
	}
}

// A patch of any text is made right or refused, and never panics.
func FuzzFlatPatch(f *testing.F) {
	f.Add(webManifest, "[{op: replace, path: /spec/replicas, value: 3}]", true)
	f.Add(webManifest, "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {template: {spec: {containers: [{name: web, env: [{name: A, value: x}]}]}}}\n", false)
	f.Add("apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Pod, metadata: {name: web}, spec: &s {a: [1, 2, {name: x}]}, x: *s}\n", "[{op: move, from: /spec/a/0, path: /spec/b}, {op: copy, from: /spec/a/0, path: /spec/a/-}]", true)
	f.Add("{\"apiVersion\": \"v1\", \"kind\": \"Pod\", \"metadata\": {\"name\": \"web\"}}", "[{\"op\": \"add\", \"path\": \"\", \"value\": {}}]", true)
	f.Add(webManifest, "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {template: {spec: {$patch: replace, containers: [{$patch: delete, name: web}]}}}\n", true)
	f.Fuzz(func(t *testing.T, text, patch string, targeted bool) {
		in := flatInput(t, "")
		in.FS = in.FS.With(map[string][]byte{"shop/a.yaml": []byte(text)})
		in.Files = []string{"shop/a.yaml"}
		objs, err := manifest.Decode("shop/a.yaml", []byte(text), manifest.Limits{})
		if err != nil {
			return
		}
		if in.Baseline, err = manifest.Flatten("shop/a.yaml", objs); err != nil {
			return
		}
		p := types.Patch{Patch: patch}
		if targeted {
			p = on("", ".*", patch)
		}
		in.Change.Patches = []types.Patch{p}
		edit, err := Make(in)
		if err != nil {
			if len(err.Error()) > 2048 {
				t.Errorf("a message of %d bytes: %v", len(err.Error()), err)
			}
			return
		}
		after := edit.Files["shop/a.yaml"]
		if _, err := manifest.Decode("shop/a.yaml", after, manifest.Limits{}); err != nil {
			t.Errorf("%v\n%s\n%s\n%s", err, text, patch, after)
		}
	})
}
