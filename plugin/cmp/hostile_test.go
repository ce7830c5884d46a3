package cmp_test

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/assaydev/assay/plugin/cmp"
	"github.com/assaydev/assay/plugin/cmp/contract"
)

// greedy is a chart whose template takes 8 GB, in pieces that are allowed each.
func greedy(t testing.TB) asked {
	return of(t, map[string]string{
		"greedy/Chart.yaml":       "apiVersion: v2\nname: greedy\nversion: 1.0.0\n",
		"greedy/templates/a.yaml": `{{ $all := dict }}{{ range until 8000 }}{{ $_ := set $all (toString .) (repeat 1000000 "x") }}{{ end }}{{ len $all }}`,
	}, "greedy", "ARGOCD_APP_NAME", "greedy")
}

// chart is a well-behaved one, which cannot be found in a cache: its name is another each time.
func chart(t testing.TB, name string) asked {
	call := of(t, map[string]string{
		name + "/Chart.yaml":       "apiVersion: v2\nname: " + name + "\nversion: 1.0.0\n",
		name + "/templates/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\ndata:\n  version: {{ .Chart.Version | quote }}\n",
	}, name)
	call.env = append(call.env, &contract.EnvEntry{Name: "ARGOCD_APP_NAME", Value: name})
	return call
}

// TestGreedyTemplate: 8 GB that one template asks for, while 50 other Applications render: its
// own render fails, with a message, and none of the others.
func TestGreedyTemplate(t *testing.T) {
	server := start(t, cmp.Options{CacheBytes: 16 << 20, Memory: 512 << 20}, true)
	server.lives(t)
	var all sync.WaitGroup
	all.Go(func() {
		for range 3 {
			_, err := server.generate(t.Context(), greedy(t))
			if status.Code(err) != codes.Unknown || !strings.Contains(err.Error(), "rendering greedy: it takes more than 288 MiB of memory") || !strings.Contains(err.Error(), "--memory-limit") {
				t.Errorf("the greedy one: %v", err)
			}
		}
	})
	for i := range 50 {
		all.Go(func() {
			name := fmt.Sprintf("app-%d", i)
			got, err := server.generate(t.Context(), chart(t, name))
			if err != nil || len(got) != 1 || !strings.Contains(got[0], `"name":"`+name+`"`) {
				t.Errorf("%s: %v, %v", name, got, err)
			}
		})
	}
	all.Wait()
	server.lives(t)
}

// endless is a chart whose template never ends.
func endless(t testing.TB, name string) asked {
	return of(t, map[string]string{
		name + "/Chart.yaml":       "apiVersion: v2\nname: endless\nversion: 1.0.0\n",
		name + "/templates/a.yaml": "{{ range until 9999 }}{{ range until 9999 }}{{ range until 9999 }}{{ $x := . }}{{ end }}{{ end }}{{ end }}",
	}, name, "ARGOCD_APP_NAME", name)
}

// TestCancelled: a render that nobody waits for ends with its process, and leaves room for
// others.
func TestCancelled(t *testing.T) {
	server := start(t, cmp.Options{Renders: 1}, true)
	if _, err := server.generate(t.Context(), chart(t, "first")); err != nil {
		t.Fatal(err)
	}
	_, before := server.workers(t)
	ctx, leave := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer leave()
	if _, err := server.generate(ctx, endless(t, "prod")); err == nil {
		t.Fatal("it is answered")
	}
	until(t, "its process has ended", func() bool { _, ended := server.workers(t); return ended > before })
	if _, err := server.generate(t.Context(), chart(t, "next")); err != nil {
		t.Errorf("the next one: %v", err)
	}
	until(t, "no more processes than renders", func() bool { alive, _ := server.workers(t); return alive <= 1 })
}

// TestPlainGoesOn: charts that never end keep no plain manifests waiting.
func TestPlainGoesOn(t *testing.T) {
	server := start(t, cmp.Options{Renders: 1}, true)
	ctx, leave := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for i := range 3 {
		all.Go(func() { _, _ = server.generate(ctx, endless(t, fmt.Sprintf("endless-%d", i))) })
	}
	until(t, "one of them runs", func() bool { alive, _ := server.workers(t); return alive > 0 })
	soon, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for range 10 {
		if _, err := server.generate(soon, good(t)); err != nil {
			t.Fatal(err)
		}
	}
	leave()
	all.Wait()
}

// TestCrash: a library that breaks down takes its worker with it, and no more.
func TestCrash(t *testing.T) {
	server := start(t, cmp.Options{}, true)
	files := map[string]string{
		"prod/Chart.yaml":       "apiVersion: v2\nname: broken\nversion: 1.0.0\n",
		"prod/templates/a.yaml": "# " + breaks + "\n" + configMap,
	}
	_, err := server.generate(t.Context(), of(t, files, "prod"))
	if status.Code(err) != codes.Unknown || !strings.Contains(err.Error(), "a library broke down on these files") || strings.Contains(err.Error(), "it broke down") {
		t.Errorf("got %v", err)
	}
	if log := server.log.String(); !strings.Contains(log, `"worker":"panic: it broke down`) {
		t.Errorf("the log does not say why: %s", log)
	}
	if got, err := server.generate(t.Context(), chart(t, "next")); err != nil || len(got) != 1 {
		t.Errorf("the next one: %v, %v", got, err)
	}
	server.lives(t)
}

