package drift

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// edited is a Deployment as Git renders it and as a cluster has it, with another count of replicas and
// another image of its container side.
func edited(t *testing.T) (o, live *unstructured.Unstructured) {
	t.Helper()
	o = parse(t, rendered["Deployment"])
	live = served(t, o)
	put(t, live, int64(5), "spec", "replicas")
	container(t, live, 1)["image"] = "x"
	return o, live
}

func TestIgnore(t *testing.T) {
	o, live := edited(t)
	rule := Ignore{Group: "apps", Kind: "Deployment"}
	with := func(change func(*Ignore)) []Ignore {
		r := rule
		change(&r)
		return []Ignore{r}
	}
	pointers := func(list ...string) []Ignore { return with(func(r *Ignore) { r.Pointers = list }) }
	expressions := func(list ...string) []Ignore { return with(func(r *Ignore) { r.Expressions = list }) }
	for name, test := range map[string]struct {
		rules []Ignore
		left  int
	}{
		"none":          {nil, 2},
		"one field":     {pointers("/spec/replicas"), 1},
		"both":          {pointers("/spec/replicas", "/spec/template/spec/containers/1/image"), 0},
		"a parent":      {pointers("/spec"), 0},
		"no such field": {pointers("/spec/replicas/x", "/spec/template/spec/containers/9/image", "/spec/template/spec/containers/web", "/"), 2},
		"another name":  {with(func(r *Ignore) { r.Name = "other"; r.Pointers = []string{"/spec"} }), 2},
		"its name":      {with(func(r *Ignore) { r.Name, r.Namespace = "web", "web"; r.Pointers = []string{"/spec"} }), 0},
		"all kinds":     {with(func(r *Ignore) { r.Group, r.Kind = "*", "*"; r.Pointers = []string{"/spec"} }), 0},
		"no glob":       {with(func(r *Ignore) { r.Kind = "["; r.Pointers = []string{"/spec"} }), 2},

		"jq: one field":                 {expressions(".spec.replicas"), 1},
		"jq: both":                      {expressions(".spec.replicas, .spec.template.spec.containers[1].image"), 0},
		"jq: chosen":                    {expressions(`.spec.template.spec.containers[] | select(.name == "side") | .image`), 1},
		"jq: another one":               {expressions(`.spec.template.spec.containers[] | select(.name == "web") | .image`), 2},
		"jq: whole items":               {expressions(`.spec.template.spec.containers[] | select(.image | test("^(x|example.com:5000/.*)$"))`), 1},
		"jq: wherever it is":            {expressions(".. | .replicas?, .image?"), 0},
		"jq: a variable":                {expressions(`.metadata.name as $n | .spec.template.spec.containers[] | select(.name != $n) | .image`), 1},
		"jq: keys":                      {expressions(`.spec[.spec | keys[] | select(startswith("repl"))]`), 1},
		"jq: if":                        {expressions(`if .kind == "Deployment" then .spec.replicas else .spec end`), 1},
		"jq: not on every object":       {expressions(".spec.webhooks[].clientConfig.caBundle"), 2},
		"jq: what is no path":           {expressions(".spec | keys"), 2},
		"jq: some, and then it fails":   {expressions(".spec.replicas, .spec.webhooks[]"), 2},
		"jq: of nothing":                {expressions("empty"), 2},
		"jq: a rule about other kinds":  {with(func(r *Ignore) { r.Kind, r.Expressions = "Job", []string{"["} }), 2},
		"managers: none of that name":   {with(func(r *Ignore) { r.Managers = []string{"hpa"} }), 2},
		"pointer, expression, in order": {with(func(r *Ignore) { r.Pointers, r.Expressions = []string{"/spec/replicas"}, []string{".spec.template"} }), 0},
	} {
		if found := of(t, o, live, test.rules...); len(found) != test.left {
			t.Errorf("%s: %s", name, found)
		}
	}
}

