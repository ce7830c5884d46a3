package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	kubeyaml "k8s.io/apimachinery/pkg/util/yaml"
)

// oracle decodes as Argo CD's repo-server does.
func oracle(data []byte) ([]*unstructured.Unstructured, error) {
	d := kubeyaml.NewYAMLOrJSONDecoder(bytes.NewReader(data), 4096)
	var objs []*unstructured.Unstructured
	for {
		o := &unstructured.Unstructured{}
		if err := d.Decode(&o); errors.Is(err, io.EOF) {
			return objs, nil
		} else if err != nil {
			return objs, err
		}
		if o != nil {
			objs = append(objs, o)
		}
	}
}

func contents(objs []*unstructured.Unstructured) []map[string]any {
	all := []map[string]any{}
	for _, o := range objs {
		all = append(all, o.Object)
	}
	return all
}

const head = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"

// seeds are files whose decoding must equal Kubernetes' own.
var seeds = map[string]string{
	"one":              head,
	"numbers":          head + "data: {a: 1, b: 1.0, c: 1.5, d: 1e3, e: 012, f: 0x10, g: 1_000, h: -0.0, i: 9223372036854775807, j: 9223372036854775808, k: 1e21, l: 1e20, m: 0b11, n: 0o7, o: 190:20:30, p: -9223372036854775809}\n",
	"booleans":         head + "data: {a: on, b: yes, c: 'on', d: \"no\", e: True, f: y, g: off, h: ~, i: null, j: }\n",
	"keys":             head + "data: {1: a, true: b, 1.5: c, on: d, 0x10: e}\n",
	"null key":         head + "data: {~: a}\n",
	"map key":          head + "data: {[a]: b}\n",
	"infinity":         head + "data: {a: .inf}\n",
	"not a number":     head + "data: {a: .nan}\n",
	"dates":            head + "data: {a: 2001-01-01, b: 2001-12-14t21:59:43.10-05:00, c: !!timestamp 2001-01-01}\n",
	"tags":             head + "data: {a: !!str 1, b: !!int \"1\", c: !!float 1, d: !!binary aGk=, e: !!binary /w==, f: !custom x}\n",
	"duplicate keys":   head + "data: {a: 1}\ndata: {b: 2}\n",
	"anchors":          head + "x: &x {a: 1, b: [1, 2]}\ny: *x\nz: [*x, *x]\n",
	"merge":            head + "x: &x {a: 1, b: 2}\ny: {<<: *x, b: 3}\nz:\n  b: 4\n  <<: [*x, {c: 5}]\n",
	"many":             head + "---\n" + head + "---\n\n--- # c\n" + head,
	"leading":          "# c\n---\n" + head + "---\n",
	"only comments":    "# nothing\n---\n# here\n",
	"empty":            "",
	"no last newline":  head + "data:\n  a: |\n    text",
	"keep newline":     head + "data:\n  a: |+\n    text\n\n\n---\n" + head,
	"crlf":             strings.ReplaceAll(head+"data:\n  a: |\n    x\n    y\n---\n"+head, "\n", "\r\n"),
	"separator text":   head + "--- x\n" + head,
	"dashes":           head + "-----BEGIN\n",
	"document end":     head + "...\n---\n" + head + "...\nb: 1\n",
	"directive":        "%YAML 1.1\n---\n" + head,
	"scalar":           "hello\n",
	"list":             "- a\n- b\n",
	"no kind":          "a: b\n",
	"no kind later":    head + "---\na: b\n",
	"kind is a number": "apiVersion: v1\nkind: 1\n",
	"no apiVersion":    "kind: A\n",
	"bad apiVersion":   "apiVersion: a/b/c\nkind: A\n",
	"tab":              head + "data:\n\ta: b\n",
	"templated":        head + "data: {{ .Values.a }}\n",
	"unclosed":         head + "data: {a: \"b\n",
	"escapes":          head + "data: {a: \"\\xff\\u00e9\\n\\t\", b: 'it''s', c: \"\\u2028\"}\n",
	"folded":           head + "data:\n  a: >-\n    x\n    y\n\n    z\n  b: >\n    t\n",
	"json":             `{"apiVersion":"v1","kind":"A","n":1,"f":1.0,"e":1e3}`,
	"json twice":       `{"apiVersion":"v1","kind":"A"} {"kind":"B","apiVersion":"v1"}`,
	"json documents":   "{\"kind\":\"A\"}\n---\n{\"kind\":\"B\"}\n",
	"flow yaml":        "{apiVersion: v1, kind: A, a: on}\n---\nkind: B\n",
	"json then junk":   `{"kind":"A"} x`,
	"json no kind":     `{"a":1}`,
	"List":             "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: A}\n",
	"indicator":        head + "data: {a: '*b', b: \"&c\", c: x&y*z}\n",
	"unicode":          head + "data: {é: ü, \"\\U0001F600\": a}\n",
	"deep":             head + "data: " + strings.Repeat("[", 60) + strings.Repeat("]", 60) + "\n",
	"empty flow":       head + "data: {}\nlist: []\nnone: [{}, [], ~]\n",
}

