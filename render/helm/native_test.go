package helm_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	kubeyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"

	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/render/helm"
)

// TestCorpusMatchesHelm renders every chart of the corpus with each of its
// value files, and compares the objects with those of the real helm.
func TestCorpusMatchesHelm(t *testing.T) {
	corpus, binaries := nativeHelm(t)
	copied := t.TempDir() // helm writes Chart.lock beside a chart
	if err := os.CopyFS(copied, os.DirFS(corpus)); err != nil {
		t.Fatal(err)
	}
	corpus = copied
	fsys := openDir(t, corpus)
	rendered := 0
	for _, dir := range charts(t, corpus) {
		for _, file := range append([]string{""}, valueFiles(t, filepath.Join(corpus, dir))...) {
			eachVersion(t, path.Join(dir, file), func(t *testing.T, version string) {
				src := spec.HelmSource{Version: version}
				if file != "" {
					src.ValueFiles = []string{file}
				}
				rendered += compareWithHelm(t, binaries[version], corpus, fsys, dir, src)
			})
		}
	}
	if rendered == 0 {
		t.Fatal("no chart of the corpus rendered")
	}
}

// TestCasesMatchHelm holds the expectations of the cases under testdata to the
// real helm.
func TestCasesMatchHelm(t *testing.T) {
	_, binaries := nativeHelm(t)
	for name, c := range cases(t) {
		eachVersion(t, name, func(t *testing.T, version string) {
			c.source.Version = version
			root := t.TempDir()
			for file, f := range c.files {
				full := filepath.Join(root, file)
				if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(full, f.Data, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if compareWithHelm(t, binaries[version], root, openDir(t, root), caseDir, c.source) == 0 {
				t.Fatal("no object rendered")
			}
		})
	}
}

// compareWithHelm returns how many objects both render, or 0 if both refuse.
func compareWithHelm(t *testing.T, binary, root string, fsys *envfs.FS, dir string, src spec.HelmSource) int {
	t.Helper()
	got, _, gotErr := helm.Render(t.Context(), fsys, dir, src, options)
	want, wantErr := template(t, binary, root, dir, src)
	if (gotErr == nil) != (wantErr == nil) {
		t.Fatalf("Render: %v\nhelm: %v", gotErr, wantErr)
	}
	if diff := cmp.Diff(contents(want), contents(got)); diff != "" {
		t.Errorf("objects differ from helm's (-helm +ours):\n%s", diff)
	}
	return len(got)
}

// template runs helm as Argo CD does (util/helm, util/kube in argo-cd).
func template(t *testing.T, binary, root, dir string, src spec.HelmSource) ([]*unstructured.Unstructured, error) {
	t.Helper()
	out, err := run(binary, filepath.Join(root, dir), arguments(t, root, dir, src))
	if err != nil && strings.Contains(err.Error(), "missing in charts/ directory") {
		if _, err := run(binary, filepath.Join(root, dir), []string{"dependency", "build"}); err != nil {
			return nil, err
		}
		out, err = run(binary, filepath.Join(root, dir), arguments(t, root, dir, src))
	}
	if err != nil {
		return nil, err
	}
	return splitYAML(out)
}

func run(binary, dir string, args []string) ([]byte, error) {
	home, err := os.MkdirTemp("", "helm")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(home)
	cmd := exec.Command(binary, args...)
	cmd.Dir = dir
	// A proxy that refuses keeps the test off the network.
	cmd.Env = []string{"HOME=" + home, "HTTPS_PROXY=http://127.0.0.1:1", "HTTP_PROXY=http://127.0.0.1:1"}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, errors.New(err.Error() + ": " + stderr.String())
	}
	return out, nil
}

func arguments(t *testing.T, root, dir string, src spec.HelmSource) []string {
	t.Helper()
	place := func(name string) string {
		if path.IsAbs(name) {
			return filepath.Join(root, name)
		}
		return filepath.Join(root, dir, name)
	}
	args := []string{"template", ".", "--name-template", first(src.ReleaseName, options.AppName), "--kube-version", first(src.KubeVersion, options.KubeVersion)}
	args = append(args, "--namespace", first(src.Namespace, options.Namespace))
	for _, p := range src.Parameters {
		flag := "--set"
		if p.ForceString {
			flag = "--set-string"
		}
		args = append(args, flag, p.Name+"="+escaped(p.Value))
	}
	for _, p := range src.FileParameters {
		args = append(args, "--set-file", p.Name+"="+place(p.Path))
	}
	for _, f := range src.ValueFiles {
		if _, err := os.Stat(place(f)); errors.Is(err, fs.ErrNotExist) && src.IgnoreMissingValueFiles {
			continue
		}
		args = append(args, "--values", place(f))
	}
	if inline := inlineValues(t, src); inline != "" {
		args = append(args, "--values", inline)
	}
	for _, v := range src.APIVersions {
		args = append(args, "--api-versions", v)
	}
	for flag, on := range map[string]bool{"--include-crds": !src.SkipCrds, "--skip-tests": src.SkipTests, "--skip-schema-validation": src.SkipSchemaValidation} {
		if on {
			args = append(args, flag)
		}
	}
	return args
}

// escaped is what Argo CD makes of a value, in other words than the package's.
func escaped(value string) string {
	if strings.HasPrefix(value, "{") && strings.HasSuffix(value, "}") {
		return value
	}
	return strings.Join(strings.Split(strings.Join(strings.Split(value, `\,`), ","), ","), `\,`)
}

// inlineValues writes what Argo CD would: the object, or else the text.
func inlineValues(t *testing.T, src spec.HelmSource) string {
	t.Helper()
	text := []byte(src.Values)
	if src.ValuesObject != nil {
		var err error
		if text, err = yaml.Marshal(src.ValuesObject); err != nil {
			t.Fatal(err)
		}
	}
	if len(text) == 0 {
		return ""
	}
	name := filepath.Join(t.TempDir(), "values")
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// splitYAML decodes a stream as Argo CD's kube.SplitYAML does, and flattens it
// as the repo-server does.
func splitYAML(data []byte) ([]*unstructured.Unstructured, error) {
	decoder := kubeyaml.NewYAMLOrJSONDecoder(bytes.NewReader(data), 4096)
	var objs []*unstructured.Unstructured
	for {
		var raw runtime.RawExtension
		if err := decoder.Decode(&raw); errors.Is(err, io.EOF) {
			return objs, nil
		} else if err != nil {
			return nil, err
		}
		raw.Raw = bytes.TrimSpace(raw.Raw)
		if len(raw.Raw) == 0 || bytes.Equal(raw.Raw, []byte("null")) {
			continue
		}
		o := &unstructured.Unstructured{}
		if err := yaml.Unmarshal(raw.Raw, o); err != nil {
			return nil, err
		}
		if !o.IsList() {
			objs = append(objs, o)
			continue
		}
		list, err := o.ToList()
		if err != nil {
			return nil, err
		}
		for i := range list.Items {
			objs = append(objs, &list.Items[i])
		}
	}
}

// contents leaves out Helm test hooks, which Argo CD never applies: podinfo's
// have random names.
func contents(objs []*unstructured.Unstructured) []map[string]any {
	var out []map[string]any
	for _, o := range objs {
		if !strings.Contains(o.GetAnnotations()["helm.sh/hook"], "test") {
			out = append(out, o.Object)
		}
	}
	return out
}

// nativeHelm returns the binaries by Helm's version.
func nativeHelm(t *testing.T) (corpus string, binaries map[string]string) {
	t.Helper()
	corpus = os.Getenv("ASSAY_CORPUS")
	if corpus == "" {
		t.Skip("ASSAY_CORPUS is unset: no real environments and no real helm to compare with")
	}
	out, err := exec.Command("../../test/components/build", "helm-3.18.6", "helm-4.2.4").Output()
	if err != nil {
		t.Fatalf("build helm: %v", err)
	}
	built := strings.Fields(string(out))
	return corpus, map[string]string{helm.Version3: built[0], helm.Version4: built[1]}
}

func openDir(t *testing.T, root string) *envfs.FS {
	t.Helper()
	fsys, err := envfs.OpenDir(root, envfs.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = fsys.Close() })
	return fsys
}

func charts(t *testing.T, root string) []string {
	t.Helper()
	var dirs []string
	err := fs.WalkDir(os.DirFS(root), ".", func(name string, _ fs.DirEntry, err error) error {
		if path.Base(name) == "Chart.yaml" {
			dirs = append(dirs, path.Dir(name))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return dirs
}

func valueFiles(t *testing.T, dir string) []string {
	t.Helper()
	var names []string
	for _, pattern := range []string{"values*.yaml", "ci/*.yaml"} {
		found, err := fs.Glob(os.DirFS(dir), pattern)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, found...)
	}
	return names
}

func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// BenchmarkPodinfo is a render in a warm process.
func BenchmarkPodinfo(b *testing.B) {
	corpus := os.Getenv("ASSAY_CORPUS")
	if corpus == "" {
		b.Skip("ASSAY_CORPUS is unset: no chart to render")
	}
	for b.Loop() {
		fsys, err := envfs.OpenDir(corpus, envfs.Limits{})
		if err != nil {
			b.Fatal(err)
		}
		if _, _, err := helm.Render(b.Context(), fsys, "podinfo/charts/podinfo", spec.HelmSource{}, options); err != nil {
			b.Fatal(err)
		}
		_ = fsys.Close()
	}
}
