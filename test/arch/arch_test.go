// Package arch holds the import direction of the design:
// cmd -> plugin, promote -> render -> internal.
package arch

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"
)

const module = "github.com/assaydev/assay/"

// layers names each top folder's rank. A package may import its own rank's
// folder and lower ranks, and no other folder of the same rank.
var layers = map[string]int{"internal": 0, "render": 1, "plugin": 2, "promote": 2, "cmd": 3}

func TestImportsPointDown(t *testing.T) {
	edges := 0
	for _, pkg := range packages(t) {
		from, ok := layers[top(pkg.path)]
		if !ok {
			continue
		}
		for _, dep := range pkg.imports {
			to, ok := layers[top(dep)]
			if !ok {
				if top(dep) != "examples" || top(pkg.path) != "cmd" {
					t.Errorf("%s imports %s, which is in no layer", pkg.path, dep)
				}
				continue
			}
			edges++
			if to > from || to == from && top(dep) != top(pkg.path) {
				t.Errorf("%s imports %s: imports point from cmd to plugin and promote, to render, to internal", pkg.path, dep)
			}
		}
	}
	if edges < 10 {
		t.Fatalf("saw only %d imports between the layers: the test does not see the code", edges)
	}
}

// TestExamplesAreAUser: the examples are data, and examples/tour walks them with what
// anybody could use: promote and what is below it. That of the layers only commands
// use either is held above.
func TestExamplesAreAUser(t *testing.T) {
	seen := 0
	for _, pkg := range packages(t) {
		for _, dep := range pkg.imports {
			switch {
			case pkg.path == "examples" && top(dep) != "internal":
				t.Errorf("examples imports %s: it holds data, and where each is", dep)
			case pkg.path == "examples/tour":
				seen++
				if to, ok := layers[top(dep)]; dep != "examples" && (!ok || to > layers["promote"] || top(dep) == "plugin") {
					t.Errorf("examples/tour imports %s: it walks with promote and what is below", dep)
				}
			}
		}
	}
	if seen == 0 {
		t.Error("examples/tour imports nothing: the test does not see it")
	}
}

// TestRenderLeavesLayoutsApart keeps the layouts from knowing each other; the
// variant alone uses one, for Kustomize's renaming.
func TestRenderLeavesLayoutsApart(t *testing.T) {
	allowed := map[string]bool{
		"render/variant render/kustomize": true,
	}
	for _, pkg := range packages(t) {
		if top(pkg.path) != "render" || pkg.path == "render" {
			continue
		}
		for _, dep := range pkg.imports {
			if top(dep) == "render" && !allowed[pkg.path+" "+dep] {
				t.Errorf("%s imports %s", pkg.path, dep)
			}
		}
	}
}

type pkg struct {
	path    string // relative to the module
	imports []string
}

// packages lists the module's packages with what they import from it, tests left out.
func packages(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, module+"...")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	var list []pkg
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		p := pkg{path: strings.TrimPrefix(fields[0], module)}
		for _, dep := range fields[1:] {
			if strings.HasPrefix(dep, module) {
				p.imports = append(p.imports, strings.TrimPrefix(dep, module))
			}
		}
		list = append(list, p)
	}
	return list
}

func top(path string) string {
	first, _, _ := strings.Cut(path, "/")
	return first
}