func TestDecodeEqualsKubernetes(t *testing.T) {
	for name, data := range seeds {
		t.Run(name, func(t *testing.T) { compare(t, []byte(data)) })
	}
}

func compare(t *testing.T, data []byte) {
	t.Helper()
	want, wantErr := oracle(data)
	got, err := Decode("a.yaml", data, Limits{Depth: 1000})
	if (err == nil) != (wantErr == nil) {
		t.Fatalf("error %v, want %v", err, wantErr)
	}
	// cmp.Diff takes exponential time on nested lists, so equal is asked first.
	if w, g := contents(want), contents(got); !reflect.DeepEqual(w, g) {
		t.Fatalf("objects differ: want %#v, got %#v", w, g)
	}
	var typed *Error
	if err != nil && (!errors.As(err, &typed) || len(err.Error()) > 500) {
		t.Fatalf("error %T %q, want a short *Error", err, err)
	}
}

func FuzzDecode(f *testing.F) {
	for _, data := range seeds {
		f.Add([]byte(data))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		// Only what is ours alone may differ: encodings, limits, undefined order.
		if _, err := text("a.yaml", data); err != nil || bytes.HasPrefix(data, []byte("\ufeff")) ||
			bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff")) {
			_, _ = Decode("a.yaml", data, Limits{})
			return
		}
		if docs, _ := split("a.yaml", data); checkAliases("a.yaml", data, docs) != nil {
			return
		}
		if again, _ := oracle(data); reflect.DeepEqual(again, first(oracle(data))) {
			compare(t, data)
		}
	})
}

func first(objs []*unstructured.Unstructured, _ error) []*unstructured.Unstructured { return objs }

// longAlias is a long text that aliases repeat.
var longAlias = "a: &a " + strings.Repeat("s3cret", 1<<17) + "\nb: [" + strings.Repeat("*a,", 400) + "]\n"

// What people share between the objects of a file stays possible.
func TestCheckAliasesTakesSharedTexts(t *testing.T) {
	text := head + "data: {a: &a \"" + strings.Repeat("x", 10_000) + "\", b: *a, c: *a, d: *a}\n"
	objs, err := Decode("x/a.yaml", []byte(text), Limits{})
	if err != nil || len(objs) != 1 {
		t.Fatalf("Decode = %d objects, %v", len(objs), err)
	}
}

