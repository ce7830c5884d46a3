package candidate

import (
	"context"
	"fmt"
	"io"
	"log"
	"math/rand"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v3/pkg/strvals"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/assaydev/assay/internal/history"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/render"
	"github.com/assaydev/assay/test/envrepo"
)

// shown runs with values printed as charts print them: as JSON, and as plain text.
const shown = `apiVersion: apps/v1
kind: Deployment
metadata: {name: NAME}
spec:
  selector: {matchLabels: {app: NAME}}
  template:
    metadata: {labels: {app: NAME}}
    spec:
      containers:
      - name: NAME
        image: example.com/web:1
        env:
        - {name: PLAIN, value: {{ print .Values.a .Values.b | quote }}}
        - {name: JSON, value: {{ toJson .Values.m | quote }}}
        - {name: LIST, value: {{ toJson .Values.l | quote }}}
`

// settable is a chart with a subchart, and values for both in three files.
func settable(r *rand.Rand, version string) envrepo.Files {
	values := func() string {
		some := []string{"a: 1\n", "a: text\n", "b: 2000000\n", "b: null\n", "m: {x: 1, k: {z: [1, 2]}}\n", "m: {k: {z: [{w: 1}, {w: 2}]}}\n", "l: [{w: a, p: [1]}, {w: b, p: [2]}]\n", "l: [1, 2]\n"}
		out := ""
		for _, i := range r.Perm(len(some)) {
			if line := some[i]; r.Intn(2) == 0 && !strings.Contains("\n"+out, "\n"+line[:2]) {
				out += line
			}
		}
		return out
	}
	below := func() string {
		text := strings.TrimSuffix(values(), "\n")
		if text == "" {
			return "sub: {}\n"
		}
		return "sub:\n  " + strings.ReplaceAll(text, "\n", "\n  ") + "\n"
	}
	files := envrepo.Files{
		"env/Chart.yaml":                  "apiVersion: v2\nname: env\nversion: 0.1.0\ndependencies: [{name: sub, version: 0.1.0}]\n",
		"env/values.yaml":                 values() + below(),
		"env/templates/top.yaml":          strings.ReplaceAll(shown, "NAME", "top"),
		"env/charts/sub/Chart.yaml":       "apiVersion: v2\nname: sub\nversion: 0.1.0\n",
		"env/charts/sub/values.yaml":      values(),
		"env/charts/sub/templates/a.yaml": strings.ReplaceAll(shown, "NAME", "sub"),
		"env/assay.yaml":                  envrepo.Plan("helm: {version: " + version + ", releaseName: env, namespace: env}"),
	}
	if r.Intn(2) == 0 {
		files["env/prod.yaml"] = values() + below()
		files["env/assay.yaml"] = envrepo.Plan("helm: {version: " + version + ", releaseName: env, namespace: env, valueFiles: [prod.yaml]}")
	}
	return files
}

func randomSetting(r *rand.Rand) string {
	keys := []string{"a", "b", "m", "m.x", "m.k", "m.k.z[0]", "m.k.z[1]", "m.new", `m.dotted\.key`, "l", "l[0].w", "l[1].p[0]", "l[0]"}
	values := []string{"1", "58467965", "text", "007", "true", "null", "1.5", "{a,2}", "9007199254740993", "-1", "1e3", "0x10", "on", "", `a\,b`, "0"}
	key := keys[r.Intn(len(keys))]
	if r.Intn(2) == 0 {
		key = "sub." + key
	}
	return key + "=" + values[r.Intn(len(values))]
}

// helmSet is what Helm renders with the settings: its own --set, over value
// files of which the first is the chart's own where a list is changed in place, as
// the environment's files are the values that there are.
func helmSet(t *testing.T, version string, files envrepo.Files, settings []string) map[string]any {
	t.Helper()
	own := map[string]string{}
	for name, text := range files {
		if inside := strings.TrimPrefix(name, "env/"); inside != "assay.yaml" {
			own[inside] = text
		}
	}
	base := map[string]any{}
	if text, ok := files["env/prod.yaml"]; ok {
		if err := yaml.Unmarshal([]byte(text), &base); err != nil {
			t.Fatal(err)
		}
	}
	sdk := sdks[version]
	// Helm's --set of an item starts a list anew that no value file has.
	if slices.ContainsFunc(settings, func(s string) bool { return strings.Contains(s, "[") }) {
		all, err := sdk.coalesce(own, base)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range settings {
			seed(base, all, strings.FieldsFunc(s[:strings.Index(s, "=")], func(c rune) bool { return c == '.' }))
		}
	}
	for _, s := range settings {
		if err := strvals.ParseInto(s, base); err != nil {
			return nil
		}
	}
	texts, err := sdk.render(own, base)
	if err != nil {
		return nil
	}
	out := map[string]any{}
	for _, text := range texts {
		o := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(text), &o.Object); err != nil {
			t.Fatal(err)
		}
		out[o.GetName()] = container(o.Object)
	}
	return out
}

