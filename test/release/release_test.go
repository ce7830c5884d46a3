// Package release tests what ./release makes.
package release

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"debug/buildinfo"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// TestSameBytes builds the release of a commit in two clones at two places: every
// file of it is the same.
func TestSameBytes(t *testing.T) {
	platform := runtime.GOOS + "/" + runtime.GOARCH
	first, second := build(t, platform), build(t, platform)
	if len(first) != 5 {
		t.Errorf("it has %v", slices.Sorted(maps.Keys(first)))
	}
	for name, data := range first {
		if !bytes.Equal(data, second[name]) {
			t.Errorf("%s has other bytes the second time", name)
		}
	}
	sums := string(first["checksums.txt"])
	for name, data := range first {
		if name != "checksums.txt" && !strings.Contains(sums, fmt.Sprintf("%x  %s\n", sha256.Sum256(data), name)) {
			t.Errorf("checksums.txt has not %s:\n%s", name, sums)
		}
		switch archive, found := strings.CutSuffix(name, ".tar.gz"); {
		case strings.HasSuffix(archive, "_manifests"):
			checkManifests(t, archive, data)
		case found:
			checkArchive(t, archive, data)
		}
	}
}

// build makes the release in a clone of the commit that is checked out, and
// returns its files.
func build(t *testing.T, platform string) map[string][]byte {
	t.Helper()
	dir := t.TempDir()
	clone, out := filepath.Join(dir, "clone"), filepath.Join(dir, "out")
	run(t, exec.Command("git", "clone", "--quiet", "--no-hardlinks", "../..", clone))
	cmd := exec.Command("./release", out, platform)
	cmd.Dir = clone
	run(t, cmd)
	files := map[string][]byte{}
	entries, err := os.ReadDir(out)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(out, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		files[e.Name()] = data
	}
	return files
}

func run(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", cmd.Args, err, out)
	}
}

// checkManifests holds that what is installed names the image of the same release.
func checkManifests(t *testing.T, name string, data []byte) {
	t.Helper()
	version := strings.TrimSuffix(strings.TrimPrefix(name, "assay_"), "_manifests")
	files := map[string]string{}
	unpack(t, data, func(h *tar.Header, content []byte) { files[h.Name] = string(content) })
	if sidecar := files[name+"/repo-server-sidecar.yaml"]; !strings.Contains(sidecar, "image: ghcr.io/assaydev/assay:"+version+"\n") {
		t.Errorf("the sidecar is %s", sidecar)
	}
	for file, text := range files {
		if strings.Contains(text, ":unreleased") || strings.Contains(file, "test") {
			t.Errorf("%s is in it", file)
		}
	}
	if chart := files[name+"/chart/Chart.yaml"]; !strings.Contains(chart, "\nappVersion: "+version+"\n") || strings.Contains(chart, "\nversion: 0.0.0\n") {
		t.Errorf("the chart is %s", chart)
	}
	for _, want := range []string{"kustomization.yaml", "chart/values.schema.json", "chart/files/rules.yaml", "helm-v4/kustomization.yaml", "git-credentials/kustomization.yaml"} {
		if files[name+"/"+want] == "" {
			t.Errorf("it lacks %s", want)
		}
	}
}

// checkArchive holds what is in an archive.
func checkArchive(t *testing.T, name string, data []byte) {
	t.Helper()
	files := map[string]*tar.Header{}
	unpack(t, data, func(h *tar.Header, content []byte) {
		files[h.Name] = h
		command := strings.TrimPrefix(h.Name, name+"/")
		if command != "assay" && command != "assayd" {
			return
		}
		info, err := buildinfo.Read(bytes.NewReader(content))
		if err != nil {
			t.Fatal(err)
		}
		if h.Mode&0o777 != 0o755 || info.Path != "github.com/assaydev/assay/cmd/"+command {
			t.Errorf("%s is %s with mode %o", command, info.Path, h.Mode)
		}
	})
	for _, want := range []string{"assay", "assayd", "LICENSE", "plugin.yaml", "plugin.helm-v4.yaml", "completions/assay.bash", "completions/assay.fish", "completions/assay.zsh"} {
		if h := files[name+"/"+want]; h == nil || h.Size < 100 || h.Uid != 0 {
			t.Errorf("the archive's %s is %+v", want, h)
		}
	}
}

// unpack gives each file of an archive.
func unpack(t *testing.T, data []byte, file func(*tar.Header, []byte)) {
	t.Helper()
	unzipped, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	for r := tar.NewReader(unzipped); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		file(h, content)
	}
}
