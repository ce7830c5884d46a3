package main

import (
	"debug/buildinfo"
	"fmt"
	"runtime/debug"
	"strings"
)

// module is one that is linked. Where go.mod replaces it, it is the replacement.
type module struct{ path, version, sum string }

// contents are what a binary says of itself.
type contents struct {
	main      module
	goVersion string // without "go"
	modules   []module
}

func read(binary string) (contents, error) {
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		return contents{}, fmt.Errorf("read the modules of %s: %w", binary, err)
	}
	return contentsOf(info), nil
}

func contentsOf(info *debug.BuildInfo) contents {
	version, _, _ := strings.Cut(strings.TrimPrefix(info.GoVersion, "go"), " ") // experiments follow
	found := contents{main: module{path: info.Main.Path}, goVersion: version}
	if info.Main.Version != "(devel)" {
		found.main.version = info.Main.Version
	}
	for _, dep := range info.Deps {
		if dep.Replace != nil {
			dep = dep.Replace
		}
		found.modules = append(found.modules, module{dep.Path, dep.Version, dep.Sum})
	}
	return found
}
