package cmp_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	argocmp "github.com/argoproj/argo-cd/v2/util/cmp"
	"github.com/argoproj/gitops-engine/pkg/utils/kube"
	gocmp "github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/status"

	"github.com/argoproj/argo-cd/v2/cmpserver/apiclient"

	"github.com/assaydev/assay/examples"
	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/plugin"
	"github.com/assaydev/assay/plugin/cmp"
	"github.com/assaydev/assay/plugin/flags"
	"github.com/assaydev/assay/render"
)

// repo is a repository with the directories of its environments.
type repo struct {
	name  string
	files map[string]string
	dirs  []string
}

func readAll(t testing.TB, from fs.FS) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := fs.WalkDir(from, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := fs.ReadFile(from, name)
		files[name] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// repos are the examples, each without and with its candidate, and the corpus.
func repos(t testing.TB) []repo {
	t.Helper()
	base := readAll(t, examples.FS())
	marked := maps.Clone(base)
	var dirs []string
	for _, e := range examples.All() {
		dirs = append(dirs, e.Dir)
		marked[path.Join(e.Dir, "candidate.yaml")] = base[e.Candidate]
	}
	all := []repo{{"examples", base, dirs}, {"examples with candidates", marked, dirs}}
	corpus := os.Getenv("ASSAY_CORPUS")
	if corpus == "" {
		return all
	}
	entries, err := os.ReadDir(corpus)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		r := repo{name: e.Name(), files: readAll(t, os.DirFS(filepath.Join(corpus, e.Name())))}
		r.dirs = environments(r.files)
		all = append(all, r)
	}
	return all
}

