package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
	"go.yaml.in/yaml/v3"
)

// workflow is what an action or a workflow of GitHub runs.
type workflow struct {
	Inputs map[string]struct {
		Default string
	}
	Runs struct{ Steps []step }
	Jobs map[string]struct{ Steps []step }
}

type step struct {
	Name, ID, If, Uses, Run string
	Env                     map[string]string
}

var (
	expression = regexp.MustCompile(`\$\{\{ *([\w.]+) *\}\}`)
	condition  = regexp.MustCompile(`^([\w.]+) (==|!=) '([^']*)'$`)
)

// steps runs the shell steps of an action or a workflow as a runner does, but for
// Build, since the command is here: steps FILE NAME=VALUE... The values are those
// of its contexts, such as inputs.set or github.event_name. What it would show on
// its page goes to $WORK/summary, its outputs to $WORK/output.
func steps(ts *testscript.TestScript, neg bool, args []string) {
	data, err := os.ReadFile(filepath.Join("..", "..", args[0]))
	ts.Check(err)
	var w workflow
	ts.Check(yaml.Unmarshal(data, &w))
	values := map[string]string{}
	for name, input := range w.Inputs {
		values["inputs."+name] = input.Default
	}
	for _, arg := range args[1:] {
		name, value, _ := strings.Cut(arg, "=")
		if file, ok := strings.CutPrefix(value, "@"); ok {
			value = ts.ReadFile(file)
		}
		values[name] = strings.ReplaceAll(value, `\n`, "\n")
	}
	list := w.Runs.Steps
	for _, job := range w.Jobs {
		list = append(list, job.Steps...)
	}
	ran := 0
	var failed error
	for _, s := range list {
		if s.Run == "" || s.Name == "Build" || !holds(ts, s.If, values) {
			continue
		}
		// What a runner puts into a script is code, whoever wrote it.
		if strings.Contains(s.Run, "${{") {
			ts.Fatalf("%s: %s has an expression in its script: give it in env", args[0], s.Name)
		}
		ran++
		if failed = runStep(ts, s, values); failed != nil {
			break
		}
	}
	if ran == 0 {
		ts.Fatalf("%s: no step ran", args[0])
	}
	if (failed != nil) != neg {
		ts.Fatalf("%s: %v", args[0], failed)
	}
}

// runStep runs one step in the shell that its file asks for.
func runStep(ts *testscript.TestScript, s step, values map[string]string) error {
	cmd := exec.Command("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", s.Run)
	cmd.Dir = ts.MkAbs(".")
	for _, name := range []string{"PATH", "HOME", "XDG_STATE_HOME", "TMPDIR"} {
		cmd.Env = append(cmd.Env, name+"="+ts.Getenv(name))
	}
	work := ts.Getenv("WORK")
	cmd.Env = append(cmd.Env, "RUNNER_TEMP="+work, "GITHUB_STEP_SUMMARY="+filepath.Join(work, "summary"), "GITHUB_OUTPUT="+filepath.Join(work, "output"),
		"GITHUB_API_URL="+ts.Getenv("FORGE"), "GITHUB_REPOSITORY="+forgePath)
	for name, value := range s.Env {
		cmd.Env = append(cmd.Env, name+"="+expression.ReplaceAllStringFunc(value, func(e string) string { return valueOf(ts, expression.FindStringSubmatch(e)[1], values) }))
	}
	out, err := cmd.CombinedOutput()
	ts.Logf("%s:\n%s", s.Name, out)
	if err != nil {
		return fmt.Errorf("%s: %w", s.Name, err)
	}
	return nil
}

// holds evaluates the condition of a step: comparisons with texts, joined by &&.
func holds(ts *testscript.TestScript, text string, values map[string]string) bool {
	if text == "" {
		return true
	}
	return !slices.ContainsFunc(strings.Split(text, " && "), func(term string) bool {
		m := condition.FindStringSubmatch(term)
		if m == nil {
			ts.Fatalf("the condition %q is not a comparison", term)
		}
		return (valueOf(ts, m[1], values) == m[3]) != (m[2] == "==")
	})
}

func valueOf(ts *testscript.TestScript, name string, values map[string]string) string {
	value, ok := values[name]
	if !ok {
		ts.Fatalf("%s is not given", name)
	}
	return value
}

// gitlabJob runs the script of a job of GitLab's template as a runner does:
// gitlab FILE JOB NAME=VALUE... The values are its variables.
func gitlabJob(ts *testscript.TestScript, neg bool, args []string) {
	data, err := os.ReadFile(filepath.Join("..", "..", args[0]))
	ts.Check(err)
	var variables struct{ Variables map[string]string }
	ts.Check(yaml.Unmarshal(data, &variables))
	var jobs map[string]yaml.Node
	ts.Check(yaml.Unmarshal(data, &jobs))
	var job struct{ Script []string }
	node := jobs[args[1]]
	if err := node.Decode(&job); err != nil || len(job.Script) == 0 {
		ts.Fatalf("%s has no job %s", args[0], args[1])
	}
	cmd := exec.Command("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", strings.Join(job.Script, "\n"))
	cmd.Dir = ts.MkAbs(".")
	for _, name := range []string{"PATH", "HOME", "XDG_STATE_HOME", "TMPDIR", "ASSAY_TOKEN", "ASSAY_PASSWORD"} {
		cmd.Env = append(cmd.Env, name+"="+ts.Getenv(name))
	}
	given := map[string]string{}
	for _, arg := range args[2:] {
		name, value, _ := strings.Cut(arg, "=")
		given[name] = strings.ReplaceAll(value, `\n`, "\n")
	}
	for name, value := range variables.Variables {
		if _, ok := given[name]; !ok {
			given[name] = os.Expand(value, func(name string) string { return given[name] })
		}
	}
	for name, value := range given {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	out, err := cmd.CombinedOutput()
	ts.Logf("%s:\n%s", args[1], out)
	if (err != nil) != neg {
		ts.Fatalf("%s: %v", args[1], err)
	}
}

// shim puts a command before assay on the PATH that tells it of the forge of serve,
// and that it speaks plain HTTP.
func shim(ts *testscript.TestScript, _ bool, _ []string) {
	binary, err := exec.LookPath("assay")
	ts.Check(err)
	dir := ts.MkAbs(".shim")
	ts.Check(os.MkdirAll(dir, 0o700))
	script := fmt.Sprintf("#!/bin/sh\ncase \" $* \" in *\" --repo \"*) set -- \"$@\" --allow-http --forge github --forge-api %q ;; esac\nexec %q \"$@\"\n", ts.Getenv("FORGE"), binary)
	ts.Check(os.WriteFile(filepath.Join(dir, "assay"), []byte(script), 0o700))
	ts.Setenv("PATH", dir+string(os.PathListSeparator)+ts.Getenv("PATH"))
}

// comments writes the comments on a pull request to the file out: comments NUMBER.
func comments(ts *testscript.TestScript, _ bool, args []string) {
	number, err := strconv.ParseInt(args[0], 10, 64)
	ts.Check(err)
	var text strings.Builder
	for _, p := range serversOf(ts).forge.Pulls() {
		if p.Number == number {
			text.WriteString(strings.Join(p.Comments, "\n"))
		}
	}
	ts.Check(os.WriteFile(ts.MkAbs("out"), []byte(text.String()), 0o600))
}
