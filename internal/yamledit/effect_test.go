package yamledit

import (
	"errors"
	"math/rand/v2"
	"testing"
)

func TestEditsByEffect(t *testing.T) {
	const anchors = "a: &a\n  x: 1\n  y: [1]\nb: *a\nc:\n  <<: *a\n  z: &z 2\n  x: 3\nd: [*a]\ne: &unused 5\n"
	const containers = "c:\n- name: web\n  image: &i web:1 # the image\ninit:\n- name: migrate\n  image: *i\n"
	for name, test := range map[string]struct {
		in    string
		edits []Edit
		want  string // empty: refused
	}{
		"all uses of an anchor": {containers, []Edit{
			set(Path{Key("c"), Item("name", "web"), Key("image")}, "web:2"), set(Path{Key("init"), Index(0), Key("image")}, "web:2"),
		}, "c:\n- name: web\n  image: &i web:2 # the image\ninit:\n- name: migrate\n  image: *i\n"},
		"one use of an anchor": {
			containers,
			[]Edit{set(Path{Key("init"), Index(0), Key("image")}, "web:2")},
			"c:\n- name: web\n  image: &i web:1 # the image\ninit:\n- name: migrate\n  image: web:2\n",
		},
		"the anchor without its uses": {containers, []Edit{set(Path{Key("c"), Index(0), Key("image")}, "web:2")}, ""},
		"uses that differ": {containers, []Edit{
			set(Path{Key("c"), Index(0), Key("image")}, "web:2"), set(Path{Key("init"), Index(0), Key("image")}, "web:3"),
		}, ""},
		"what an alias overrides": {
			"c:\n- &c\n  name: web\n  image: web:1\n- <<: *c\n  name: proxy\n  image: proxy:1\n",
			[]Edit{set(Path{Key("c"), Item("name", "web"), Key("image")}, "web:2")},
			"c:\n- &c\n  name: web\n  image: web:2\n- <<: *c\n  name: proxy\n  image: proxy:1\n",
		},
		"what an alias does not override": {
			"c:\n- &c\n  name: web\n  image: web:1\n- <<: *c\n  name: proxy\n",
			[]Edit{set(Path{Key("c"), Item("name", "web"), Key("image")}, "web:2")},
			"",
		},
		"what all merge": {
			"x: &x {tag: v1}\nweb: {<<: *x}\nworker: {<<: *x}\n",
			[]Edit{set(dotted("x.tag"), "v2"), set(dotted("web.tag"), "v2"), set(dotted("worker.tag"), "v2")},
			"x: &x {tag: v2}\nweb: {<<: *x}\nworker: {<<: *x}\n",
		},
		"what one merges": {
			"x: &x {tag: v1}\nweb: {<<: *x}\nworker: {<<: *x}\n",
			[]Edit{set(dotted("web.tag"), "v2")},
			"x: &x {tag: v1}\nweb: {<<: *x, tag: v2}\nworker: {<<: *x}\n",
		},
		"below what one merges": {
			"x: &x\n  image: {repo: r, tag: v1}\nweb:\n  <<: *x\n  a: 1\n",
			[]Edit{set(dotted("web.image.tag"), "v2")},
			"x: &x\n  image: {repo: r, tag: v1}\nweb:\n  <<: *x\n  a: 1\n  image:\n    repo: r\n    tag: v2\n",
		},
		"an alias":                      {anchors, []Edit{set(dotted("b"), 2)}, "a: &a\n  x: 1\n  y: [1]\nb: 2\nc:\n  <<: *a\n  z: &z 2\n  x: 3\nd: [*a]\ne: &unused 5\n"},
		"below an alias":                {anchors, []Edit{set(dotted("b.x"), 2)}, "a: &a\n  x: 1\n  y: [1]\nb:\n  x: 2\n  \"y\":\n  - 1\nc:\n  <<: *a\n  z: &z 2\n  x: 3\nd: [*a]\ne: &unused 5\n"},
		"into an alias":                 {"a: &a {x: 1}\nb: *a\n", []Edit{insert(dotted("b.y"), 2)}, "a: &a {x: 1}\nb:\n  x: 1\n  \"y\": 2\n"},
		"out of an alias":               {"a: &a {x: 1, z: 2}\nb: *a\n", []Edit{remove(dotted("b.x"))}, "a: &a {x: 1, z: 2}\nb:\n  z: 2\n"},
		"into all":                      {"a: &a {x: 1}\nb: *a\n", []Edit{insert(dotted("b.z"), 2), insert(dotted("a.z"), 2)}, "a: &a {x: 1, z: 2}\nb: *a\n"},
		"out of all":                    {"a: &a {x: 1, z: 2}\nb: *a\n", []Edit{remove(dotted("b.x")), remove(dotted("a.x"))}, "a: &a {z: 2}\nb: *a\n"},
		"a list that is an alias":       {"a: &a [1, 2]\nb: *a\n", []Edit{insert(Path{Key("b"), Index(1)}, 5)}, "a: &a [1, 2]\nb:\n- 1\n- 5\n- 2\n"},
		"an anchor that is named later": {"a: &a 1\nb: *a\n", []Edit{remove(dotted("a"))}, ""},
		"another document": {
			"a: &a 1\nb: *a\n---\na: &a 1\nb: *a\n",
			[]Edit{in(1, set(dotted("b"), 2)), set(dotted("a"), 3), set(dotted("b"), 3)},
			"a: &a 3\nb: *a\n---\na: &a 1\nb: 2\n",
		},
		"an anchor in an anchor": {
			"a: &a {i: &i 1}\nb: *a\nc: *i\n",
			[]Edit{set(dotted("a.i"), 2), set(dotted("b.i"), 2), set(dotted("c"), 2)},
			"a: &a {i: &i 2}\nb: *a\nc: *i\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := checkEdit([]byte(test.in), test.edits...)
			var refused *Error
			switch {
			case test.want == "" && !errors.As(err, &refused):
				t.Errorf("edited to %q, %v", out, err)
			case test.want == "" && !refused.Repeated:
				t.Errorf("refused for something else: %v", err)
			case test.want != "" && (err != nil || string(out) != test.want):
				t.Errorf("edited to\n%s\nwant\n%s\n%v", out, test.want, err)
			}
		})
	}
}

