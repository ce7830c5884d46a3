package controller

import (
	"context"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// TestNamespaces: Argo CD's own, and those that are named; all where that is asked for.
func TestNamespaces(t *testing.T) {
	for want, list := range map[string][]string{"argocd": nil, "a argocd b": {"b", "a"}, "": {"a", "*"}} {
		got := Options{Namespace: "argocd", Namespaces: list}.namespaces()
		wanted := strings.Fields(want)
		slices.Sort(wanted)
		if !slices.Equal(got, wanted) {
			t.Errorf("of %q the namespaces are %q", list, got)
		}
	}
}

// TestListener: calls have everything looked at, and it listens no longer than it runs.
func TestListener(t *testing.T) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	hastened := make(chan struct{}, 1)
	l := &listener{Notify{Address: address, Secret: []byte("a-secret-of-some-length")}, func() { hastened <- struct{}{} }}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- l.Start(ctx) }()
	call := func() int {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+address+"/notify", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer a-secret-of-some-length")
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			return 0
		}
		_ = res.Body.Close()
		return res.StatusCode
	}
	until(t, "it takes calls", func() bool { return call() == http.StatusAccepted })
	<-hastened
	second := &listener{l.Notify, func() {}}
	if err := second.Start(ctx); err == nil || !strings.Contains(err.Error(), "listen for notifications: ") {
		t.Errorf("an address that is taken: %v", err)
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if err := (&listener{}).Start(t.Context()); err != nil {
		t.Errorf("without an address: %v", err)
	}
}
