package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/assaydev/assay/internal/digest"
	"github.com/assaydev/assay/internal/engine"
	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/object/manifest"
	"github.com/assaydev/assay/test/page"
)

// rule is what has to be so before a command that matches runs.
type rule struct {
	command *regexp.Regexp
	before  string
	used    bool
}

// runPage runs the commands of a page's sh blocks in $WORK/world, a clone of the server's
// repository: page [-each] PAGE RULES. They belong together; with -each, every command
// begins anew. A rule is a line of a pattern, " => " and what a shell runs before the
// commands that match. Addresses of the page are the server's, and its ID is $ID.
func runPage(ts *testscript.TestScript, _ bool, args []string) {
	each := args[0] == "-each"
	if each {
		args = args[1:]
	}
	text, err := os.ReadFile(filepath.Join("..", "..", args[0]))
	ts.Check(err)
	rules := rulesOf(ts, args[1])
	w := world{ts, ts.MkAbs("."), ts.Getenv("BARE")}
	w.reset()
	commands := page.Commands(string(text))
	if len(commands) == 0 {
		ts.Fatalf("%s has no sh block", args[0])
	}
	for _, command := range commands {
		if each {
			w.reset()
		}
		before := ""
		for _, r := range rules {
			if r.command.MatchString(command) {
				r.used = true
				before += r.before + "\n"
			}
		}
		w.run(before, command)
	}
	for _, r := range rules {
		if !r.used {
			ts.Fatalf("no command of %s matches %s any more", args[0], r.command)
		}
	}
}

// TestShellPages: no page's commands are left out but those of assayd's reference, which start a
// server, and those that measure.
func TestShellPages(t *testing.T) {
	script, err := os.ReadFile("testdata/script/docs_shell.txtar")
	if err != nil {
		t.Fatal(err)
	}
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil || len(pages) == 0 {
		t.Fatal(pages, err)
	}
	for _, file := range append(pages, "../../README.md") {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimPrefix(file, "../../")
		runs := regexp.MustCompile(`(?m)^page (-each )?` + regexp.QuoteMeta(name) + " ").Match(script)
		if len(page.Commands(string(text))) > 0 && !runs && name != "docs/assayd.md" && name != measured {
			t.Errorf("%s has commands, and docs_shell.txtar runs none of them", name)
		}
	}
}

const measured = "docs/performance.md"

// TestMeasuredPage: the commands that measure name programs, and targets of the Makefile, that there are.
func TestMeasuredPage(t *testing.T) {
	text, err := os.ReadFile("../../" + measured)
	if err != nil {
		t.Fatal(err)
	}
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	command := regexp.MustCompile(`^(?:[A-Z_]+=\S+ )*(?:make ([a-z-]+)|go run (\./\S+)( .*)?)$`)
	commands := page.Commands(string(text))
	if len(commands) == 0 {
		t.Error("it has none")
	}
	for _, line := range commands {
		found := command.FindStringSubmatch(line)
		switch {
		case found == nil:
			t.Errorf("%q is neither make nor go run", line)
		case found[1] != "" && !strings.Contains(string(makefile), "\n"+found[1]+": "):
			t.Errorf("%q: the Makefile has no such target", line)
		case found[2] != "":
			if _, err := os.Stat(filepath.Join("../..", found[2], "main.go")); err != nil {
				t.Errorf("%q: %v", line, err)
			}
		}
	}
}

func rulesOf(ts *testscript.TestScript, file string) (rules []*rule) {
	for line := range strings.Lines(ts.ReadFile(file)) {
		pattern, before, ok := strings.Cut(strings.TrimSpace(line), " => ")
		if !ok {
			ts.Fatalf("%s: %q is not a rule", file, line)
		}
		rules = append(rules, &rule{command: regexp.MustCompile(pattern), before: before})
	}
	return rules
}

// world is where the commands of a page run.
type world struct {
	ts         *testscript.TestScript
	work, bare string
}

