//go:build e2e

package e2e_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/assaydev/assay/test/image"
)

// mostImage is what the image may take in a registry, in bytes.
const mostImage = 100_000_000

// TestImage runs the image as the pods of manifests/ do, without an engine: as a user
// who is not root, with nothing to write to but their mounts.
func TestImage(t *testing.T) {
	t.Parallel()
	ctx, stop := signal.NotifyContext(t.Context(), os.Interrupt, syscall.SIGTERM)
	t.Cleanup(stop)
	i := unpackImage(ctx, t)
	t.Run("files", i.files)
	t.Run("renders", i.renders)
	t.Run("promotes", i.promotes)
}

// imageTest is the image, laid out in a directory.
type imageTest struct {
	ctx   context.Context
	root  string
	assay string // the binary that is in it
}

// unpackImage makes the image of this tree.
func unpackImage(ctx context.Context, t *testing.T) *imageTest {
	t.Helper()
	if err := image.NeedRoot(); err != nil {
		t.Fatal(err)
	}
	recipe, err := image.Read(filepath.Join(root, "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	if recipe.User != "999:999" {
		t.Errorf("the image's user is %q", recipe.User)
	}
	tar, err := recipe.Root(ctx, strings.TrimSpace(command(t, "test/components/build", "-cache")))
	if err != nil {
		t.Fatal(err)
	}
	built := map[string]string{}
	for _, name := range []string{"/assay", "/assayd"} {
		built[name] = filepath.Join(t.TempDir(), name)
		command(t, "./build", built[name])
	}
	dir := t.TempDir()
	if err := recipe.Unpack(ctx, tar, dir, image.Sources{Repository: root, Built: built}); err != nil {
		t.Fatal(err)
	}
	return &imageTest{ctx: ctx, root: dir, assay: built["/assay"]}
}

// pod is a container of an installation with the sidecar and more components, with its
// volumes below a directory.
func (i *imageTest) pod(t *testing.T, dir, deployment, name string, components ...string) (image.Pod, image.Container) {
	t.Helper()
	objects, err := image.Install(filepath.Join(root, "manifests"), append([]string{"."}, components...)...)
	if err != nil {
		t.Fatal(err)
	}
	pod, err := image.Find(objects, deployment, name)
	if err != nil {
		t.Fatal(err)
	}
	mounts, err := pod.Mounts(dir)
	if err != nil {
		t.Fatal(err)
	}
	user, err := pod.User()
	if err != nil {
		t.Fatal(err)
	}
	return pod, image.Container{Root: i.root, UID: user, GID: user, Mounts: mounts}
}

// sidecar is the container of the plugin.
func (i *imageTest) sidecar(t *testing.T, dir string, components ...string) (image.Pod, image.Container) {
	t.Helper()
	return i.pod(t, dir, "argocd-repo-server", "assay", components...)
}

// exec runs a command in a container, as kubectl exec does.
func (i *imageTest) exec(t *testing.T, c image.Container, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	name, words := c.Command(args...)
	cmd := exec.CommandContext(i.ctx, name, words...)
	cmd.Env, cmd.Stdin = c.Environment(), strings.NewReader(stdin)
	var out, messages bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &messages
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	t.Logf("$ %s\n%s%s", strings.Join(args, " "), out.String(), messages.String())
	return cmd.ProcessState.ExitCode(), out.String(), messages.String()
}

// files holds what is in the image, what can be written, and how large it is.
func (i *imageTest) files(t *testing.T) {
	size, err := image.Compressed(i.ctx, i.root)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("the image has %.1f MB compressed", float64(size)/1e6)
	if size > mostImage {
		t.Errorf("the image has %d bytes compressed, of %d", size, mostImage)
	}
	_, c := i.sidecar(t, t.TempDir())
	for _, line := range []string{"assay --help", "assayd --help", "git --version", "ssh -V", "gpg --version", "test -s /etc/ssl/certs/ca-certificates.crt"} {
		if code, _, messages := i.exec(t, c, "", "sh", "-c", line); code != 0 {
			t.Errorf("%s: exit code %d: %s", line, code, messages)
		}
	}
	if _, out, _ := i.exec(t, c, "", "id", "-un"); out != "argocd\n" {
		t.Errorf("uid %d is %q", c.UID, out)
	}
	_, promoter := i.pod(t, t.TempDir(), "assay-promoter", "promoter", "promoter")
	i.writes(t, c, "/home/argocd/cmp-server/plugins", "/run/argocd", "/tmp")
	i.writes(t, promoter, "/tmp")
	if code, _, messages := i.exec(t, c, "", "touch", "/usr/local/bin/git"); code == 0 || !strings.Contains(messages, "Read-only file system") {
		t.Errorf("a program can be added: exit code %d: %s", code, messages)
	}
}

// writes checks which directories a container can write to.
func (i *imageTest) writes(t *testing.T, c image.Container, want ...string) {
	t.Helper()
	_, out, _ := i.exec(t, c, "", "find", "/", "-path", "/proc", "-prune", "-o", "-writable", "-type", "d", "-print")
	got := strings.Fields(out)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("it can write to %v, want %v", got, want)
	}
}
