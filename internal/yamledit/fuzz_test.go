package yamledit

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// seeds are files of many shapes, for the fuzzers and the property tests.
var seeds = []string{
	"",
	"# only a comment\n",
	"# no line break",
	"---\n",
	"a: 1\n",
	"a: 1",
	"a: 1\nb: two # note\nc: 'three'\nd: \"four\"\n",
	"a: 1\r\nb:\r\n  c: x # note\r\n  d: [1, 2]\r\n",
	"\ufeffa: é\nü: {ö: ä, ß: [é, 1]}\n",
	"a:\n  b:\n    c: 1\n    d: 2\n\n  e: 3\n\nf: 4\n",
	"a:\n- x\n- y # note\n# about z\n- z\nb: 1\n",
	"a:\n  - x: 1\n    y: 2\n  - x: 3\n\n    # about y\n    y: 4\n",
	"a: {x: 1, y: 2}\nb: [1, 2, 3]\nc: {}\nd: []\ne:\nf: ~\n",
	"a: {\n  x: 1, # one\n  # about y\n  y: 2, # two\n}\nb: [\n  1,\n  2\n]\n",
	"{\"a\": 1, \"b\": [\"x\", {\"c\": null}], \"d\": {}}\n",
	"{\n\t\"a\": 1,\n\t\"b\": [\n\t\t\"x\"\n\t]\n}\n",
	"a: |\n  one\n  two\nb: |-\n  three\nc: |+\n  four\n\nd: >\n  five\n  six\n\n  seven\n   more\n  eight\ne: 1\n",
	"a: |\n  cut off",
	"a:\n  - >-\n    folded text that goes on\n    and on # not a comment\n  - |2\n      indented\n    less\n",
	"a: plain that\n  goes on\n\n  and on # note\nb: \"double\n  quoted\n\n  lines\"\nc: 'single\n  lines'\n",
	"a: &x 1\nb: *x\nc: &m\n  d: 1\ne:\n  <<: *m\n  f: 2\ng: &unused {h: 1}\n",
	"a: &x\n  b: 1\nc: [*x, *x]\nd: &y !!str 5\n",
	"---\na: 1\n---\n# second\nb: 2\n...\n---\n- 1\n- 2\n",
	"%YAML 1.1\n---\na: on\nb: 012\nc: 1e3\nd: 2001-01-01\ne: 1:30\nf: 0x1F\n",
	"- - a\n  - b\n-\n  - c\n- - - d\n",
	"-\n-\n- a\n- \n",
	"- a: 1\n- b: 2 # note\n  # about c\n  c: 3\n-   d: 4\n    e: 5\n",
	"'on': 1\n\"no\": 2\n8080: 3\nlong key with spaces: 4\n",
	"# top\n\n# about a\na: 1\n\n# about b\nb: 2\n\n\n# about c\nc: 3\n# foot\n",
	"a:\n  b: 1\n    # deep\n  # same\n# outer\nc: 1\n",
	"a:\n   b:\n      c: 1\n   l:\n      - 1\n",
	"a:\n  {x: 1}\nb:\n  \"q\" # note\nc:\n  - 1\n",
	"key: [a, [b, c], {d: e, f: [g]}]\nempty: [{}, [], ]\npairs: [x: 1, y: 2]\nset: {a, b: , \"c\":1}\n",
	"apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\nspec:\n  template:\n    spec:\n      containers:\n      - name: web\n        image: nginx:1.25 # pinned\n        args: [\"--port\", \"80\"]\n        env:\n        - name: A\n          value: \"1\"\n",
}

var words = []string{
	"v2.1.0", "", "x", "on", "1e3", "012", "null", "~", "0x1F", "1_000", "2001-01-01", "1:30", ".5", "=", "<<", "a: b", "a #b", "#c",
	"- x", "é ü", "it's", "say \"hi\"", " lead", "trail ", "two\nlines\n", "no\nbreak", "three\n\nlines\n\n", "\n", " x\n y\n", "tab\there",
	"{x}", "[1]", "*a", "&a", "!t", "%d", "@at", "`b`", "a,b", "what?", "key:", "--- x", "nginx:1.25", "back\\slash", "nel\u0085", "bell\a", "emoji 😀",
	"long words that make a line which is a good deal longer than most of the lines that people write in files of this kind\n",
}

func randomValue(r *rand.Rand, depth int) any {
	switch n := r.IntN(12); {
	case n == 0:
		return nil
	case n == 1:
		return r.IntN(2) == 0
	case n == 2:
		return int64(r.IntN(2000) - 1000)
	case n == 3:
		return []float64{1.5, -0.25, 1e21, 3, 6.02e-23}[r.IntN(5)]
	case n == 4 && depth < 3:
		m := map[string]any{}
		for range r.IntN(3) {
			m[words[r.IntN(len(words))]] = randomValue(r, depth+1)
		}
		return m
	case n == 5 && depth < 3:
		s := []any{}
		for range r.IntN(3) {
			s = append(s, randomValue(r, depth+1))
		}
		return s
	}
	return words[r.IntN(len(words))]
}