// reset gives the server what it began with, and clones it.
func (w world) reset() {
	start := filepath.Join(w.work, "start")
	if _, err := os.Stat(start); err != nil {
		w.ts.Check(os.CopyFS(start, os.DirFS(w.bare)))
	}
	for _, dir := range []string{w.bare, filepath.Join(w.work, "world")} {
		w.ts.Check(os.RemoveAll(dir))
	}
	w.ts.Check(os.CopyFS(w.bare, os.DirFS(start)))
	w.bash("cd .. && git clone -q " + w.bare + " world")
}

// run runs a command, and fails where that fails.
func (w world) run(before, command string) {
	server := w.ts.Getenv("REPO")
	for _, address := range []string{"https://git.example.com/env.git", "https://git.example.com/acme/envs.git", "https://github.com/acme/envs"} {
		command = strings.ReplaceAll(command, address, server)
	}
	command = strings.NewReplacer(" --watch", " --watch --timeout 3s", "e012345678", "$ID", " /tmp/", " "+w.work+"/", " /usr/local/bin/", " "+w.work+"/").Replace(command)
	w.bash("{ :\n" + before + "\n} >../before 2>&1 || { cat ../before; exit 1; }\n" + command)
}

func (w world) bash(script string) {
	dir := filepath.Join(w.work, "world")
	if err := os.MkdirAll(dir, 0o750); err != nil {
		w.ts.Fatalf("%v", err)
	}
	cmd := exec.Command("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script)
	cmd.Dir = dir
	source, err := filepath.Abs("../..")
	w.ts.Check(err)
	cmd.Env = []string{"PATH=" + filepath.Join(w.work, "bin") + string(os.PathListSeparator) + w.ts.Getenv("PATH"), "HOME=" + w.work, "SOURCE=" + source, "BARE=" + w.bare, "CLUSTER=" + filepath.Join(w.work, "cluster.yaml")}
	for _, name := range []string{
		"WORK", "REPO", "ASSAY_TOKEN", "XDG_STATE_HOME", "TMPDIR", "KUBECONFIG", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM",
		"GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL",
	} {
		cmd.Env = append(cmd.Env, name+"="+w.ts.Getenv(name))
	}
	out, err := cmd.CombinedOutput()
	w.ts.Logf("%s\n%s", script, out)
	if err != nil {
		w.ts.Fatalf("%s: %v", script, err)
	}
}

// passed writes the objects of an experiment that are printed on stdin, those that judge with the status
// of one that has passed: what the cluster has, a while later.
func passed() {
	if err := markPassed(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func markPassed(in io.Reader, out io.Writer) error {
	data, err := io.ReadAll(in)
	if err != nil {
		return err
	}
	objs, err := manifest.Decode("stdin", data, manifest.Limits{})
	if err != nil {
		return err
	}
	for _, o := range objs {
		if o.GetLabels()[engine.ExperimentLabel] == "" {
			continue
		}
		if o.GetAnnotations()[digest.Annotation] != "" {
			status, err := statusOf(o)
			if err != nil {
				return err
			}
			o.Object["status"] = status
		}
		if o.GetNamespace() == "" {
			o.SetNamespace("shop")
		}
		text, err := yaml.Marshal(o.Object)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(out, "---\n%s", text); err != nil {
			return err
		}
	}
	return nil
}

// statusOf is what the cluster says of an object that has passed.
func statusOf(o *unstructured.Unstructured) (map[string]any, error) {
	switch o.GetKind() {
	case "Job":
		return map[string]any{"succeeded": 1, "conditions": []any{map[string]any{"type": "Complete", "status": "True"}}}, nil
	case "AnalysisRun":
		results := []any{}
		metrics, _, err := unstructured.NestedSlice(o.Object, "spec", "metrics")
		for _, m := range metrics {
			metric, _ := m.(map[string]any)
			results = append(results, map[string]any{"name": metric["name"], "phase": "Successful", "count": 10, "successful": 10})
		}
		return map[string]any{"phase": "Successful", "metricResults": results}, err
	}
	return nil, fmt.Errorf("%s: what it says once it has passed is not known", object.KeyOf(o))
}
