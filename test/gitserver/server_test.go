package gitserver

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

func TestPlainGitClonesAndPushes(t *testing.T) {
	server, repo := Serve(t, File{Path: "a/run.sh", Mode: "100755", Data: "x"}, File{Path: "gone", Data: "y"})
	if _, err := repo.Commit("main", "second", File{Path: "gone", Delete: true}, File{Path: "link", Mode: "120000", Data: "a/run.sh"}); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	git(t, dir, "clone", "-q", repo.URL, ".")
	if got := git(t, dir, "ls-files", "--format=%(objectmode) %(path)"); got != "100755 a/run.sh\n120000 link" {
		t.Errorf("the files are %q", got)
	}
	git(t, dir, "commit", "-q", "--allow-empty", "-m", "third")
	server.Traffic()
	if err := repo.Hook("post-receive", "echo landed"); err != nil {
		t.Fatal(err)
	}
	if said := git(t, dir, "push", "origin", "main"); !strings.Contains(said, "remote: landed") {
		t.Errorf("git says %q", said)
	}
	traffic := server.Traffic()
	if traffic.Requests[DiscoverPush] != 1 || traffic.Requests[Push] != 1 || traffic.Sent < 100 || traffic.Received < 100 {
		t.Errorf("the traffic is %+v", traffic)
	}
	head := git(t, dir, "rev-parse", "HEAD")
	if tip, err := repo.Tip("main"); err != nil || tip != head {
		t.Errorf("main is %s, %v, not %s", tip, err, head)
	}
}

func TestPasswordAndFaults(t *testing.T) {
	server, err := Start(Options{User: "bot", Password: "hunter2"})
	if err != nil {
		t.Fatal(err)
	}
	repo, err := server.Create("envs")
	if err == nil {
		_, err = repo.Commit("main", "start", Files(map[string]string{"a": "1"})...)
	}
	if err != nil {
		t.Fatal(err)
	}
	with := strings.Replace(repo.URL, "http://", "http://bot:hunter2@", 1)
	dir := t.TempDir()
	for url, want := range map[string]bool{repo.URL: false, with: true} {
		if err := command(dir, "ls-remote", url).Run(); (err == nil) != want {
			t.Errorf("%s: %v", url, err)
		}
	}
	for name, fault := range map[string]Fault{"status": Status(500), "drop": Drop(), "cut": Cut(10), "gateway": Gateway(504)} {
		server.Inject(ListRefs, 2, fault) // git sends a request again where the connection ends
		if out, err := command(dir, "ls-remote", with).CombinedOutput(); err == nil {
			t.Errorf("%s: git says %q", name, out)
		}
		for server.Injected(ListRefs) > 0 {
			_ = command(dir, "ls-remote", with).Run()
		}
	}
	if err := command(dir, "ls-remote", with).Run(); err != nil {
		t.Errorf("after the faults: %v", err)
	}
	if err := server.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(repo.Dir); err == nil {
		t.Error("the repository is left")
	}
}

func command(dir string, args ...string) *exec.Cmd {
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = append(environment(dir), "GIT_TERMINAL_PROMPT=0")
	return cmd
}

func git(t *testing.T, dir string, args ...string) string {
	t.Helper()
	out, err := command(dir, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}
