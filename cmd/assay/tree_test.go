package main

import (
	"io/fs"
	"os"
	"path/filepath"

	"github.com/rogpeppe/go-internal/testscript"
)

// tree compares two directories file by file, byte by byte: tree WANT GOT.
func tree(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: tree want got")
	}
	want, got := readTree(ts, args[0]), readTree(ts, args[1])
	differs := false
	for name, text := range want {
		if other, found := got[name]; !found {
			ts.Logf("%s is missing", name)
			differs = true
		} else if other != text {
			ts.Logf("%s differs:\n%s", name, other)
			differs = true
		}
	}
	for name := range got {
		if _, found := want[name]; !found {
			ts.Logf("%s is there and should not", name)
			differs = true
		}
	}
	if differs != neg {
		ts.Fatalf("%s and %s: differ is %t", args[0], args[1], differs)
	}
}

func readTree(ts *testscript.TestScript, dir string) map[string]string {
	files := map[string]string{}
	root := ts.MkAbs(dir)
	ts.Check(fs.WalkDir(os.DirFS(root), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		files[name] = ts.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
		return nil
	}))
	return files
}
