package forgefake

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// bare is the directory of a bare repository.
type bare string

var (
	errConflict = errors.New("conflict")
	errMoved    = errors.New("the base moved")
)

func (b bare) run(args ...string) (string, error) {
	cmd := exec.Command("git", append([]string{
		"--git-dir", string(b), "-c", "user.name=Forge", "-c", "user.email=forge@example.com",
	}, args...)...)
	var out, messages bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &messages
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("git %s: %w: %s", args[0], err, messages.String())
	}
	return strings.TrimSpace(out.String()), nil
}

// branch is a branch's commit, empty where there is none.
func (b bare) branch(name string) string {
	if sha, err := os.ReadFile(filepath.Join(string(b), "refs", "heads", filepath.FromSlash(name))); err == nil {
		return strings.TrimSpace(string(sha)) // without a process, but where refs are packed
	}
	sha, err := b.run("rev-parse", "--verify", "--quiet", "--end-of-options", "refs/heads/"+name)
	if err != nil {
		return ""
	}
	return sha
}

// ahead lists the commits that the head has and the base lacks, oldest first.
func (b bare) ahead(base, head string) []string {
	out, err := b.run("rev-list", "--reverse", base+".."+head)
	if err != nil {
		return nil
	}
	return strings.Fields(out)
}

// merged is the tree of both, or errConflict.
func (b bare) merged(base, head string) (string, error) {
	out, err := b.run("merge-tree", "--write-tree", base, head)
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 1 {
		return "", errConflict
	}
	tree, _, _ := strings.Cut(out, "\n")
	return tree, err
}

// merge puts the head on the base's branch, and returns the new commit. During
// is called between the decision and the update, when a base may move.
func (b bare) merge(branch, head, method, message string, during func()) (string, error) {
	base := b.branch(branch)
	tree, err := b.merged(base, head)
	if err != nil {
		return "", err
	}
	parents := []string{"-p", base}
	switch method {
	case "merge":
		parents = append(parents, "-p", head)
	case "rebase":
		if message, err = b.run("log", "-1", "--format=%B", head); err != nil {
			return "", err
		}
	}
	sha, err := b.run(append([]string{"commit-tree", "-m", message, tree}, parents...)...)
	if err != nil {
		return "", err
	}
	if during != nil {
		during()
	}
	if _, err := b.run("update-ref", "refs/heads/"+branch, sha, base); err != nil {
		return "", errMoved
	}
	return sha, nil
}
