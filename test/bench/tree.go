package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// treeMemory is what a process and its descendants take, in bytes. What they share with each other, as
// the code of a program, is counted once. One that ends meanwhile counts for nothing.
func treeMemory(pid int) int64 {
	var sum int64
	for _, p := range append(descendants(pid), pid) {
		text, _ := os.ReadFile(filepath.Join("/proc", strconv.Itoa(p), "smaps_rollup"))
		sum += kibibytes(string(text), "Pss:") << 10
	}
	return sum
}

// descendants are the processes below one.
func descendants(pid int) []int {
	children := map[int][]int{}
	list, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, name := range list {
		text, _ := os.ReadFile(name)
		// The name of the program is in brackets, and may hold some itself.
		before, after, _ := strings.Cut(string(text), " ")
		if i := strings.LastIndexByte(after, ')'); i >= 0 {
			after = after[i+1:]
		}
		fields := strings.Fields(after)
		if len(fields) < 2 {
			continue
		}
		child, _ := strconv.Atoi(before)
		parent, _ := strconv.Atoi(fields[1])
		children[parent] = append(children[parent], child)
	}
	var all []int
	for next := children[pid]; len(next) > 0; {
		p := next[0]
		next = append(next[1:], children[p]...)
		all = append(all, p)
	}
	return all
}

// kibibytes is a field of a status file in /proc.
func kibibytes(text, field string) int64 {
	for line := range strings.Lines(text) {
		if rest, found := strings.CutPrefix(line, field); found {
			n, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return n
		}
	}
	return 0
}