// vary changes a part of a value.
func vary(r *rand.Rand, v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for _, k := range sortedKeys(v) {
			switch r.IntN(6) {
			case 0:
			case 1:
				out[k] = vary(r, v[k])
			default:
				out[k] = v[k]
			}
		}
		if r.IntN(3) == 0 {
			out[words[r.IntN(len(words))]] = randomValue(r, 1)
		}
		return out
	case []any:
		var out []any
		for _, e := range v {
			switch r.IntN(6) {
			case 0:
			case 1:
				out = append(out, vary(r, e))
			case 2:
				out = append(out, randomValue(r, 1), e)
			default:
				out = append(out, e)
			}
		}
		return out
	}
	return randomValue(r, 1)
}

func sortedKeys(m map[string]any) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// randomEdit draws a path from a document and something to do there.
func randomEdit(r *rand.Rand, doc int, v any) Edit {
	e := Edit{Document: doc, Shared: r.IntN(8) == 0}
	for {
		m, isMap := v.(map[string]any)
		s, isList := v.([]any)
		stop := r.IntN(4) == 0
		switch {
		case stop && isMap, v == nil && r.IntN(3) > 0:
			e.Op, e.Value = Insert, randomValue(r, 0)
			e.Path = append(e.Path, Key(words[r.IntN(len(words))]))
			return e
		case stop && isList:
			e.Op, e.Value = Insert, randomValue(r, 0)
			e.Path = append(e.Path, Index(r.IntN(len(s)+1)))
			return e
		case isMap && len(m) > 0 && r.IntN(8) > 0:
			keys := sortedKeys(m)
			k := keys[r.IntN(len(keys))]
			e.Path = append(e.Path, Key(k))
			v = m[k]
		case isList && len(s) > 0 && r.IntN(8) > 0:
			i := r.IntN(len(s))
			e.Path = append(e.Path, Index(i))
			v = s[i]
		default:
			if len(e.Path) > 0 && r.IntN(3) == 0 {
				e.Op = Delete
				return e
			}
			e.Op, e.Value = Set, randomValue(r, 0)
			if r.IntN(2) == 0 {
				e.Value = vary(r, v)
			}
			return e
		}
		if r.IntN(8) == 0 {
			e.Op = Delete
			return e
		}
	}
}

// try draws an edit for a file and checks it.
func try(data []byte, seed uint64, count int) (out []byte, edits []Edit, err error) {
	docs, err := plainDocs(data)
	if err != nil {
		return nil, nil, err
	}
	r := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // repeatable on purpose
	for range count {
		doc := r.IntN(len(docs))
		edits = append(edits, randomEdit(r, doc, docs[doc]))
	}
	out, err = checkEdit(data, edits...)
	return out, edits, err
}

func FuzzApply(f *testing.F) {
	for i, s := range seeds {
		f.Add([]byte(s), uint64(i))
	}
	f.Fuzz(func(t *testing.T, data []byte, seed uint64) {
		out, edits, err := try(data, seed, 1)
		if err != nil && strings.HasPrefix(err.Error(), "WRONG") {
			t.Fatalf("%v\nedit %+v\nof  %q\nto  %q", err, edits, data, out)
		}
	})
}

func FuzzApplySeveral(f *testing.F) {
	for i, s := range seeds {
		f.Add([]byte(s), uint64(i))
	}
	f.Fuzz(func(t *testing.T, data []byte, seed uint64) {
		out, edits, err := try(data, seed, 2+int(seed%3))
		if err != nil && strings.HasPrefix(err.Error(), "WRONG") {
			t.Fatalf("%v\nedits %+v\nof  %q\nto  %q", err, edits, data, out)
		}
	})
}

// FuzzParse holds that whatever a file holds, it is parsed or refused with a
// place and a reason.
func FuzzParse(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	for _, s := range []string{bomb(), deep(600), "a: \xff", "a: \r b", "{{ x }}", "\t- a", "a: &x [*x]", "! a", "? [x]\n: y", "%TAG ! x\n--- !y\n", "a: !!binary x"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := Parse("f.yaml", data)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Reason == "" || len(err.Error()) > 600 {
				t.Errorf("Parse = %v", err)
			}
			return
		}
		for doc := range file.Documents() {
			file.Value(doc)
			file.Line(doc, Path{Key("a"), Index(0)})
		}
		if out, err := file.Apply(); err != nil || !bytes.Equal(out, data) {
			t.Errorf("Apply() = %q, %v", out, err)
		}
	})
}
