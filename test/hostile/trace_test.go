package main

import (
	"strings"
	"testing"
)

// TestWatcher: the trace of what may not be is seen, and what may be passes.
func TestWatcher(t *testing.T) {
	for line, want := range map[string]string{
		`7 openat(3</b/1/repo/env>, "web.yaml", O_RDONLY|O_CLOEXEC) = 5</b/1/repo/env/web.yaml>`:             "",
		`7 openat(AT_FDCWD</x>, "/proc/self/cgroup", O_RDONLY) = 5</proc/self/cgroup>`:                       "",
		`7 openat(3</b/1/repo/env>, "linked", O_RDONLY) = 5</b/1/outside/secret>`:                            "opens /outside/secret",
		`7 openat(3</b/1/repo>, ".git/config", O_RDONLY) = 5</b/1/repo/.git/config>`:                         "opens /repo/.git/config",
		`7 openat(3</b/1/repo>, ".git/assay/x", O_WRONLY|O_CREAT, 0600) = 5</b/1/repo/.git/assay/x>`:         "",
		`7 openat(AT_FDCWD</x>, "/home/somebody/.ssh/id", O_RDONLY) = 5</home/somebody/.ssh/id>`:             "opens /home/somebody/.ssh/id",
		`7 openat(AT_FDCWD</x>, "/etc/passwd", O_WRONLY) = 5</etc/passwd>`:                                   "opens /etc/passwd",
		`7 openat(AT_FDCWD</x>, "/home/somebody/.ssh/id", O_RDONLY) = -1 ENOENT (No such file or directory)`: "",
		`7 renameat2(3</b/1/repo>, "a", 3</b/1/repo>, ".git/hooks/x", 0) = 0`:                                "opens /repo/.git/hooks/x",
		`7 unlinkat(AT_FDCWD</x>, "/b/1/outside/secret", 0) = 0`:                                             "opens /outside/secret",
		`7 connect(3<socket:[1]>, {sa_family=AF_INET, sin_port=htons(9)}, 16) = -1 ECONNREFUSED (x)`:         "connects",
		`8 execve("/bin/sh", ["sh", "-c", "true"], 0x0 /* 5 vars */) = 0`:                                    "runs /bin/sh",
		`8 execve("/usr/bin/git", ["git", "rev-parse"], 0x0 /* 5 vars */) = 0`:                               "",
	} {
		w := watcher{dir: "/b", assay: "/a/assay"}
		w.line(`7 execve("/a/assay", ["assay"], 0x0 /* 5 vars */) = 0`)
		w.line(line)
		var got []string
		for _, what := range w.found {
			got = append(got, what)
		}
		if text := strings.Join(got, ", "); (want == "") != (text == "") || !strings.HasPrefix(text, want) {
			t.Errorf("%s\nfound %q, want %q", line, text, want)
		}
	}
}

func TestInputs(t *testing.T) {
	if n := len(inputs()); n < 5000 {
		t.Errorf("there are %d inputs", n)
	}
}