// TestIgnoreRefuses: a rule that cannot be applied is an error that names it, in time and without taking
// memory.
func TestIgnoreRefuses(t *testing.T) {
	o, live := edited(t)
	put(t, live, strings.Repeat("a", 1000), "spec", "template", "metadata", "annotations", "long")
	for text, want := range map[string]string{
		".spec[":                                "unexpected",
		"":                                      "it has to have 1 to 2000 bytes",
		"# nothing":                             "it chooses nothing",
		strings.Repeat("(", 3000):               "it has to have 1 to 2000 bytes",
		".a) | .spec.replicas = 1 | (.b":        "unexpected",
		".":                                     "it leaves nothing of the object",
		".spec.replicas = 3":                    "the operator =",
		"[limit(1000000000; repeat(1))] | .[0]": "which is refused here",
		"def f: .spec; f":                       "it defines or imports functions",
		"reduce range(9) as $i (.; .)":          "which is refused here",
		`"x" * 1000000000`:                      "the operator *",
		`.spec | tojson | tojson`:               "the function tojson/0",
		`.spec."a\(.kind)"`:                     "it makes a string of others",
		`"\(.)"`:                                "it makes a string, a list or a number of others",
		"[..]":                                  "it makes a string, a list or a number of others",
		"{a: .}":                                "which is refused here",
		"@json":                                 "which is refused here",
		". as [$a] | .spec":                     "name one variable",
		"label $f | .spec":                      "which is refused here",
		".spec | select(contains(..))":          "the function contains takes a literal here",
		`.spec | select(test(.kind))`:           "the function test takes a literal here",
		`.spec | select(test(["a"]))`:           "the function test takes a string here",
		`.kind | select(test("("))`:             "missing closing )",
		`.kind | select(test("` + strings.Repeat("x{500}", 4) + `"))`: "repeats too much",
		".spec | $missing":                 "variable not defined",
		"input":                            "the function input/0",
		strings.Repeat("(.,.)|", 60) + ".": "its paths have more than 100000 parts or it takes longer than 1s",
		strings.Repeat("(.,.)|", 60) + "select(false)": "it takes longer than 1s",
	} {
		_, err := Of(t.Context(), o, live, Rules{Ignore: []Ignore{{From: "the rule", Kind: "*", Group: "*", Expressions: []string{text}}}})
		if err == nil || !strings.HasPrefix(err.Error(), "apply the rule to Deployment/web/web: jqPathExpressions: ") || !slices.ContainsFunc(strings.Split(want, " or "), func(one string) bool { return strings.Contains(err.Error(), one) }) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	_, err := Of(t.Context(), o, live, Rules{Ignore: []Ignore{{From: "the rule", Kind: "*", Group: "*", Pointers: []string{"spec/replicas"}}}})
	if err == nil || err.Error() != "apply the rule to Deployment/web/web: jsonPointers: spec/replicas: a JSON pointer begins with /" {
		t.Error(err)
	}
	put(t, live, strings.Repeat("a", mostObject), "data")
	_, err = Of(t.Context(), o, live, Rules{Ignore: []Ignore{{From: "the rule", Kind: "*", Group: "*", Expressions: []string{".spec"}}}})
	if err == nil || !strings.Contains(err.Error(), "the object is larger than 512 KiB") {
		t.Error(err)
	}
}

// TestIgnoreKeepsNumbers: a rule changes nothing that it does not remove.
func TestIgnoreKeepsNumbers(t *testing.T) {
	o := parse(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {n: 9007199254740993, gone: 1, half: 0.5}\n")
	live := o.DeepCopy()
	put(t, live, int64(9007199254740992), "data", "n")
	found := of(t, o, live, Ignore{Kind: "ConfigMap", Pointers: []string{"/data/gone"}, Expressions: []string{".data.half"}})
	if len(found) != 1 || found[0].Field != "data.n" {
		t.Errorf("%s", found)
	}
}

// TestManagers: what a manager wrote is taken out of both objects, and nothing else.
func TestManagers(t *testing.T) {
	for name, test := range map[string]struct {
		fields string // that the manager hpa wrote
		change func(t *testing.T, live *unstructured.Unstructured)
		want   []string // fields that differ
	}{
		"a field":         {`{"f:spec": {"f:replicas": {}}}`, nil, []string{"spec.template.spec.containers[side].image"}},
		"another field":   {`{"f:spec": {"f:paused": {}}}`, nil, []string{"spec.replicas", "spec.template.spec.containers[side].image"}},
		"of an item":      {`{"f:spec": {"f:template": {"f:spec": {"f:containers": {"k:{\"name\":\"side\"}": {".": {}, "f:name": {}, "f:image": {}}}}}}}`, nil, []string{"spec.replicas"}},
		"of another item": {`{"f:spec": {"f:template": {"f:spec": {"f:containers": {"k:{\"name\":\"web\"}": {".": {}, "f:name": {}, "f:image": {}}}}}}}`, nil, []string{"spec.replicas", "spec.template.spec.containers[side].image"}},
		"a whole item": {
			`{"f:spec": {"f:replicas": {}, "f:template": {"f:spec": {"f:containers": {"k:{\"name\":\"proxy\"}": {".": {}, "f:name": {}, "f:image": {}}, "k:{\"name\":\"side\"}": {"f:image": {}}}}}}}`,
			func(t *testing.T, live *unstructured.Unstructured) {
				list, _, _ := unstructured.NestedSlice(live.Object, "spec", "template", "spec", "containers")
				put(t, live, append(list, map[string]any{"name": "proxy", "image": "p"}), "spec", "template", "spec", "containers")
			},
			nil,
		},
		"an item with more than it wrote": {
			`{"f:spec": {"f:replicas": {}, "f:template": {"f:spec": {"f:containers": {"k:{\"name\":\"proxy\"}": {".": {}, "f:name": {}, "f:image": {}}, "k:{\"name\":\"side\"}": {"f:image": {}}}}}}}`,
			func(t *testing.T, live *unstructured.Unstructured) {
				list, _, _ := unstructured.NestedSlice(live.Object, "spec", "template", "spec", "containers")
				put(t, live, append(list, map[string]any{"name": "proxy", "image": "p", "command": []any{"sh"}}), "spec", "template", "spec", "containers")
			},
			[]string{"spec.template.spec.containers[proxy]"},
		},
		"a mapping that it made": {
			`{"f:spec": {"f:replicas": {}, "f:template": {"f:spec": {"f:nodeSelector": {".": {}, "f:disk": {}}, "f:containers": {"k:{\"name\":\"side\"}": {"f:image": {}}}}}}}`,
			func(t *testing.T, live *unstructured.Unstructured) {
				put(t, live, "fast", "spec", "template", "spec", "nodeSelector", "disk")
			},
			nil,
		},
		"one of a port": {
			`{"f:spec": {"f:replicas": {}, "f:template": {"f:spec": {"f:containers": {"k:{\"name\":\"side\"}": {"f:image": {}}, "k:{\"name\":\"web\"}": {"f:ports": {"k:{\"containerPort\":8080,\"protocol\":\"TCP\"}": {"f:hostPort": {}}}}}}}}}`,
			func(t *testing.T, live *unstructured.Unstructured) {
				item(t, container(t, live, 0)["ports"], 0)["hostPort"] = int64(80)
			},
			nil,
		},
		"a value, a place": {
			`{"f:spec": {"f:replicas": {}, "f:template": {"f:spec": {"f:containers": {"k:{\"name\":\"side\"}": {"f:image": {}, "f:args": {"v:\"-x\"": {}, "i:0": {}}}}}}}}`,
			func(t *testing.T, live *unstructured.Unstructured) {
				container(t, live, 1)["args"] = []any{"-a", "-x"}
			},
			nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			o, live := edited(t)
			if test.change != nil {
				test.change(t, live)
			}
			var fields any
			if err := json.Unmarshal([]byte(test.fields), &fields); err != nil {
				t.Fatal(err)
			}
			put(t, live, []any{
				map[string]any{"manager": "argocd", "operation": "Apply", "fieldsType": "FieldsV1", "fieldsV1": map[string]any{"f:spec": map[string]any{}}},
				map[string]any{"manager": "hpa", "operation": "Update", "fieldsType": "FieldsV1", "fieldsV1": fields},
			}, "metadata", "managedFields")
			var got []string
			for _, d := range of(t, o, live, Ignore{Group: "apps", Kind: "Deployment", Managers: []string{"hpa"}}) {
				got = append(got, d.Field)
			}
			slices.Sort(got)
			if !slices.Equal(got, test.want) {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}

// TestManagersRefuse: fields that cannot be read are an error.
func TestManagersRefuse(t *testing.T) {
	for want, fields := range map[string]any{
		"read managedFields of hpa": map[string]any{"f:spec": map[string]any{"k:{": map[string]any{}}},
		"are longer than 64 KiB":    map[string]any{"f:" + strings.Repeat("a", mostManaged): map[string]any{}},
	} {
		o, live := edited(t)
		put(t, live, []any{map[string]any{"manager": "hpa", "operation": "Update", "fieldsType": "FieldsV1", "fieldsV1": fields}}, "metadata", "managedFields")
		_, err := Of(t.Context(), o, live, Rules{Ignore: []Ignore{{From: "the rule", Group: "apps", Kind: "Deployment", Managers: []string{"hpa"}}}})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "apply the rule to Deployment/web/web: managedFieldsManagers: ") {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// TestIgnoreDeepObjects: paths of an object that is nested without need are counted by their parts.
func TestIgnoreDeepObjects(t *testing.T) {
	deep := any("end")
	for range 2000 {
		deep = map[string]any{"a": deep}
	}
	o := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "data": deep}}
	_, err := Of(t.Context(), o, o, Rules{Ignore: []Ignore{{From: "the rule", Kind: "*", Expressions: []string{".."}}}})
	if err == nil || !strings.Contains(err.Error(), "its paths have more than 100000 parts") {
		t.Error(err)
	}
}
