package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/object/manifest"
	"github.com/assaydev/assay/internal/spec"
)

const (
	releaseName = "app"
	namespace   = "apps"
	kubeVersion = "1.33"
)

var testHook = regexp.MustCompile(`\btest(-success|-failure)?\b`)

// rendered is what a program made of a case.
type rendered struct {
	objects map[string]*unstructured.Unstructured // by key; several of one key have a number
	failed  string                                // its message
}

// native renders a case with the real program.
func (r *runner) native(ctx context.Context, tool string, c testCase) (rendered, error) {
	dir := filepath.Join(c.root, filepath.FromSlash(c.dir))
	args := []string{"build", dir}
	if c.layout == spec.Helm {
		args = []string{"template", releaseName, dir, "--namespace", namespace, "--include-crds", "--kube-version", kubeVersion}
		if c.values != "" {
			args = append(args, "--values", filepath.Join(dir, c.values))
		}
	}
	return process(ctx, nil, r.tools[tool], args...)
}

// assay renders it with ours. A directory that is not in a repository is its own.
func (r *runner) assay(ctx context.Context, engine string, c testCase) (rendered, error) {
	args := []string{"render", "--view", "baseline", "--root", c.root}
	parameters := "[]"
	if c.layout == spec.Helm {
		args = append(args, "--helm", engine, "--app-name", releaseName, "--namespace", namespace, "--kube-version", kubeVersion)
		if c.values != "" {
			parameters = fmt.Sprintf(`[{"name":"helm-value-files","array":[%q]}]`, c.values)
		}
	}
	return process(ctx, []string{"ARGOCD_APP_PARAMETERS=" + parameters}, r.tools["assay"], append(args, filepath.Join(c.root, filepath.FromSlash(c.dir)))...)
}

// process runs a program without anything of this one's environment that it could read.
func process(ctx context.Context, env []string, program string, args ...string) (rendered, error) {
	var out, messages bytes.Buffer
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = append(env, "HOME=/nonexistent", "PATH="+os.Getenv("PATH"), "HELM_CACHE_HOME=/nonexistent", "HELM_CONFIG_HOME=/nonexistent")
	cmd.Stdout, cmd.Stderr = &out, &messages
	err := cmd.Run()
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		return rendered{failed: message(messages.String())}, nil
	}
	if err != nil {
		return rendered{}, err
	}
	objs, err := manifest.Decode("output", out.Bytes(), manifest.Limits{})
	if err != nil {
		return rendered{failed: message(err.Error())}, nil
	}
	all := map[string]*unstructured.Unstructured{}
	for _, o := range objs {
		if testHook.MatchString(o.GetAnnotations()["helm.sh/hook"]) {
			continue // Argo CD never applies them
		}
		key := object.KeyOf(o).String()
		for i := 2; all[key] != nil; i++ {
			key = fmt.Sprintf("%s (%d)", object.KeyOf(o), i)
		}
		all[key] = o
	}
	return rendered{objects: all}, nil
}

// message is the line of a program's words that says what is wrong.
func message(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.TrimSpace(lines[len(lines)-1])
}
