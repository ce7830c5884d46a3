//go:build e2e

package e2e_test

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"
	"text/tabwriter"
)

// row is one environment under one version of Argo CD.
type row struct {
	release     string
	environment string
	layout      string
	objects     int
	baseline    string
	marker      string
}

// report collects rows from subtests that run at once.
type report struct {
	mu      sync.Mutex
	rows    []row
	leftOut []string
	passed  int
	failed  int
}

// count notes how a test without subtests went.
func (r *report) count(t *testing.T) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if t.Failed() {
		r.failed++
	} else {
		r.passed++
	}
}

func (r *report) add(line row) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rows = append(r.rows, line)
}

func (r *report) leaveOut(environment string, reasons ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, reason := range reasons {
		if environment != "" {
			reason = environment + ": " + reason
		}
		if !slices.Contains(r.leftOut, reason) {
			r.leftOut = append(r.leftOut, reason)
		}
	}
}

// print writes the table where `make e2e` shows it, and to the file that
// ASSAY_E2E_TABLE names.
func (r *report) print(t *testing.T) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	slices.SortStableFunc(r.rows, func(a, b row) int {
		return cmp.Or(cmp.Compare(a.environment, b.environment), cmp.Compare(a.release, b.release))
	})
	var out bytes.Buffer
	table := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ENVIRONMENT\tARGO CD\tLAYOUT\tOBJECTS\tNATIVE = PLUGIN\tWITH A MARKER")
	for _, l := range r.rows {
		fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%s\t%s\n", l.environment, l.release, l.layout, l.objects, l.baseline, l.marker)
	}
	if err := table.Flush(); err != nil {
		t.Error(err)
	}
	slices.Sort(r.leftOut)
	fmt.Fprintln(&out, "\nLeft out:")
	for _, reason := range r.leftOut {
		fmt.Fprintln(&out, "- "+reason)
	}
	fmt.Fprintf(&out, "\n%d passed, %d failed\n", r.passed, r.failed)
	fmt.Fprint(os.Stdout, "\n", out.String(), "\n")
	if file := os.Getenv("ASSAY_E2E_TABLE"); file != "" {
		if err := os.WriteFile(file, out.Bytes(), 0o644); err != nil {
			t.Error(err)
		}
	}
}
