package main

import (
	"maps"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// watcher reads the lines of strace, and keeps what may not be: by the number of
// the input, where a line tells it.
type watcher struct {
	dir   string // of the batch
	assay string // the program
	calls int
	found map[string]string
	isOur map[string]bool // processes that are assay; the others are git, or start both
}

var (
	call     = regexp.MustCompile(`^(\d+) +(\w+)\((.*)\) += +(-?\d+)(<[^>]*>)?`)
	program  = regexp.MustCompile(`^"((?:[^"\\]|\\.)*)"`)
	opened   = regexp.MustCompile(`^<(.*)>$`)
	inputOf  = regexp.MustCompile(`^/(\d+)/`)
	argument = regexp.MustCompile(`(?:[\w]+<([^>]*)>, )?"((?:[^"\\]|\\.)*)"`)
)

// systemDirs may be read: libraries, time zones, the system's own files.
var systemDirs = []string{"/proc/", "/sys/", "/etc/", "/usr/", "/lib/", "/lib64/", "/dev/", "/opt/", "/bin/"}

// line looks at one call that succeeded.
func (w *watcher) line(text string) {
	if w.found == nil {
		w.found, w.isOur = map[string]string{}, map[string]bool{}
	}
	m := call.FindStringSubmatch(text)
	if m == nil {
		return
	}
	w.calls++
	pid, name, args, result, fd := m[1], m[2], m[3], m[4], m[5]
	if name == "connect" {
		if !strings.Contains(args, "AF_UNIX") {
			w.report("", "connects: "+args)
		}
		return
	}
	if strings.HasPrefix(result, "-") {
		return
	}
	switch name {
	case "execve":
		w.exec(pid, args)
	case "open", "openat", "openat2", "creat":
		if at := opened.FindStringSubmatch(fd); at != nil {
			w.open(pid, at[1], strings.Contains(args, "O_WRONLY") || strings.Contains(args, "O_RDWR") || strings.Contains(args, "O_CREAT") || name == "creat")
		}
	default:
		for _, at := range argument.FindAllStringSubmatch(args, -1) {
			where := at[2]
			if !filepath.IsAbs(where) && at[1] != "" {
				where = path.Join(at[1], where)
			}
			if name == "symlink" || name == "symlinkat" {
				continue // its destination is not an access
			}
			if filepath.IsAbs(where) {
				w.open(pid, where, true)
			}
		}
	}
}

// exec allows assay, this program and git, with git's own programs.
func (w *watcher) exec(pid, args string) {
	m := program.FindStringSubmatch(args)
	if m == nil {
		return
	}
	w.isOur[pid] = m[1] == w.assay
	if base := path.Base(m[1]); !w.isOur[pid] && base != "git" && !strings.HasPrefix(base, "git-") && base != "hostile" {
		w.report("", "runs "+m[1])
	}
}

// open allows the input's own repository and the batch's home, and the system's
// files to be read.
func (w *watcher) open(pid, at string, write bool) {
	rest, inside := strings.CutPrefix(at, w.dir)
	if !inside {
		if write && at != "/dev/null" && at != "/dev/tty" || !write && !slices.ContainsFunc(systemDirs, func(dir string) bool { return strings.HasPrefix(at+"/", dir) }) && at != w.assay && strings.Contains(at, "/") {
			w.report("", "opens "+at)
		}
		return
	}
	m := inputOf.FindStringSubmatch(rest)
	if m == nil {
		return // the home of the batch
	}
	rest = strings.TrimPrefix(rest, "/"+m[1])
	switch {
	case !w.isOur[pid]: // git may read its directory; this program writes and compares all
	case strings.HasPrefix(rest, "/outside"):
		w.report(m[1], "opens "+rest)
	case strings.Contains(rest, "/.git/") && !strings.Contains(rest, "/.git/assay"):
		w.report(m[1], "opens "+rest)
	}
}

func (w *watcher) report(input, what string) {
	if w.found[input] == "" {
		w.found[input] = what
	}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