func TestDecodeErrors(t *testing.T) {
	bomb := head + "a: &a [x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c <= 'i'; c++ {
		bomb += fmt.Sprintf("%c: &%c [%s*%c]\n", c, c, strings.Repeat(fmt.Sprintf("*%c,", c-1), 8), c-1)
	}
	cases := map[string]struct {
		data string
		lim  Limits
		want string
	}{
		"invalid UTF-8":  {head + "a: \xff\n", Limits{}, "x/a.yaml:4: invalid UTF-8"},
		"tab":            {head + "data:\n\ta: b\n", Limits{}, "x/a.yaml:5: a tab in the indentation"},
		"tab, later":     {head + "---\n" + head + "data:\n\ta: b\n", Limits{}, "x/a.yaml:9: a tab in the indentation"},
		"syntax":         {head + "---\n" + head + "data: {a: [}\n", Limits{}, "x/a.yaml:8: invalid YAML: did not find"},
		"separator":      {head + "--- x\n", Limits{}, "x/a.yaml:4: text after the document separator"},
		"no kind":        {head + "---\na: b\n", Limits{}, "x/a.yaml:5: not a Kubernetes object: no kind"},
		"scalar":         {"hello\n", Limits{}, "x/a.yaml:1: not a Kubernetes object: the document is a string"},
		"apiVersion":     {"apiVersion: a/b/c\nkind: A\n", Limits{}, "is not GROUP/VERSION"},
		"depth":          {head + "data: " + strings.Repeat("[", 101) + strings.Repeat("]", 101) + "\n", Limits{}, "nested deeper than 100 levels"},
		"depth, JSON":    {`{"kind":"A","a":[[[1]]]}`, Limits{Depth: 3}, "nested deeper than 3 levels"},
		"documents":      {head + "---\n" + head + "---\n" + head, Limits{Documents: 2}, "x/a.yaml:9: more than 2 documents"},
		"documents JSON": {`{"kind":"A"}{"kind":"A"}{"kind":"A"}`, Limits{Documents: 2}, "more than 2 documents"},
		"alias bomb":     {bomb, Limits{}, "x/a.yaml:1: aliases expand to more than"},
		"alias loop":     {head + "a: &a [*a]\n", Limits{}, "aliases expand to more than"},
		"long alias":     {head + "---\n" + head + longAlias, Limits{}, "x/a.yaml:5: aliases expand to more than"},
		"long key":       {head + "a: {? &a " + strings.Repeat("s3cret", 1<<15) + " : 1}\nb: [" + strings.Repeat("{? *a : 1},", 100) + "]\n", Limits{}, "x/a.yaml:1: aliases expand to more than"},
		"long flow":      {"{\n\"kind\": \"A\", \"a\": &a \"" + strings.Repeat("x", 1<<20) + "\", \"b\": [" + strings.Repeat("*a,", 400) + "]}", Limits{}, "aliases expand to more than"},
		"secret":         {head + "data: !!int s3cret\n", Limits{}, "x/a.yaml:1: invalid YAML: cannot decode !!str a value as a !!int"},
		"map key":        {head + "data: &x {? {a: s3cret} : b}\ny: {<<: *x}\n", Limits{}, "a key that is not a string"},
		"JSON syntax":    {"{\"kind\":\"A\",\n\"a\": ]}", Limits{}, "x/a.yaml:2: invalid JSON"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := Decode("x/a.yaml", []byte(c.data), c.lim)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "s3cret") || !strings.HasPrefix(err.Error(), "x/a.yaml") {
				t.Fatalf("error %v, want %q", err, c.want)
			}
		})
	}
}

func TestDecodeKeepsObjectsBeforeTheFault(t *testing.T) {
	data := strings.Repeat(head+"---\n", 300) + "a: b\n---\n" + head
	objs, err := Decode("a.yaml", []byte(data), Limits{})
	if err == nil || len(objs) != 300 {
		t.Fatalf("%d objects and error %v, want 300 and an error", len(objs), err)
	}
}

