package controller

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestLoginThatHangs: a program for the login of one cluster that never ends keeps no other cluster from being
// watched, and the end not for long.
func TestLoginThatHangs(t *testing.T) {
	dir := t.TempDir()
	login := filepath.Join(dir, "login")
	script := fmt.Sprintf("#!/bin/sh\ntouch %[1]s/asked\nwhile [ -e %[1]s/asked ]; do sleep 0.1; done\n", dir)
	if err := os.WriteFile(login, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	far, near := api(t), api(t)
	h := newHub(t, nil, login)
	t.Cleanup(func() {
		if err := errors.Join(os.Remove(login), os.Remove(filepath.Join(dir, "asked"))); err != nil { // not run again, and ended
			t.Error(err)
		}
	})
	h.secret("far", far, "config", fmt.Sprintf(`{"execProviderConfig":{"command":%q,"apiVersion":"client.authentication.k8s.io/v1"},"tlsClientConfig":{"insecure":true}}`, login))
	h.app("shop", `{"name":"far","namespace":"web"}`, `{}`)
	until(t, "the program runs", func() bool {
		_, err := os.Stat(filepath.Join(dir, "asked"))
		return err == nil
	})
	h.Delete(secretKind, "argocd", "cluster-far")
	h.secret("near", near)
	h.app("cart", `{"name":"near","namespace":"web"}`, `{}`)
	until(t, "near is watched", func() bool { return near.Watches() == 2 })
	began := time.Now()
	if h.end(); time.Since(began) > 20*time.Second {
		t.Errorf("the end took %s", time.Since(began))
	}
}
