package experiment

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assaydev/assay/internal/spec"
)

func TestTemplateErrors(t *testing.T) {
	tests := map[string]struct {
		text string
		want []string
	}{
		"missing parameter":       {"a\nb: {{ .Parameters.qsp }}", []string{"shop/experiment/a.yaml.tmpl:2: the parameter qsp is not set (there are latency, limits, qps, total)", "spec.experiment.parameters"}},
		"near parameter":          {"{{ .Parameters.totals }}", []string{":1: the parameter totals is not set: did you mean total?"}},
		"nested parameter":        {"{{ .Parameters.limits.latenci }}", []string{":1: the parameter latenci is not set: did you mean latency"}},
		"missing key":             {"{{ (index .Targets 0).Candidate.Object.foo }}", []string{":1: ", "key foo is not set"}},
		"missing label":           {"{{ (index .Targets 0).Candidate.Labels.foo }}", []string{":1: ", "key foo is not set"}},
		"index":                   {"x\n\n{{ index .Parameters \"qsp\" }}", []string{"line 3 of its output has no value"}},
		"field":                   {"{{ .Target }}", []string{"there is no field Target: did you mean Targets"}},
		"version's field":         {"{{ (index .Targets 0).Candidate.Nam }}", []string{"there is no field Nam: did you mean Name"}},
		"unknown function":        {"\n\n{{ quot 1 }}", []string{":3: there is no function quot: did you mean quote"}},
		"environment":             {"{{ env \"HOME\" }}", []string{":1: the function env is refused: it reads the machine's environment"}},
		"time":                    {"{{ now }}", []string{"the function now is refused: it depends on the time"}},
		"chance":                  {"{{ randInt 1 9 }}", []string{"the function randInt is refused: its result is random"}},
		"key":                     {"{{ genCA \"a\" 1 }}", []string{"the function genCA is refused: its result is random"}},
		"network":                 {"{{ getHostByName \"a\" }}", []string{"the function getHostByName is refused: it uses the network"}},
		"cluster":                 {"{{ lookup \"v1\" \"Secret\" \"a\" \"b\" }}", []string{"the function lookup is refused: it asks the cluster"}},
		"command":                 {"{{ exec \"sh\" }}", []string{"the function exec is refused: it runs a command"}},
		"fail":                    {"{{ fail \"set qps\" }}", []string{":1: fail: set qps"}},
		"syntax":                  {"a\n{{ if }}", []string{"a.yaml.tmpl:2: missing value for if"}},
		"output is not YAML":      {"a: b\n\n{{ \"\\t\" }}x: [", []string{"a.yaml.tmpl: line 3 of its output"}},
		"output is not an object": {"- a", []string{"a.yaml.tmpl: line 1 of its output: not a Kubernetes object"}},
		"panic":                   {"{{ substr 5 1 \"abc\" }}", []string{"a.yaml.tmpl:1: "}},
		"endless range":           {"{{ range 9223372036854775807 }}{{ end }}", []string{"a.yaml.tmpl:1: the template loops more than 100000 times"}},
		"nested ranges":           {"{{ range 100000 }}{{ range 100000 }}{{ if true }}{{ range 9 }}{{ end }}{{ end }}{{ end }}{{ end }}", []string{"loops more than"}},
		"range in with":           {"{{ with 1 }}{{ range 9223372036854775807 }}{{ else }}{{ end }}{{ end }}", []string{"loops more than"}},
		"range in define":         {"{{ define \"x\" }}{{ range 9223372036854775807 }}{{ end }}{{ end }}{{ template \"x\" }}", []string{"loops more than"}},
		"recursion":               {"{{ define \"x\" }}{{ template \"x\" }}{{ template \"x\" }}{{ end }}{{ template \"x\" }}", []string{"a.yaml.tmpl:1: "}},
		"wide recursion":          {"{{ define \"x\" }}{{ if lt . 25 }}{{ template \"x\" (add1 .) }}{{ template \"x\" (add1 .) }}{{ end }}{{ end }}{{ template \"x\" 0 }}", []string{"loops more than"}},
		"output":                  {"{{ range 90000 }}0123456789012345678901234567890123456789012345678901234567890123456789{{ end }}", []string{"the template writes more than 4194304 bytes"}},
		"doubled string":          {"{{ $x := \"aaaa\" }}{{ range 100 }}{{ $x = print $x $x }}{{ end }}", []string{"the result of print is larger than"}},
		"doubled list":            {"{{ $x := list 1 }}{{ range 100 }}{{ $x = list $x $x }}{{ end }}{{ $x }}", []string{"the result of list is larger than"}},
		"list in itself":          {"{{ $x := dict }}{{ $_ := set $x \"x\" $x }}{{ $x }}", []string{"the result of set is larger than"}},
		"repeat":                  {"{{ repeat 9223372036854775807 \"ab\" }}", []string{"the result of repeat is larger than"}},
		"indent":                  {"{{ indent 1000000000000 \"ab\" }}", []string{"the result of indent is larger than"}},
		"nindent":                 {"{{ nindent 1000000000000 \"ab\" }}", []string{"the result of nindent is larger than"}},
		"until":                   {"{{ until 1000000000000 }}", []string{"the result of until is larger than"}},
		"until below":             {"{{ until -1000000000000 }}", []string{"the result of until is larger than"}},
		"untilStep":               {"{{ untilStep 0 1000000000000 1 }}", []string{"the result of untilStep is larger than"}},
		"seq":                     {"{{ seq 1000000000000 }}", []string{"the result of seq is larger than"}},
		"seq overflows":           {"{{ seq -9223372036854775807 1 9223372036854775807 }}", []string{"the result of seq is larger than"}},
		"untilStep overflows":     {"{{ untilStep -9223372036854775807 9223372036854775807 1 }}", []string{"the result of untilStep is larger than"}},
		"guard":                   {"{{ assayGuar }}", []string{"there is no function assayGuar"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, _, err := render(t, input(t, file("a.yaml.tmpl", tt.text)), Options{})
			wantError(t, err, append(tt.want, "shop/experiment/a.yaml.tmpl")...)
			if err != nil && strings.Contains(err.Error(), "did you mean assayGuard") {
				t.Error("the message offers the guard")
			}
		})
	}
}

func TestTemplateEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithDeadline(context.Background(), time.Unix(0, 0))
	defer cancel()
	_, _, err := Render(ctx, input(t, file("a.yaml.tmpl", "{{ range 10 }}{{ end }}")), testID, Options{})
	wantError(t, err, "a.yaml.tmpl:1: the template does not end in time")
	var limit *limitError
	if !errors.As(err, &limit) {
		t.Errorf("%T", err)
	}
}

func TestAmplifiersStillWork(t *testing.T) {
	tests := map[string]string{
		`{{ repeat 3 "ab" }}`:                "ababab",
		`{{ "a\nb" | indent 2 }}`:            "  a\n  b",
		`{{ "a" | nindent 2 }}`:              "\n  a",
		`{{ until 3 }}{{ until -2 }}`:        "[0 1 2][0 -1]",
		`{{ untilStep 6 0 -2 }}`:             "[6 4 2]",
		`{{ seq 3 }} {{ seq 2 2 6 }}`:        "1 2 3 2 4 6",
		`{{ printf "%s-%d" "a" 1 | upper }}`: "A-1",
		`{{ keys (dict "b" 1 "a" 2) }}`:      "[a b]",
		`{{ values (dict "b" 1 "a" 2) }}`:    "[2 1]",
		`{{ range 2 }}{{ break }}{{ end }}`:  "",
	}
	for text, want := range tests {
		got, err := execute(context.Background(), file("a.yaml.tmpl", text), input(t), testID, Options{}.defaulted())
		if err != nil || string(got) != want {
			t.Errorf("%s: %q, %v; want %q", text, got, err, want)
		}
	}
}

func TestDelimiters(t *testing.T) {
	in := input(t, file("a.yaml.tmpl", `{apiVersion: v1, kind: ConfigMap, metadata: {name: "x-[[ .ID ]]"}, data: {a: "{{ args.x }}"}}`))
	in.Experiment.Delimiters = []string{"[[", "]]"}
	got, _, err := render(t, in, Options{})
	if err != nil || !strings.Contains(got, "{{ args.x }}") || !strings.Contains(got, "x-"+testID) {
		t.Errorf("%v\n%s", err, got)
	}
	for _, bad := range [][]string{{"[["}, {"", "]]"}, {"%", "%"}, {"a", "b", "c"}} {
		in.Experiment.Delimiters = bad
		_, _, err := render(t, in, Options{})
		wantError(t, err, "assay.yaml: spec.experiment.delimiters")
	}
}

// What a template may call must give the same result everywhere and at any time.
func TestFunctionsAreHermetic(t *testing.T) {
	suspicious := regexp.MustCompile(`(?i)^(rand|gen|uuid|shuffle|bcrypt|htpasswd|encrypt|env|expandenv|gethost|lookup|os[A-Z]|file|exec)|now|date|ago$|epoch`)
	fns := functions(&guard{})
	for name := range fns {
		if suspicious.MatchString(name) {
			t.Errorf("%s may be called", name)
		}
	}
	if len(fns) < 150 {
		t.Errorf("only %d functions are left", len(fns))
	}
	for name, reason := range refused() {
		if _, ok := fns[name]; ok || reason == "" {
			t.Errorf("%s is refused and callable, or has no reason", name)
		}
	}
}

func TestPlainCopies(t *testing.T) {
	inner := map[string]any{"b": float64(3)}
	in := map[string]any{"a": []any{inner}, "c": 1.5, "d": 1e300, "e": nil, "f": true}
	out := plain(in)
	want := map[string]any{"a": []any{map[string]any{"b": int64(3)}}, "c": 1.5, "d": 1e300, "e": nil, "f": true}
	inner["b"] = "changed"
	if diff := cmp.Diff(any(want), out); diff != "" {
		t.Error(diff)
	}
}

func FuzzTemplate(f *testing.F) {
	for _, seed := range []string{
		"{{ .ID }}", "{{ range .Targets }}{{ .Candidate.Name }}{{ end }}", "{{ define \"a\" }}{{ end }}{{ template \"a\" }}",
		"{{ range $i, $e := .Parameters }}{{ $i }}{{ $e }}{{ continue }}{{ else }}{{ end }}", "{{ with .Name }}{{ . | quote }}{{ end }}",
		"{{ .Parameters.x }}", "{{ index .Targets 9 }}", "{{ (index .Targets 0).Candidate.Object | toJson }}", "{{/* c */}}", "{{ block \"x\" . }}{{ end }}",
	} {
		f.Add(seed)
	}
	in := input(f)
	in.Experiment = spec.Experiment{Parameters: map[string]any{"a": "b"}}
	f.Fuzz(func(t *testing.T, text string) {
		opt := Options{OutputBytes: 1 << 16}.defaulted()
		first, err1 := execute(context.Background(), file("a.yaml.tmpl", text), in, testID, opt)
		second, err2 := execute(context.Background(), file("a.yaml.tmpl", text), in, testID, opt)
		if string(first) != string(second) || (err1 == nil) != (err2 == nil) {
			t.Errorf("two results: %q %v, %q %v", first, err1, second, err2)
		}
		if len(first) > 1<<16 {
			t.Errorf("%d bytes", len(first))
		}
	})
}
