package yamledit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
	sigsyaml "sigs.k8s.io/yaml"
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

// plainDocs decodes every document into plain values, without this package.
func plainDocs(data []byte) ([]any, error) {
	docs := []any{}
	for dec := yaml.NewDecoder(bytes.NewReader(data)); ; {
		var v any
		err := dec.Decode(&v)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		v, err = stringKeys(v)
		if err != nil {
			return nil, err
		}
		docs = append(docs, v)
	}
	if len(docs) == 0 {
		docs = append(docs, nil)
	}
	return docs, nil
}

// stringKeys copies a value, and brings its integers to one type.
func stringKeys(v any) (any, error) {
	switch v := v.(type) {
	case map[any]any:
		return nil, errors.New("keys that are no strings")
	case map[string]any:
		m := map[string]any{}
		for k, e := range v {
			var err error
			if m[k], err = stringKeys(e); err != nil {
				return nil, err
			}
		}
		return m, nil
	case []any:
		s := make([]any, len(v))
		for i, e := range v {
			var err error
			if s[i], err = stringKeys(e); err != nil {
				return nil, err
			}
		}
		return s, nil
	case int:
		return float64(v), nil
	case int64:
		return float64(v), nil
	case uint64:
		return float64(v), nil
	case float64:
		if math.IsNaN(v) {
			return "NaN", nil
		}
	case time.Time:
		return v.String(), nil
	}
	return v, nil
}

