package plugin

import (
	"os"
	"path/filepath"
	"strings"
)

// Root splits an absolute directory into the repository it is in and its slash
// path there. sourcePath, where Argo CD gives it and the directory ends in it,
// decides; else the nearest ancestor with a .git does; else the directory is
// its own repository, and known is false.
func Root(dir, sourcePath string) (root, rel string, known bool) {
	if root, ok := cutPath(dir, sourcePath); ok {
		return root, slash(root, dir), true
	}
	for parent := dir; ; parent = filepath.Dir(parent) {
		if _, err := os.Lstat(filepath.Join(parent, ".git")); err == nil {
			return parent, slash(parent, dir), true
		}
		if parent == filepath.Dir(parent) {
			return dir, ".", false
		}
	}
}

// cutPath takes sourcePath off the end of dir, whole elements only.
func cutPath(dir, sourcePath string) (string, bool) {
	if sourcePath == "" {
		return "", false
	}
	sourcePath = filepath.Clean(filepath.FromSlash(sourcePath))
	if sourcePath == "." {
		return dir, true
	}
	if !filepath.IsLocal(sourcePath) {
		return "", false
	}
	root, found := strings.CutSuffix(filepath.Clean(dir), string(filepath.Separator)+sourcePath)
	return root, found && root != ""
}

func slash(root, dir string) string {
	rel, err := filepath.Rel(root, dir)
	if err != nil {
		return "."
	}
	return filepath.ToSlash(rel)
}
