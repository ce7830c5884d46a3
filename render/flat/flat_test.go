package flat

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/object/manifest"
	"github.com/assaydev/assay/internal/spec"
)

const skipped = "# +argocd:skip-file-rendering\n"

func object(name string) string {
	return fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\n", name)
}

// repo builds a file system; a value "-> x" is a link to x.
func repo(files map[string]string) *envfs.FS {
	m := fstest.MapFS{}
	for name, data := range files {
		f := &fstest.MapFile{Data: []byte(data), Mode: 0o644}
		if to, ok := strings.CutPrefix(data, "-> "); ok {
			f = &fstest.MapFile{Data: []byte(to), Mode: fs.ModeSymlink | 0o777}
		}
		m[name] = f
	}
	return envfs.New(m, envfs.Limits{})
}

var tree = map[string]string{
	"app/b.yaml":          object("b"),
	"app/a.yml":           object("a"),
	"app/a/c.yaml":        object("a-c"),
	"app/a.b/c.yaml":      object("ab-c"),
	"app/z.json":          `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"z"}}`,
	"app/.hidden.yaml":    object("hidden"),
	"app/.dir/d.yaml":     object("dir-d"),
	"app/README.md":       "text",
	"app/x.yaml.bak":      "text",
	"app/X.YAML":          "text",
	"app/candidate.yaml":  skipped + object("candidate"),
	"other/o.yaml":        object("o"),
	"app/link.yaml":       "-> ../other/o.yaml",
	"app/linkdir":         "-> ../other",
	"app/linkdir.yaml":    "-> ../other",
	"app/dangling.yaml":   "-> nothing.yaml",
	"app/sub/link.yaml":   "-> ../../other/o.yaml",
	"app/sub/deep/e.yaml": object("e"),
}

