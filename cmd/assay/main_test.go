package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/assaydev/assay/internal/cli"
)

var update = flag.Bool("update", false, "write what the tests expect")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"assay": main, "passed": passed})
}

// TestScript runs the binary as users do: testdata/script/*.txtar.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Values[serversKey{}] = &servers{}
			env.Setenv("XDG_STATE_HOME", filepath.Join(env.WorkDir, ".state"))
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"crashed": crashed,
			"short":   short,
			"tree":    tree,
			"sparse":  sparse,
			"raw":     raw,
			"grab":    grab,
			"expand":  expand,
			"code":    code,

			"serve": serve, "commit": commit, "submodule": submodule, "replace": replace, "fault": fault, "met": met, "hook": hook, "bare": bare, "people": people, "held": held,

			"steps": steps, "gitlab": gitlabJob, "comments": comments, "cluster": serveCluster, "shim": shim, "page": runPage,
		},
	})
}

// short checks that the last command's stderr is a message, not a report.
func short(ts *testscript.TestScript, _ bool, _ []string) {
	if message := ts.ReadFile("stderr"); len(message) > 2000 || len(message) == 0 {
		ts.Fatalf("stderr has %d bytes", len(message))
	}
}

// raw writes a file from a Go string literal's body: raw NAME TEXT.
func raw(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: raw name text")
	}
	text, err := strconv.Unquote(`"` + args[1] + `"`)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o600))
}

// grab sets a variable to what a pattern's group matches in the last stdout:
// grab NAME PATTERN.
func grab(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: grab name pattern")
	}
	found := regexp.MustCompile(args[1]).FindStringSubmatch(ts.ReadFile("stdout"))
	if len(found) != 2 {
		ts.Fatalf("%s matches nothing", args[1])
	}
	ts.Setenv(args[0], found[1])
}

// expand copies a file with ${NAME} replaced by variables: expand FROM TO.
func expand(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: expand from to")
	}
	text := os.Expand(ts.ReadFile(args[0]), ts.Getenv)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(text), 0o600))
}

// code runs assay and checks its exit code: code CODE ARGUMENTS.
func code(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := exitDone
	var exit *exec.ExitError
	if err := ts.Exec("assay", args[1:]...); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// crashed leaves the record of an interrupted command on an environment outside of
// Git, where $ROOT is the repository: crashed RECORD ENVIRONMENT.
func crashed(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: crashed record environment")
	}
	dir, err := filepath.EvalSymlinks(ts.MkAbs(args[1]))
	ts.Check(err)
	sum := sha256.Sum256(fmt.Appendf(nil, "%d:%s%d:%s", len(dir), dir, 0, ""))
	at := filepath.Join(ts.Getenv("XDG_STATE_HOME"), "assay", hex.EncodeToString(sum[:]))
	ts.Check(os.MkdirAll(filepath.Dir(at), 0o700))
	text := strings.ReplaceAll(ts.ReadFile(args[0]), "$ROOT", filepath.Dir(dir))
	ts.Check(os.WriteFile(at, []byte(text), 0o600))
}

// sparse makes a file of a size without writing it: sparse NAME BYTES.
func sparse(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: sparse name bytes")
	}
	size, err := parseBytes(args[1])
	ts.Check(err)
	file, err := os.Create(ts.MkAbs(args[0]))
	ts.Check(err)
	ts.Check(file.Truncate(size))
	ts.Check(file.Close())
}

func parseBytes(text string) (int64, error) {
	var size cli.ByteSize
	err := size.Set(text)
	return int64(size), err
}