// environments are the directories with a chart, a kustomization or manifests.
func environments(files map[string]string) []string {
	found := map[string]bool{}
	for name := range files {
		if dir := path.Dir(name); strings.HasSuffix(name, ".yaml") && !strings.Contains(dir, "/templates") && !strings.HasSuffix(dir, "/crds") {
			found[dir] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// command is what argocd-cmp-server would answer, from what `assay render` does in the
// environment's directory: its error, or its YAML split by Argo CD's own code.
func command(t testing.TB, files map[string]string, dir string) ([]string, error) {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		at := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	call, err := plugin.FromEnv(func(name string) (string, bool) {
		for _, e := range variables(dir) {
			if e.GetName() == name {
				return e.GetValue(), true
			}
		}
		return "", false
	})
	if err != nil {
		return nil, err
	}
	req := flags.View{}.Request(dir, "", call)
	if req.FS, err = envfs.OpenDir(root, envfs.Limits{}); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = req.FS.Close() }()
	res, err := render.Environment(t.Context(), req)
	if err != nil {
		return nil, err
	}
	data, err := object.NewPrinter(dir, 0).YAML(res.Output()...)
	if err != nil {
		return nil, err
	}
	return kube.SplitYAMLToString(data)
}

// TestEqualToCommand: what is served is what argocd-cmp-server makes of `assay render`, byte
// for byte, and so are errors.
func TestEqualToCommand(t *testing.T) {
	server := start(t, cmp.Options{CacheBytes: 64 << 20}, true)
	rendered, refused, drawn := 0, 0, 0
	for _, r := range repos(t) {
		for _, dir := range r.dirs {
			want, wantErr := command(t, r.files, dir)
			for _, again := range []bool{false, true} {
				got, err := server.generate(t.Context(), of(t, r.files, dir))
				switch {
				case wantErr != nil && err != nil:
					refused++
					message := "assay: " + flags.OneLine(flags.Message(wantErr), wantErr)
					if got := status.Convert(err).Message(); got != message && len(message) < 2000 {
						t.Errorf("%s/%s: the error is\n%s\nand the command's\n%s", r.name, dir, got, message)
					}
				case wantErr != nil || err != nil:
					t.Errorf("%s/%s: %v, and the command: %v", r.name, dir, err, wantErr)
				case !slices.Equal(got, want) && draws(t, r.files, dir):
					drawn++
				default:
					rendered++
					if diff := gocmp.Diff(want, got); diff != "" {
						t.Errorf("%s/%s, again %v:\n%s", r.name, dir, again, diff)
					}
				}
			}
		}
	}
	if rendered < 12 {
		t.Errorf("only %d results were compared", rendered)
	}
	t.Logf("%d results are equal, %d errors, %d differ since charts draw random values", rendered, refused, drawn)
}

// draws reports whether the command differs from itself.
func draws(t testing.TB, files map[string]string, dir string) bool {
	t.Helper()
	one, _ := command(t, files, dir)
	two, _ := command(t, files, dir)
	return !slices.Equal(one, two)
}

// TestCachesChangeNothing: environments in random order, with random edits between, give the
// same with caches and without.
func TestCachesChangeNothing(t *testing.T) {
	cached, plain := start(t, cmp.Options{CacheBytes: 64 << 20}, true), start(t, cmp.Options{}, true)
	seed := rand.Uint64() //nolint:gosec // it guards nothing
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // a failure must be repeatable by its seed
	all := repos(t)
	compared := 0
	for range 150 {
		r := all[random.IntN(len(all))]
		dir := r.dirs[random.IntN(len(r.dirs))]
		edit(random, r.files)
		if random.IntN(3) == 0 && draws(t, r.files, dir) {
			continue
		}
		call := of(t, r.files, dir)
		one, oneErr := cached.generate(t.Context(), call)
		two, twoErr := plain.generate(t.Context(), call)
		if fmt.Sprint(oneErr) != fmt.Sprint(twoErr) {
			t.Errorf("%s/%s: with caches %v, without %v", r.name, dir, oneErr, twoErr)
		}
		if !slices.Equal(one, two) && !draws(t, r.files, dir) {
			t.Fatalf("%s/%s: with caches (-) and without (+):\n%s", r.name, dir, gocmp.Diff(one, two))
		}
		compared++
	}
	log := cached.log.String()
	for _, source := range []string{`"made":"files"`, `"cache":"archive"`} {
		if !strings.Contains(log, source) {
			t.Logf("nothing was found by %s", source)
		}
	}
	if strings.Count(log, `"made":"files"`)+strings.Count(log, `"cache":"archive"`) < 10 || compared < 50 {
		t.Errorf("the caches are hardly used, or little is compared (%d)", compared)
	}
}

var number = regexp.MustCompile(`\b[0-9]+\b`)

// edit changes, adds or removes a file, or leaves all as it is.
func edit(random *rand.Rand, files map[string]string) {
	names := slices.Sorted(maps.Keys(files))
	name := names[random.IntN(len(names))]
	switch random.IntN(6) {
	case 0:
		files[path.Join(path.Dir(name), "added.yaml")] = fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: added-%d\n", random.IntN(3))
	case 1:
		delete(files, path.Join(path.Dir(name), "added.yaml"))
	case 2, 3:
		files[name] = number.ReplaceAllStringFunc(files[name], func(n string) string {
			if random.IntN(10) == 0 {
				return "7"
			}
			return n
		})
	}
}

// TestParameters: the announcement is that of `assay parameters`, and plugin.yaml's own
// parameters come last.
func TestParameters(t *testing.T) {
	server := start(t, cmp.Options{CacheBytes: 64 << 20}, true)
	files := readAll(t, examples.FS())
	for _, e := range examples.All() {
		for range 2 {
			got, err := server.parameters(t.Context(), of(t, files, e.Dir))
			if err != nil {
				t.Fatal(err)
			}
			req := flags.View{}.Request(e.Dir, "", plugin.Call{AppName: "shop", Namespace: "web"})
			req.FS = envfs.New(examples.FS(), envfs.Limits{})
			want, err := plugin.Announce(t.Context(), req)
			if err != nil {
				t.Fatal(err)
			}
			want = append(want, plugin.Announcement{Name: "extra", Title: "Extra"})
			var list []plugin.Announcement
			for _, p := range got {
				list = append(list, plugin.Announcement{
					Name: p.GetName(), Title: p.GetTitle(), Tooltip: p.GetTooltip(), Required: p.GetRequired(), ItemType: p.GetItemType(), CollectionType: p.GetCollectionType(),
					String: p.GetString_(), Array: p.GetArray(), Map: p.GetMap(),
				})
			}
			if diff := gocmp.Diff(asJSON(t, want), asJSON(t, list)); diff != "" {
				t.Errorf("%s:\n%s", e.Dir, diff)
			}
			if e.Layout == spec.Helm && !slices.ContainsFunc(list, func(a plugin.Announcement) bool { return a.Name == "helm-value-files" && len(a.Array) > 0 }) {
				t.Error("the plan's value files are not announced")
			}
		}
	}
}

func asJSON(t testing.TB, v any) string {
	t.Helper()
	data, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestFedByArgoCD: argo-cd's own code sends the archive.
func TestFedByArgoCD(t *testing.T) {
	server := start(t, cmp.Options{CacheBytes: 64 << 20}, true)
	root := t.TempDir()
	if err := os.CopyFS(root, examples.FS()); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string]string{".git/config": "[core]\n", ".git/objects/pack/x": "binary"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(root, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, name), []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("prod", filepath.Join(root, "kustomize", "linked")); err != nil {
		t.Fatal(err)
	}
	closer, client, err := apiclient.NewConfigManagementPluginClientSet(server.socket).NewConfigManagementPluginClient()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = closer.Close() })
	files := readAll(t, examples.FS())
	for _, e := range examples.All() {
		want, err := command(t, files, e.Dir)
		if err != nil {
			t.Fatal(err)
		}
		stream, err := client.GenerateManifest(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var env []string
		for _, v := range variables(e.Dir) {
			env = append(env, v.GetName()+"="+v.GetValue())
		}
		if err := argocmp.SendRepoStream(t.Context(), filepath.Join(root, e.Dir), root, stream, env, nil); err != nil {
			t.Fatal(err)
		}
		got, err := stream.CloseAndRecv()
		if err != nil {
			t.Fatal(err)
		}
		if diff := gocmp.Diff(want, got.Manifests); diff != "" {
			t.Errorf("%s:\n%s", e.Dir, diff)
		}
	}
}
