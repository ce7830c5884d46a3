// Package ci lints the workflows and the action that docs/ci.md describes, and those
// of this repository. What their shell steps do is tested in cmd/assay.
package ci

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rhysd/actionlint"
)

// TestWorkflows lints each workflow as GitHub reads it.
func TestWorkflows(t *testing.T) {
	var files []string
	for _, pattern := range []string{"../../.github/workflows/*.yml", "../../ci/*.yml"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: %v, %v", pattern, found, err)
		}
		files = append(files, found...)
	}
	for _, file := range files {
		if filepath.Base(file) == "gitlab.yml" {
			continue // the only one that is not GitHub's
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		lint(t, file, data)
	}
	// What is wrong is found.
	if problems := problemsOf(t, "broken.yml", []byte("on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps: [{run: 'echo ${{ github.nothing }}'}]\n")); len(problems) == 0 {
		t.Error("a broken workflow passes")
	}
}

// TestAction lints a workflow that uses the action with every input, and without.
func TestAction(t *testing.T) {
	const head = "on: {pull_request: {}}\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n    - uses: actions/checkout@v4\n    - uses: ./\n      id: assay\n      with: {directory: shop/prod"
	for _, inputs := range []string{"}", ", environment: a, set: --tag=1, repository: https://git.example.com/a, branch: main, flags: --retry, comment: 'false', token: x}"} {
		lint(t, ".github/workflows/use.yml", []byte(head+inputs+"\n    - run: echo \"$ID\"\n      env: {ID: \"${{ steps.assay.outputs.id }}\"}\n"))
	}
	if problems := problemsOf(t, ".github/workflows/use.yml", []byte(head+", nothing: 1}\n")); len(problems) == 0 {
		t.Error("an input that the action does not have passes")
	}
}

func lint(t *testing.T, file string, data []byte) {
	t.Helper()
	for _, problem := range problemsOf(t, file, data) {
		t.Errorf("%s:%d:%d: %s", file, problem.Line, problem.Column, problem.Message)
	}
}

func problemsOf(t *testing.T, file string, data []byte) []*actionlint.Error {
	t.Helper()
	linter, err := actionlint.NewLinter(io.Discard, &actionlint.LinterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	project, err := actionlint.NewProject(root)
	if err != nil {
		t.Fatal(err)
	}
	problems, err := linter.Lint(filepath.Join(root, ".github/workflows", strings.TrimSuffix(filepath.Base(file), ".yml")+"-linted.yml"), data, project)
	if err != nil {
		t.Fatal(err)
	}
	return problems
}
