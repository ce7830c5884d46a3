package kustomize

import (
	"bytes"
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/object/manifest"
	"github.com/assaydev/assay/internal/spec"
)

// corpus is the directory of real environments.
func corpus(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("ASSAY_CORPUS")
	if dir == "" {
		t.Skip("ASSAY_CORPUS is not set: no real environments to compare on")
	}
	return dir
}

// component returns the path of a real program.
func component(t *testing.T, name string) string {
	t.Helper()
	out, err := exec.Command("../../test/components/build", name).Output()
	if err != nil {
		t.Fatalf("build %s: %v", name, err)
	}
	return strings.TrimSpace(string(out))
}

// native is `kustomize build`, read back as Argo CD reads it.
func native(t *testing.T, binary, dir string) ([]*unstructured.Unstructured, error) {
	t.Helper()
	var stderr bytes.Buffer
	cmd := exec.Command(binary, "build", dir)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, stderr.String())
	}
	objs, err := manifest.Decode(dir, out, manifest.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return objs, nil
}

// same compares two results object for object, in order.
func same(t *testing.T, what string, want, got []*unstructured.Unstructured) {
	t.Helper()
	if len(want) != len(got) {
		t.Errorf("%s: %d objects, want %d", what, len(got), len(want))
		return
	}
	for i := range want {
		a, _ := yaml.Marshal(want[i].Object)
		b, _ := yaml.Marshal(got[i].Object)
		if !bytes.Equal(a, b) {
			t.Errorf("%s: object %d differs: want\n%s\ngot\n%s", what, i, a, b)
		}
	}
}

func TestCorpusEqualsKustomize(t *testing.T) {
	root := corpus(t)
	binary := component(t, "kustomize-5.8.1")
	built, refused := 0, 0
	for _, repo := range repos(t, root) {
		fsys, err := envfs.OpenDir(repo, envfs.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		defer fsys.Close()
		for _, dir := range kustomizationDirs(t, repo) {
			got, _, err := Render(t.Context(), fsys, dir, spec.KustomizeSource{}, Options{})
			if err != nil && strings.Contains(err.Error(), "nothing is fetched") {
				t.Logf("%s: %v", dir, err)
				refused++
				continue
			}
			want, wantErr := native(t, binary, filepath.Join(repo, dir))
			if (err == nil) != (wantErr == nil) {
				t.Errorf("%s: error %v\nwant %v", dir, err, wantErr)
				continue
			}
			if err != nil {
				t.Logf("%s: %v\nkustomize: %.200s", dir, err, wantErr)
				continue
			}
			same(t, dir, want, got)
			built++
		}
	}
	if t.Logf("%d kustomizations are equal, %d have remote bases", built, refused); built == 0 {
		t.Error("nothing was compared")
	}
}

// repos are the directories of the corpus.
func repos(t *testing.T, root string) []string {
	t.Helper()
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		if e.IsDir() {
			all = append(all, filepath.Join(root, e.Name()))
		}
	}
	return all
}

func kustomizationDirs(t *testing.T, repo string) []string {
	t.Helper()
	var dirs []string
	err := fs.WalkDir(os.DirFS(repo), ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && slices.Contains(kustomizationNames(), d.Name()) {
			dirs = append(dirs, filepath.ToSlash(filepath.Dir(name)))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return dirs
}

// TestOptionsEqualKustomizeEdit runs the commands that Argo CD runs.
func TestOptionsEqualKustomizeEdit(t *testing.T) {
	corpus(t)
	for name, o := range options {
		t.Run(name, func(t *testing.T) {
			binary := component(t, cmp.Or(o.judge, "kustomize-5.8.1"))
			dir := t.TempDir()
			files := optionFiles(o)
			for file, data := range files {
				if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(file)), 0o750); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(dir, file), []byte(data), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			e := edits{env: env}
			for _, args := range commands(&e, o.src) {
				cmd := exec.Command(binary, append([]string{"edit"}, args...)...)
				cmd.Dir = filepath.Join(dir, "app")
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Fatalf("%v: %v\n%s", args, err, out)
				}
			}
			addPatches(t, filepath.Join(dir, "app/kustomization.yaml"), o.src)
			want, err := native(t, binary, filepath.Join(dir, "app"))
			if err != nil {
				t.Fatal(err)
			}
			got, _, err := Render(t.Context(), repo(files), "app", o.src, Options{Env: env})
			if err != nil {
				t.Fatal(err)
			}
			same(t, name, want, got)
		})
	}
}

// commands are the arguments of `kustomize edit`, as Argo CD gives them.
func commands(e *edits, s spec.KustomizeSource) [][]string {
	var all [][]string
	set := func(ok bool, args ...string) {
		if ok {
			all = append(all, args)
		}
	}
	set(s.NamePrefix != "", "set", "nameprefix", "--", s.NamePrefix)
	set(s.NameSuffix != "", "set", "namesuffix", "--", s.NameSuffix)
	images := []string{"set", "image"}
	for _, i := range s.Images {
		images = append(images, e.substitute(i))
	}
	set(len(s.Images) > 0, images...)
	for _, r := range s.Replicas {
		set(true, "set", "replicas", fmt.Sprintf("%s=%d", r.Name, r.Count))
	}
	set(len(s.CommonLabels) > 0, pairs([]string{"add", "label"}, s.CommonLabels, e.substitute, map[string]bool{
		"--force": s.ForceCommonLabels, "--without-selector": s.LabelWithoutSelector, "--include-templates": s.LabelIncludeTemplates,
	})...)
	keep := func(v string) string { return v }
	if s.CommonAnnotationsEnvsubst {
		keep = e.substitute
	}
	set(len(s.CommonAnnotations) > 0, pairs([]string{"add", "annotation"}, s.CommonAnnotations, keep, map[string]bool{"--force": s.ForceCommonAnnotations})...)
	set(s.Namespace != "", "set", "namespace", "--", s.Namespace)
	for _, c := range s.Components {
		set(c != "../nope", "add", "component", c)
	}
	return all
}

func pairs(args []string, m map[string]string, value func(string) string, flags map[string]bool) []string {
	for flag, on := range flags {
		if on {
			args = append(args, flag)
		}
	}
	for k, v := range m {
		args = append(args, k+":"+value(v))
	}
	return args
}

// addPatches is what Argo CD does itself: kustomize has no command for it.
func addPatches(t *testing.T, file string, s spec.KustomizeSource) {
	t.Helper()
	if len(s.Patches) == 0 {
		return
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var k map[string]any
	if err := yaml.Unmarshal(data, &k); err != nil {
		t.Fatal(err)
	}
	list, _ := k["patches"].([]any)
	for _, p := range s.Patches {
		list = append(list, p)
	}
	k["patches"] = list
	if data, err = yaml.Marshal(k); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
}