// TestAnyEditByEffect holds random edits of files with anchors against the same
// on plain values: made as they were asked for, or refused.
func TestAnyEditByEffect(t *testing.T) {
	files := []string{
		"a: &x 1\nb: *x\nc: &m\n  d: 1\n  g: [1, *x]\ne:\n  <<: *m\n  f: 2\nh: *m\ni: [*m, {<<: *m, d: 3}]\n",
		"a: &x {b: &y [1, 2], c: 1}\nd: *x\ne: {<<: *x, c: 4}\nf: *y\n",
		"l:\n- &c\n  name: a\n  image: i\n- <<: *c\n  name: b\n- *c\n",
	}
	r := rand.New(rand.NewPCG(3, 4)) //nolint:gosec // a fixed sequence is wanted
	made := 0
	for range 4000 {
		data := files[r.IntN(len(files))]
		f, err := Parse("values.yaml", []byte(data))
		if err != nil {
			t.Fatal(err)
		}
		var edits []Edit
		for range 1 + r.IntN(3) {
			edits = append(edits, anyEdit(r, f.Value(0)))
		}
		out, err := checkEdit([]byte(data), edits...)
		var refused *Error
		switch {
		case err == nil:
			made++
		case !errors.As(err, &refused):
			t.Fatalf("%v of %q gives %q: %v", edits, data, out, err)
		}
	}
	if made < 1000 {
		t.Errorf("only %d were made", made)
	}
}

// anyEdit is of a random place that a value has.
func anyEdit(r *rand.Rand, v any) Edit {
	var path Path
	for {
		var below any
		switch at := v.(type) {
		case map[string]any:
			if len(at) == 0 {
				return set(path, int64(7))
			}
			keys := sortedKeys(at)
			k := keys[r.IntN(len(keys))]
			if r.IntN(6) == 0 {
				return insert(path.with(Key("n")), int64(r.IntN(3)))
			}
			path, below = path.with(Key(k)), at[k]
		case []any:
			if len(at) == 0 || r.IntN(6) == 0 {
				return insert(path.with(Index(r.IntN(len(at)+1))), int64(r.IntN(3)))
			}
			i := r.IntN(len(at))
			path, below = path.with(Index(i)), at[i]
		default:
			if r.IntN(4) == 0 {
				return remove(path)
			}
			return set(path, int64(r.IntN(3)))
		}
		if v = below; r.IntN(5) == 0 {
			return remove(path)
		}
	}
}