// seed copies the list on the way to a key to the values where they lack it.
func seed(values, all map[string]any, names []string) {
	for i, name := range names {
		key, _, isList := strings.Cut(name, "[")
		below, isMap := all[key].(map[string]any)
		switch now, there := values[key]; {
		case isList && !there && all[key] != nil:
			values[key] = all[key]
			return
		case isList || !isMap:
			return
		case !there && i < len(names)-1:
			values[key] = map[string]any{}
		default:
			if _, isMap := now.(map[string]any); !isMap {
				return
			}
		}
		values, _ = values[key].(map[string]any)
		all = below
	}
}

// Whatever is set renders as with Helm's own --set once it is written to the
// files, or is refused.
func TestSetIsHelms(t *testing.T) {
	out := log.Writer()
	log.SetOutput(io.Discard) // the SDK's warnings
	defer log.SetOutput(out)
	for version := range sdks {
		t.Run(version, func(t *testing.T) { testSetIsHelms(t, version) })
	}
}

func testSetIsHelms(t *testing.T, version string) {
	equal, refused := 0, map[string]int{}
	for seed := range int64(120) {
		r := rand.New(rand.NewSource(seed)) //nolint:gosec // a fixed sequence is wanted
		files := settable(r, version)
		var settings []string
		for range 1 + r.Intn(3) {
			settings = append(settings, randomSetting(r))
		}
		want := helmSet(t, version, files, settings)
		req, err := envrepo.Request(files.On(t), "env")
		if err != nil {
			t.Fatal(err)
		}
		got, err := placed(t, req, settings)
		switch {
		case err != nil:
			refused[err.Error()]++
		case want == nil:
			t.Errorf("seed %d: %v: Helm refuses what was accepted", seed, settings)
		default:
			equal++
			// In a chart's own values.yaml a null takes a key away, and only a null given by
			// a value file stays for templates to see: few can tell.
			if diff := cmp.Diff(unseen(want), unseen(got)); diff != "" {
				t.Errorf("seed %d: %v: %s\n%v", seed, settings, diff, files)
			}
		}
	}
	if equal < 50 {
		t.Errorf("only %d were accepted: %v", equal, refused)
	}
}

// unseen is without the null of a key, as toJson prints it.
func unseen(containers map[string]any) string {
	text := fmt.Sprint(containers)
	return strings.NewReplacer(`,"x":null`, "", `"x":null,`, "", `"x":null`, "").Replace(text)
}

// placed renders the containers of the candidate that the settings make, by name.
func placed(t *testing.T, req render.Request, settings []string) (map[string]any, error) {
	t.Helper()
	put := Put{Derive: func(ctx context.Context, m *Marker) (Derived, error) {
		values, err := m.Values(ctx, nil, settings)
		return Derived{Candidate: spec.Candidate{Spec: spec.CandidateSpec{Change: spec.Change{Values: values}}}}, err
	}}
	p, err := put.Place(t.Context(), req, Home{Past: func(context.Context) (history.Past, error) { return history.Past{}, nil }})
	if err != nil {
		return nil, err
	}
	if p.Live != "" {
		if p.Rendered, err = p.without(t.Context()); err != nil {
			return nil, err
		}
		p.Rendered.Candidate = p.Rendered.Baseline
	}
	out := map[string]any{}
	for _, o := range p.Rendered.Candidate {
		out[o.GetName()] = container(o.Object)
	}
	return out, nil
}

// container is the only one of a deployment.
func container(o map[string]any) any {
	list, _, _ := unstructured.NestedSlice(o, "spec", "template", "spec", "containers")
	return list[0]
}
