package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/test/envrepo"
)

// watched collects what is written, and tells of each write.
type watched struct {
	mu   sync.Mutex
	text bytes.Buffer
	told func(all string)
}

func (w *watched) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n, err := w.text.Write(p)
	if w.told != nil {
		w.told(w.text.String())
	}
	return n, err
}

func (w *watched) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

// TestWatchGoesOn: an API server that goes away for one look is told of, and describe --watch
// goes on; the time left is by the server's clock, which is three hours ahead of ours.
func TestWatchGoesOn(t *testing.T) {
	dir := envrepo.Prod("method: push").On(t)
	_, res := envrepo.Rendered(t, dir, "prod")
	const ahead = 3 * time.Hour
	job := envrepo.Concluded(res.Digest, "Suspended")[0]
	job.SetNamespace("web")
	job.SetCreationTimestamp(metav1.NewTime(time.Now().Add(ahead - 10*time.Minute)))
	var away atomic.Bool
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if away.Load() {
			panic(http.ErrAbortHandler)
		}
		w.Header().Set("Date", time.Now().Add(ahead).UTC().Format(http.TimeFormat))
		answerAPI(w, r, []*unstructured.Unstructured{job})
	}))
	defer server.Close()
	config := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(config, fmt.Appendf(nil, kubeconfig, server.URL), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	stdout := &watched{}
	stdout.told = func(all string) {
		switch strings.Count(all, "Verdict:") {
		case 1:
			away.Store(true)
		case 2:
			stop() // Ctrl-C
		}
	}
	stderr := &watched{told: func(all string) { away.Store(!strings.Contains(all, "asked again")) }}
	code := run(ctx, []string{"describe", filepath.Join(dir, "prod"), "--root", dir, "--namespace", "web", "--kubeconfig", config, "--watch"},
		os.LookupEnv, strings.NewReader(""), stdout, stderr)
	if out := stdout.String(); code != exitDone || strings.Count(out, "Verdict:") != 2 || !strings.Contains(out, "Time left:   50m, then it is rejected") && !strings.Contains(out, "Time left:   49m") {
		t.Errorf("exit code %d\n%s", code, out)
	}
	if said := stderr.String(); !strings.Contains(said, "not read this time, and asked again: read") {
		t.Errorf("stderr %q", said)
	}
}