func TestFiles(t *testing.T) {
	flatOnly := []string{"app/.hidden.yaml", "app/a.yml", "app/b.yaml", "app/candidate.yaml", "app/link.yaml", "app/z.json"}
	cases := map[string]struct {
		opt  spec.DirectorySource
		skip func(string) bool
		want []string
	}{
		"default": {want: flatOnly},
		"recurse": {opt: spec.DirectorySource{Recurse: true}, want: []string{
			"app/.dir/d.yaml", "app/.hidden.yaml", "app/a/c.yaml", "app/a.b/c.yaml", "app/a.yml", "app/b.yaml", "app/candidate.yaml",
			"app/link.yaml", "app/sub/deep/e.yaml", "app/sub/link.yaml", "app/z.json",
		}},
		"exclude":              {opt: spec.DirectorySource{Exclude: "candidate.yaml"}, want: without(flatOnly, "app/candidate.yaml")},
		"exclude several":      {opt: spec.DirectorySource{Exclude: "{candidate.yaml,*.json,.h*}"}, want: []string{"app/a.yml", "app/b.yaml", "app/link.yaml"}},
		"include":              {opt: spec.DirectorySource{Include: "*.json"}, want: []string{"app/z.json"}},
		"star matches slashes": {opt: spec.DirectorySource{Recurse: true, Include: "sub*"}, want: []string{"app/sub/deep/e.yaml", "app/sub/link.yaml"}},
		"path from the dir":    {opt: spec.DirectorySource{Recurse: true, Include: "{a/c.yaml,app/b.yaml}"}, want: []string{"app/a/c.yaml"}},
		"exclude wins":         {opt: spec.DirectorySource{Include: "*", Exclude: "*"}},
		"any extension":        {opt: spec.DirectorySource{DisableExtensionFilter: true, Include: "*.bak"}, want: []string{"app/x.yaml.bak"}},
		"one of any extension": {opt: spec.DirectorySource{DisableExtensionFilter: true, Exclude: "*[a-z]"}, want: []string{"app/X.YAML"}},
		"no such extension":    {opt: spec.DirectorySource{Include: "*.bak"}},
		"skip":                 {skip: func(name string) bool { return name != "app/b.yaml" }, want: []string{"app/b.yaml"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := Files(t.Context(), repo(tree), "app", c.opt, c.skip)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestFilesAtTheRoot(t *testing.T) {
	fsys := repo(map[string]string{"a.yaml": object("a"), ".git/refs/heads/b.yaml": "x", "sub/.git/c.yaml": object("c")})
	got, err := Files(t.Context(), fsys, ".", spec.DirectorySource{Recurse: true, Include: "{a.yaml,sub/*,.git/*}"}, nil)
	if diff := cmp.Diff([]string{"a.yaml"}, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

func TestFilesErrors(t *testing.T) {
	cases := map[string]struct {
		files map[string]string
		opt   spec.DirectorySource
		want  string
	}{
		"jsonnet":           {map[string]string{"app/a.jsonnet": "{}"}, spec.DirectorySource{}, "app/a.jsonnet: Jsonnet is not rendered; commit"},
		"link out":          {map[string]string{"app/a.yaml": "-> ../../etc/passwd"}, spec.DirectorySource{}, "app/a.yaml: the symlink app/a.yaml leaves the repository"},
		"excluded link out": {map[string]string{"app/a.yaml": "-> /etc/passwd"}, spec.DirectorySource{Exclude: "*"}, "leaves the repository"},
		"no directory":      {map[string]string{"b/a.yaml": ""}, spec.DirectorySource{}, "app"},
		"include":           {map[string]string{"app/a.yaml": ""}, spec.DirectorySource{Include: "[b"}, "directory.include: \"[b\" is not a valid glob; write"},
		"open brace":        {map[string]string{"app/a.yaml": ""}, spec.DirectorySource{Exclude: "a.yaml{"}, "directory.exclude: \"a.yaml{\" is not a valid glob; write"},
		"exclude":           {map[string]string{"app/a.yaml": ""}, spec.DirectorySource{Exclude: "[a"}, "directory.exclude: \"[a\" is not a valid glob; write"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := Files(t.Context(), repo(c.files), "app", c.opt, nil)
			if err == nil || !strings.Contains(err.Error(), c.want) || got != nil {
				t.Fatalf("%v, %v; want error %q", got, err, c.want)
			}
		})
	}
	for name, opt := range map[string]spec.DirectorySource{"excluded": {Exclude: "*.jsonnet"}, "not included": {Include: "*.yaml"}} {
		if _, err := Files(t.Context(), repo(map[string]string{"app/a.jsonnet": "{}"}), "app", opt, nil); err != nil {
			t.Errorf("jsonnet, %s: %v", name, err)
		}
	}
	if _, err := Files(t.Context(), repo(map[string]string{"app/a.jsonnet": skipped}), "app", spec.DirectorySource{}, nil); err != nil {
		t.Errorf("jsonnet with the skip line: %v", err)
	}
}

func TestRender(t *testing.T) {
	files := map[string]string{
		"a.yaml": object("a1") + "---\n# nothing\n---\n" + object("a2"),
		"b.yaml": "kind: List\napiVersion: v1\nitems:\n- {kind: ConfigMap, apiVersion: v1, metadata: {name: b1}}\n- {kind: ConfigMap, apiVersion: v1, metadata: {name: b2}}\n",
		"c.json": `{"apiVersion":"v1","kind":"ConfigMapList","items":[{"kind":"ConfigMap","metadata":{"name":"c1"}}]}`,
		"d.yaml": object("twice"),
		"e.yaml": object("twice"),
		"f.yaml": "apiVersion: v1\nkind: Job\nmetadata: {generateName: f-}\n",
		"g.yaml": "# text\n" + skipped + object("g"),
		"h.yaml": "values: 1\n",
		"i.yaml": "{{ template }}\n",
		"j.yaml": "a: caf\xe9\n",
		"k.yaml": "",
		"l.json": `{"apiVersion":"v1","kind":"EmptyList","items":null}`,
		"m.yaml": "- kind: ConfigMap\n",
		"n.yaml": "\xff\xfek\x00",
	}
	names := []string{"a.yaml", "b.yaml", "c.json", "d.yaml", "e.yaml", "f.yaml", "g.yaml", "h.yaml", "i.yaml", "j.yaml", "k.yaml", "l.json", "m.yaml", "n.yaml"}
	objs, err := Render(t.Context(), repo(files), names, manifest.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, o := range objs {
		got = append(got, o.GetName()+o.GetGenerateName())
	}
	if diff := cmp.Diff([]string{"a1", "a2", "b1", "b2", "c1", "twice", "twice", "f-"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestRenderErrors(t *testing.T) {
	bomb := object("a") + "b0: &b0 [1,1,1,1,1,1,1,1,1,1]\n"
	for i := range 9 {
		bomb += fmt.Sprintf("b%d: &b%d [%s*b%d]\n", i+1, i+1, strings.Repeat(fmt.Sprintf("*b%d,", i), 9), i)
	}
	cases := map[string]struct {
		file, data string
		lim        manifest.Limits
		want       string
	}{
		"broken manifest":     {"a.yaml", object("a") + "data: {{ .x }}\n", manifest.Limits{}, "a.yaml:"},
		"no kind after a one": {"a.yaml", object("a") + "---\nvalues: 1\n", manifest.Limits{}, "a.yaml:5: not a Kubernetes object: no kind; add apiVersion and kind, or exclude the file"},
		"no kind before one":  {"a.yaml", "values: 1\n---\n" + object("a"), manifest.Limits{}, "a.yaml:1: not a Kubernetes object"},
		"tab":                 {"a.yaml", object("a") + "data:\n\tb: c\n", manifest.Limits{}, "a.yaml:5: a tab in the indentation"},
		"invalid UTF-8":       {"a.yaml", object("caf\xe9"), manifest.Limits{}, "a.yaml:3: invalid UTF-8; save the file as UTF-8"},
		"UTF-8, no template":  {"a.yaml", "kind: A\na: caf\xe9\n", manifest.Limits{}, "a.yaml:2: invalid UTF-8"},
		"alias bomb":          {"a.yaml", bomb, manifest.Limits{}, "a.yaml:1: aliases expand to more than"},
		"depth":               {"a.yaml", "kind: A\na: [[[[1]]]]\n", manifest.Limits{Depth: 3}, "a.yaml:1: nested deeper than 3 levels; flatten it, or raise the limit"},
		"documents":           {"a.yaml", object("a") + "---\n" + object("b"), manifest.Limits{Documents: 1}, "more than 1 documents; split the environment, or raise the limit"},
		"other JSON":          {"package.json", `{"name":"x"}`, manifest.Limits{}, "package.json:1: not a Kubernetes object: no kind; add apiVersion and kind, or exclude the file"},
		"two in JSON":         {"a.json", `{"kind":"A"}{"kind":"B"}`, manifest.Limits{}, "a.json:1: more than one object"},
		"list of scalars":     {"a.yaml", "kind: List\nitems: [1]\n", manifest.Limits{}, "a.yaml: items[0] of List is not an object"},
		"missing":             {"b.yaml", "", manifest.Limits{}, "a.yaml"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			file := c.file
			if name == "missing" {
				file = "a.yaml"
			}
			objs, err := Render(t.Context(), repo(map[string]string{c.file: c.data}), []string{file}, c.lim)
			if err == nil || !strings.Contains(err.Error(), c.want) || objs != nil {
				t.Fatalf("%d objects, error %v; want %q", len(objs), err, c.want)
			}
		})
	}
}

func TestRenderNamesTheFirstFault(t *testing.T) {
	files, names := map[string]string{}, []string{}
	for i := range 200 {
		name := fmt.Sprintf("f%03d.yaml", i)
		names, files[name] = append(names, name), object("a")
	}
	files["f050.yaml"], files["f150.yaml"] = object("a")+"---\nx: 1\n", object("a")+"---\nx: 1\n"
	for range 20 {
		if _, err := Render(t.Context(), repo(files), names, manifest.Limits{}); err == nil || !strings.HasPrefix(err.Error(), "f050.yaml:5:") {
			t.Fatalf("error %v, want f050.yaml", err)
		}
	}
	if _, err := Render(t.Context(), repo(map[string]string{"a.yaml": object("a"), "b.yaml": object("b")}), []string{"a.yaml", "b.yaml"}, manifest.Limits{Documents: 1}); err == nil || !strings.Contains(err.Error(), "more than 1 documents") {
		t.Errorf("documents of all files together: %v", err)
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Files(ctx, repo(tree), "app", spec.DirectorySource{}, nil); err == nil {
		t.Error("Files went on")
	}
	if _, err := Render(ctx, repo(tree), []string{"app/b.yaml"}, manifest.Limits{}); err == nil {
		t.Error("Render went on")
	}
}

// TestLinear guards against quadratic work: ten times the objects, at most
// twelve times the memory. The time has room for a busy machine.
func TestLinear(t *testing.T) {
	small, large := measure(t, 300), measure(t, 3000)
	if ratio := float64(large.took) / float64(small.took); ratio > 30 {
		t.Errorf("3,000 objects take %.1f times the time of 300", ratio)
	}
	if ratio := float64(large.bytes) / float64(small.bytes); ratio > 12 {
		t.Errorf("3,000 objects take %.1f times the memory of 300", ratio)
	}
}

type cost struct {
	took  time.Duration
	bytes uint64
}

func measure(t *testing.T, n int) cost {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "app"), 0o755); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		data := object(fmt.Sprintf("n%d", i)) + "data: {a: b, c: d, e: 1}\n"
		if err := os.WriteFile(filepath.Join(dir, "app", fmt.Sprintf("%05d.yaml", i)), []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	fsys, err := envfs.OpenDir(dir, envfs.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer fsys.Close()
	best := cost{took: time.Hour}
	for range 3 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		files, err := Files(t.Context(), fsys, "app", spec.DirectorySource{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		objs, err := Render(t.Context(), fsys, files, manifest.Limits{})
		if err != nil || len(objs) != n {
			t.Fatal(len(objs), err)
		}
		took := time.Since(start)
		runtime.ReadMemStats(&after)
		if took < best.took {
			best = cost{took, after.TotalAlloc - before.TotalAlloc}
		}
	}
	return best
}

func without(all []string, drop string) []string {
	var kept []string
	for _, s := range all {
		if s != drop {
			kept = append(kept, s)
		}
	}
	return kept
}

// panicking is a file system that a library gives up on.
type panicking struct{ fs.FS }

func (p panicking) Open(name string) (fs.File, error) {
	if name == "app/b.yaml" {
		panic("s3cret")
	}
	return p.FS.Open(name)
}

func TestRenderSurvivesAPanic(t *testing.T) {
	m := fstest.MapFS{}
	for _, name := range []string{"a", "b"} {
		m["app/"+name+".yaml"] = &fstest.MapFile{Data: []byte(object(name)), Mode: 0o644}
	}
	_, err := Render(t.Context(), envfs.New(panicking{m}, envfs.Limits{}), []string{"app/a.yaml", "app/b.yaml"}, manifest.Limits{})
	if err == nil || !strings.HasPrefix(err.Error(), "app/b.yaml: a library cannot handle") || strings.Contains(err.Error(), "s3cret") {
		t.Fatalf("error %v", err)
	}
}

// FuzzGlob holds that no pattern makes listing panic: patterns are parameters,
// and hostile.
func FuzzGlob(f *testing.F) {
	for _, seed := range []string{"*.yaml", "{a,b/*}", "[a-c]?", "**/x", "[!a]*", `\{a`, "{a,{b,c}}", "a{"} {
		f.Add(seed, "sub/a.yaml")
	}
	f.Fuzz(func(_ *testing.T, text, name string) {
		if p, err := compile("include", text); err == nil {
			_, _ = p.match(name, true)
		}
	})
}
