package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/assaydev/assay/test/gitserver"
)

// TestBearerIsSentOnce: git adds a header for each setting of it, and servers
// refuse two logins.
func TestBearerIsSentOnce(t *testing.T) {
	const token = "a-token-of-ours"
	backend, repo := gitserver.Serve(t, gitserver.Files(map[string]string{"prod/web.yaml": "{}\n"})...)
	logins := map[int]int{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		logins[len(req.Header.Values("Authorization"))]++
		if req.Header.Get("Authorization") != "Bearer "+token {
			http.Error(w, "who are you?", http.StatusForbidden)
			return
		}
		backend.ServeHTTP(w, req)
	}))
	defer server.Close()
	var stdout, stderr bytes.Buffer
	env := func(name string) (string, bool) {
		return map[string]string{"ASSAY_TOKEN": token, "PATH": os.Getenv("PATH")}[name], name == "ASSAY_TOKEN" || name == "PATH"
	}
	args := []string{"candidate", "show", "--bearer", "--path", "prod", "--repo", server.URL + strings.TrimPrefix(repo.URL, backend.URL)}
	if code := run(t.Context(), args, env, strings.NewReader(""), &stdout, &stderr); code != exitDone {
		t.Errorf("exit %d: %s", code, stderr.String())
	}
	if len(logins) != 1 || logins[1] == 0 {
		t.Errorf("requests by the number of their logins: %v", logins)
	}
}