func TestDecodeKeepsOrder(t *testing.T) {
	var data strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&data, "apiVersion: v1\nkind: A\nmetadata: {name: n%d}\n---\n", i)
	}
	objs, err := Decode("a.yaml", []byte(data.String()), Limits{})
	if err != nil || len(objs) != 1000 {
		t.Fatalf("%d objects, %v", len(objs), err)
	}
	for i, o := range objs {
		if o.GetName() != fmt.Sprintf("n%d", i) {
			t.Fatalf("object %d is %s", i, o.GetName())
		}
	}
}

func TestDecodeByteOrderMarks(t *testing.T) {
	wide := []byte("\xff\xfe")
	for _, r := range head {
		wide = append(wide, byte(r), 0)
	}
	for name, data := range map[string][]byte{"UTF-8": []byte("\ufeff" + head), "UTF-16": wide} {
		objs, err := Decode("a.yaml", data, Limits{})
		if err != nil || len(objs) != 1 || objs[0].GetName() != "a" {
			t.Errorf("%s: %v, %v", name, objs, err)
		}
	}
}

func TestDecodeJSON(t *testing.T) {
	o, err := DecodeJSON("a.json", []byte("{\"apiVersion\":\"v1\",\"kind\":\"A\",\"n\":1,\"f\":1.5}\n"), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"apiVersion": "v1", "kind": "A", "n": int64(1), "f": 1.5}
	if diff := cmp.Diff(want, o.Object); diff != "" {
		t.Error(diff)
	}
	for data, want := range map[string]string{
		`{"a":1}`:                   "a.json:1: not a Kubernetes object: no kind",
		`{"kind":"A"}{"kind":"B"}`:  "a.json:1: more than one object",
		"{\"kind\":\"A\",\n}":       "a.json:2: invalid JSON",
		`[{"kind":"A"}]`:            "a.json:1: not a Kubernetes object",
		`{"kind":"A"`:               "a.json:1: invalid JSON: the file ends too early",
		"":                          "a.json:1: invalid JSON: the file ends too early",
		"{\"kind\":\"\xff\"}":       "a.json:1: invalid UTF-8",
		`{"kind":"A","a":[[[[1]]]]`: "a.json:1: invalid JSON: the file ends too early",
	} {
		if _, err := DecodeJSON("a.json", []byte(data), Limits{}); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", data, err, want)
		}
	}
}

func TestFlatten(t *testing.T) {
	decode := func(data string) []*unstructured.Unstructured {
		objs, err := Decode("a.yaml", []byte(data), Limits{})
		if err != nil {
			t.Fatal(err)
		}
		return objs
	}
	objs, err := Flatten("a.yaml", decode("kind: A\n---\nkind: List\nitems: [{kind: B}, {x: 1}]\n---\nkind: NullList\nitems:\n---\nkind: C\nitems:\nspec: {}\n---\nkind: D\nitems: text\n---\nkind: List\nitems: []\n"))
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, o := range objs {
		kinds = append(kinds, o.GetKind())
	}
	if diff := cmp.Diff([]string{"A", "B", "", "C", "D"}, kinds); diff != "" {
		t.Error(diff)
	}
	if _, err := Flatten("a.yaml", decode("kind: List\nitems: [1]\n")); err == nil || err.Error() != "a.yaml: items[0] of List is not an object" {
		t.Errorf("error %v", err)
	}
}

func BenchmarkDecode(b *testing.B) {
	data := []byte(strings.Repeat(deployment+"---\n", 1000))
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode("a.yaml", data, Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOracle(b *testing.B) {
	data := []byte(strings.Repeat(deployment+"---\n", 1000))
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := oracle(data); err != nil {
			b.Fatal(err)
		}
	}
}

const deployment = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels: {app: web}
spec:
  replicas: 2
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
      - name: web
        image: registry.example/web:1.0
        ports:
        - containerPort: 8080
          name: http
        env:
        - name: MODE
          value: "on"
        resources:
          limits: {cpu: 100m, memory: 64Mi}
        readinessProbe:
          httpGet: {path: /ready, port: http}
          periodSeconds: 5
`