// mutate makes the edit on plain values.
func mutate(v any, op Op, path Path, want any) (any, error) {
	if len(path) == 0 {
		if op != Set {
			return nil, errors.New("no path")
		}
		return want, nil
	}
	step, last := path[0], len(path) == 1
	if step.Index >= 0 {
		s, ok := v.([]any)
		if !ok && v != nil {
			return nil, errors.New("no list")
		}
		if last && op == Insert && step.Index == len(s) {
			return append(slices.Clone(s), want), nil
		}
		if step.Index >= len(s) {
			return nil, errors.New("no item")
		}
		if last && op == Delete {
			return append(slices.Clone(s[:step.Index]), s[step.Index+1:]...), nil
		}
		e, err := mutate(s[step.Index], op, path[1:], want)
		s = slices.Clone(s)
		s[step.Index] = e
		return s, err
	}
	m, ok := v.(map[string]any)
	if !ok && v != nil {
		return nil, errors.New("no mapping")
	}
	_, there := m[step.Key]
	out := map[string]any{}
	for k, e := range m {
		out[k] = e
	}
	switch {
	case last && op == Insert && !there:
		out[step.Key] = want
		return out, nil
	case !there || last && op == Insert:
		return nil, errors.New("no key, or one too many")
	case last && op == Delete:
		delete(out, step.Key)
		return out, nil
	}
	e, err := mutate(m[step.Key], op, path[1:], want)
	out[step.Key] = e
	return out, err
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
			e.Path = append(e.Path, Index(len(s)))
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

// checkEdit applies an edit in two ways and compares: in place, and on plain
// values. It says whether the edit was made.
func checkEdit(data []byte, edits ...Edit) (out []byte, err error) {
	f, err := Parse("values.yaml", data)
	if err != nil {
		return nil, err
	}
	out, err = f.Apply(edits...)
	if err != nil {
		return nil, err
	}
	shared := false
	for _, e := range edits {
		shared = shared || e.Shared
	}
	if bytes.HasPrefix(data, []byte(byteOrderMark)) != bytes.HasPrefix(out, []byte(byteOrderMark)) {
		return out, errors.New("WRONG: the byte order mark did not survive")
	}
	docs, err := plainDocs(data)
	if err == nil && !shared {
		after, err := plainDocs(out)
		if err != nil {
			return out, fmt.Errorf("WRONG: decode the result: %w", err)
		}
		appended := map[string]int{}
		for _, e := range inOrder(edits) {
			if i := len(e.Path) - 1; e.Op == Insert && e.Path[i].Index >= 0 {
				list := fmt.Sprint(e.Document, e.Path[:i])
				e.Path = e.Path[:i].with(Index(e.Path[i].Index + appended[list]))
				appended[list]++
			}
			if docs[e.Document], err = mutate(docs[e.Document], e.Op, e.Path, mustStringKeys(e.Value)); err != nil {
				return out, fmt.Errorf("WRONG: made what cannot be made: %w", err)
			}
		}
		if diff := cmp.Diff(docs, after); diff != "" {
			return out, fmt.Errorf("WRONG: %s", diff)
		}
	}
	if err := checkSigs(data, out, edits); err != nil && !shared {
		return out, err
	}
	return out, checkAgain(out, edits)
}

// checkAgain holds that a Set which was made changes nothing any more.
func checkAgain(out []byte, edits []Edit) error {
	f, err := Parse("values.yaml", out)
	if err != nil {
		return fmt.Errorf("WRONG: parse the result: %w", err)
	}
	for _, e := range edits {
		if e.Op != Set || len(edits) > 1 {
			continue
		}
		again, err := f.Apply(e)
		if err != nil {
			return fmt.Errorf("WRONG: set again: %w", err)
		}
		if !bytes.Equal(again, out) {
			return fmt.Errorf("WRONG: set again: %s", cmp.Diff(string(out), string(again)))
		}
	}
	return nil
}

// checkSigs compares as Kubernetes and Helm decode.
func checkSigs(data, out []byte, edits []Edit) error {
	if len(edits) != 1 || edits[0].Document != 0 || strings.Contains(string(data), "---") || strings.Contains(string(out), "---") {
		return nil
	}
	var before, after any
	if sigsyaml.Unmarshal(data, &before) != nil {
		return nil
	}
	if v, err := plainDocs(data); err != nil || !sameKeys(v[0], before) {
		return nil // keys like "on" are other keys in YAML 1.1
	}
	if err := sigsyaml.Unmarshal(out, &after); err != nil {
		return fmt.Errorf("WRONG: decode the result as YAML 1.1: %w", err)
	}
	e := edits[0]
	want, err := mutate(before, e.Op, e.Path, mustStringKeys(e.Value))
	if err != nil {
		return nil
	}
	if diff := cmp.Diff(want, after); diff != "" {
		return fmt.Errorf("WRONG as YAML 1.1: %s", diff)
	}
	return nil
}

// sameKeys says whether two values have the same mappings, whatever is in them.
func sameKeys(a, b any) bool {
	switch a := a.(type) {
	case map[string]any:
		b, ok := b.(map[string]any)
		for k, e := range a {
			other, there := b[k]
			ok = ok && there && sameKeys(e, other)
		}
		return ok && len(a) == len(b)
	case []any:
		b, ok := b.([]any)
		for i := 0; ok && i < len(a); i++ {
			ok = len(a) == len(b) && sameKeys(a[i], b[i])
		}
		return ok
	}
	return true
}

func mustStringKeys(v any) any {
	v, err := stringKeys(v)
	if err != nil {
		panic(err)
	}
	return v
}

// inOrder puts removals of items last, the highest first, so that one edit
// after the other means what all at once mean.
func inOrder(edits []Edit) []Edit {
	edits = slices.Clone(edits)
	slices.SortStableFunc(edits, func(a, b Edit) int {
		if (a.Op == Delete) != (b.Op == Delete) {
			if a.Op == Delete {
				return 1
			}
			return -1
		}
		if a.Op == Delete {
			return comparePaths(b.Path, a.Path)
		}
		return 0
	})
	return edits
}

func comparePaths(a, b Path) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			if a[i].Index != b[i].Index {
				return a[i].Index - b[i].Index
			}
			return strings.Compare(a[i].Key, b[i].Key)
		}
	}
	return len(a) - len(b)
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
