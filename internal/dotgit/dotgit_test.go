package dotgit

import "testing"

// TestInside is about every spelling that a file system folds into .git.
func TestInside(t *testing.T) {
	for _, name := range []string{
		".git", ".GIT", ".Git/config", "a/.git", "a/.gIt/hooks/x", "git~1", "GIT~1/config", "git~12", ".git.", ".git...", ".git ", ".git . /config",
		".git::$INDEX_ALLOCATION", ".git::$INDEX_ALLOCATION/config", ".git:x", `a\.git\config`, `.git\x`, ".g\u200cit", "\ufeff.git", ".gi\u202et/config", ".git\u206f",
		".g\u0130t", ".g\u0131t", "..\\.git", "../.git/stg", "./.git", "//.git//config", "git~1 ", "git~1::$DATA", ".g\u2063it",
	} {
		if !Inside(name) {
			t.Errorf("%q is not inside", name)
		}
	}
	for _, name := range []string{
		".", "..", "", ".github/workflows/a.yaml", ".gitignore", ".gitattributes", ".gitmodules", "git", "a.git/config", "git~", "git~a", "mygit~1", "x/.gitkeep", "..git", ". git",
	} {
		if Inside(name) {
			t.Errorf("%q is inside", name)
		}
	}
}