// TestRandomIsNotKept: a chart that draws random values gives others each time, as the
// command does.
func TestRandomIsNotKept(t *testing.T) {
	server := start(t, cmp.Options{CacheBytes: 64 << 20}, true)
	random := of(t, map[string]string{
		"prod/Chart.yaml":       "apiVersion: v2\nname: random\nversion: 1.0.0\n",
		"prod/templates/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: random\ndata:\n  value: {{ randAlphaNum 20 | quote }}\n",
	}, "prod")
	one, err := server.generate(t.Context(), random)
	if err != nil {
		t.Fatal(err)
	}
	two, err := server.generate(t.Context(), random)
	if err != nil || one[0] == two[0] {
		t.Errorf("%s, %s, %v", one, two, err)
	}
}

// TestSchemas: one environment's schema of the API does not reach another's build.
func TestSchemas(t *testing.T) {
	server := start(t, cmp.Options{Renders: 1}, true)
	rollout := `apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: web}
spec: {template: {spec: {containers: [{name: a, image: a}, {name: b, image: b}]}}}
`
	patched := func(more string) map[string]string {
		return map[string]string{
			"prod/rollout.yaml":       rollout,
			"prod/kustomization.yaml": "resources: [rollout.yaml]\n" + more + "patches:\n- patch: |-\n    apiVersion: argoproj.io/v1alpha1\n    kind: Rollout\n    metadata: {name: web}\n    spec: {template: {spec: {containers: [{name: a, image: c}]}}}\n",
			"prod/schema.json":        `{"definitions":{"io.argoproj.v1alpha1.Rollout":{"type":"object","x-kubernetes-group-version-kind":[{"group":"argoproj.io","version":"v1alpha1","kind":"Rollout"}],"properties":{"spec":{"type":"object","properties":{"template":{"$ref":"#/definitions/io.k8s.api.core.v1.PodTemplateSpec"}}}}},"io.k8s.api.core.v1.PodTemplateSpec":{"type":"object","properties":{"spec":{"type":"object","properties":{"containers":{"type":"array","x-kubernetes-patch-merge-key":"name","x-kubernetes-patch-strategy":"merge","items":{"type":"object","properties":{"name":{"type":"string"}}}}}}}}}}`,
		}
	}
	plain, err := server.generate(t.Context(), of(t, patched(""), "prod"))
	if err != nil {
		t.Fatal(err)
	}
	merged, err := server.generate(t.Context(), of(t, patched("openapi: {path: schema.json}\n"), "prod"))
	if err != nil {
		t.Fatal(err)
	}
	if plain[0] == merged[0] {
		t.Error("the schema has no effect: nothing is tested")
	}
	again, err := server.generate(t.Context(), of(t, patched(""), "prod"))
	if err != nil || again[0] != plain[0] {
		t.Errorf("after a build with a schema: %v, %v, want %v", again, err, plain)
	}
}

// TestNothingGrows: many calls leave neither goroutines, memory, files nor processes behind.
func TestNothingGrows(t *testing.T) {
	server := start(t, cmp.Options{CacheBytes: 1 << 20, Renders: 2, Memory: 1 << 30}, true)
	calls := func(plain, charts int) {
		for i := range plain {
			files := map[string]string{"prod/config.yaml": strings.Replace(configMap, "value", fmt.Sprintf("value-%d", i), 1)}
			if _, err := server.generate(t.Context(), of(t, files, "prod")); err != nil {
				t.Fatal(err)
			}
		}
		for i := range charts {
			if _, err := server.generate(t.Context(), chart(t, fmt.Sprintf("app-%d", i))); err != nil {
				t.Fatal(err)
			}
			ctx, leave := context.WithCancel(t.Context())
			leave()
			_, _ = server.generate(ctx, chart(t, "given-up"))
		}
		server.log.clear()
	}
	heap := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	open := func() int {
		list, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			return 0 // not on this system
		}
		return len(list)
	}
	calls(500, 30)
	before, goroutines, files := heap(), runtime.NumGoroutine(), open()
	calls(1000, 100)
	if after := heap(); after > before+8<<20 {
		t.Errorf("the heap has %d bytes, and had %d", after, before)
	}
	until(t, "no goroutines are left behind", func() bool { return runtime.NumGoroutine() <= goroutines+10 })
	until(t, "no files are left open", func() bool { return open() <= files+6 })
	until(t, "no processes are left behind", func() bool { alive, _ := server.workers(t); return alive <= 2 })
	server.stop()
	until(t, "the workers end with the server", func() bool { alive, _ := server.workers(t); return alive == 0 })
}
