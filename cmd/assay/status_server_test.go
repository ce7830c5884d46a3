package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/assaydev/assay/test/gitserver"
)

// TestStatusOfAWideRepository asks as often for many environments as for few:
// the requests follow the depth of the directories.
func TestStatusOfAWideRepository(t *testing.T) {
	requests := map[int]int{}
	for _, n := range []int{3, 200} {
		list := []gitserver.File{{Path: "README.md", Data: "environments\n"}}
		for i := range n {
			dir := fmt.Sprintf("apps/app-%03d/prod/", i)
			web := fmt.Sprintf("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web-%d}\nspec: {template: {spec: {containers: [{name: web, image: \"example.com/web:%d\"}]}}}\n", i, i)
			list = append(list, gitserver.File{Path: dir + "web.yaml", Data: web},
				gitserver.File{Path: dir + "assay.yaml", Data: fmt.Sprintf("apiVersion: assay.dev/v1alpha1\nkind: Plan\nmetadata: {name: app-%d}\n", i)},
				gitserver.File{Path: fmt.Sprintf("apps/app-%03d/docs/README.md", i), Data: fmt.Sprintf("app %d\n", i)})
		}
		server, repo := gitserver.Serve(t, list...)
		path := func(name string) (string, bool) {
			if name != "PATH" {
				return "", false
			}
			return os.LookupEnv(name)
		}
		var stdout, stderr bytes.Buffer
		if code := run(t.Context(), []string{"status", "--repo", repo.URL}, path, strings.NewReader(""), &stdout, &stderr); code != exitDone {
			t.Fatalf("exit code %d: %s", code, stderr.String())
		}
		if got := strings.Count(stdout.String(), " web:"); got != n {
			t.Errorf("%d environments are listed of %d:\n%s", got, n, stdout.String())
		}
		traffic := server.Traffic()
		requests[n] = traffic.Total
		t.Logf("%d environments: %d requests, %d fetches, %d bytes sent", n, traffic.Total, traffic.Requests[gitserver.Fetch], traffic.Sent)
	}
	if requests[200] != requests[3] || requests[200] > 40 {
		t.Errorf("requests by environments: %v", requests)
	}
}
