package cmp_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/assaydev/assay/internal/memory"
	"github.com/assaydev/assay/plugin/cmp"
)

// TestWhereItIsRendered: the server renders by itself only what takes as much as its files
// say, and little.
func TestWhereItIsRendered(t *testing.T) {
	server := start(t, cmp.Options{Memory: 512 << 20}, true)
	many := strings.Repeat("- {a: 1}\n", 50_000)
	for name, test := range map[string]struct {
		files map[string]string
		links map[string]string
		want  string
	}{
		"manifests":          {nil, nil, "process"},
		"a plan":             {map[string]string{"prod/assay.yaml": plan}, nil, "process"},
		"a large plan":       {map[string]string{"prod/assay.yaml": plan + strings.Repeat("# comment\n", 4000)}, nil, "worker"},
		"a plan by a link":   {map[string]string{"plan.yaml": plan}, map[string]string{"prod/assay.yaml": "../plan.yaml"}, "worker"},
		"a marker":           {map[string]string{"prod/candidate.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: other}\n"}, nil, "worker"},
		"a link":             {map[string]string{"other/large.yaml": strings.Replace(configMap, "good", "large", 1)}, map[string]string{"prod/link.yaml": "../other/large.yaml"}, "worker"},
		"a link to all":      {map[string]string{"real/config.yaml": configMap}, map[string]string{"linked": "real"}, "worker"},
		"aliases":            {map[string]string{"prod/aliases.yaml": "apiVersion: v1\nkind: A\nmetadata: {name: a}\na: &a {k: v}\nb: [*a, *a, *a]\n"}, nil, "worker"},
		"values in no bytes": {map[string]string{"prod/many.yaml": "apiVersion: v1\nkind: A\nmetadata: {name: a}\na:\n" + many}, nil, "worker"},
		"a chart":            {map[string]string{"prod/Chart.yaml": "apiVersion: v2\nname: a\nversion: 1.0.0\n"}, nil, "worker"},
	} {
		files, dir := map[string]string{"prod/config.yaml": configMap}, "prod"
		for at, text := range test.files {
			files[at] = text
		}
		if name == "a link to all" {
			delete(files, "prod/config.yaml")
			dir = "linked"
		}
		server.log.clear()
		if _, err := server.generate(t.Context(), asked{data: pack(t, files, test.links), dir: dir, env: variables(dir)}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		until(t, "it is logged", func() bool { return strings.Contains(server.log.String(), `"made":`) })
		if got := madeBy.FindStringSubmatch(server.log.String()); got[1] != test.want {
			t.Errorf("%s is rendered by the %s, want %s", name, got[1], test.want)
		}
	}
}

var madeBy = regexp.MustCompile(`"made":"([a-z]*)"`)

const plan = "apiVersion: assay.dev/v1alpha1\nkind: Plan\nmetadata: {name: shop}\nspec: {}\n"

// TestWarnings: what a render warns of is in the log, as under argocd-cmp-server, wherever the
// result came from.
func TestWarnings(t *testing.T) {
	server := start(t, cmp.Options{CacheBytes: 16 << 20}, true)
	call := of(t, map[string]string{"prod/assay.test.yaml": plan, "prod/one.yaml": configMap}, "prod", "ARGOCD_APP_PARAMETERS", `[{"name":"environment","string":"staging"}]`)
	for range 2 {
		server.log.clear()
		if _, err := server.generate(t.Context(), call); err != nil {
			t.Fatal(err)
		}
		until(t, "it is logged", func() bool { return strings.Contains(server.log.String(), `"made":`) })
		if log := server.log.String(); !strings.Contains(log, `"warnings":1,"said":["prod: there is no assay.staging.yaml`) {
			t.Errorf("the warning is not in the log: %s", log)
		}
	}
}

// TestErrorsReachWhoSends: a caller that still sends when the call fails is let finish, for
// argo-cd's own code reports the end of the stream in place of the error.
func TestErrorsReachWhoSends(t *testing.T) {
	server := start(t, cmp.Options{}, false)
	noise := make([]byte, 4<<20) // more than may be on the way
	random := rand.NewChaCha8([32]byte{})
	_, _ = random.Read(noise)
	data := pack(t, map[string]string{"prod/config.yaml": configMap, "noise": string(noise)})
	for name, call := range map[string]asked{
		"a directory outside": {data: data, dir: "../other", env: variables("prod")},
		"no checksum":         {data: data, dir: "prod", checksum: "none", env: variables("prod")},
	} {
		stream, err := server.GenerateManifest(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := call.send(stream); err != nil {
			t.Errorf("%s: it is stopped: %v", name, err)
		}
		if _, err := stream.CloseAndRecv(); status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), "the metadata") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestLinksInDiscovery: directories that hold links to themselves are looked at once, and a
// caller that goes away ends the search.
func TestLinksInDiscovery(t *testing.T) {
	with := func(discover string) cmp.Config {
		return decoded(t, strings.Replace(pluginYAML, "spec:\n", "spec:\n  discover: "+discover+"\n", 1))
	}
	links := map[string]string{"prod/a": ".", "prod/b": ".", "prod/c": ".", "linked": "real", "prod/chart": "../real/Chart.yaml"}
	files := map[string]string{"prod/config.yaml": configMap, "real/Chart.yaml": "", "real/deep/x.yaml": ""}
	data := pack(t, files, links)
	for pattern, want := range map[string]map[string]bool{
		"**/Chart.yaml":      {"prod": false, "linked": true, "real": true, ".": true},
		"**/*.yaml":          {"prod": true, "linked": true, ".": true},
		"{a,b}/**/none.yaml": {"prod": false},
		"*/deep/*.yaml":      {".": true, "prod": false},
		"linked/**/x.yaml":   {".": true},
		"link*/**/x.yaml":    {".": false},
		"chart":              {"prod": true, "real": false},
		"ch*":                {"prod": true},
		"deep/x.yaml":        {"linked": true},
		"**":                 {"real": true, "missing": false},
	} {
		server := start(t, cmp.Options{Config: with("{find: {glob: '" + pattern + "'}}")}, false)
		for dir, supported := range want {
			soon, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			got, err := server.matches(soon, asked{data: data, dir: dir, env: variables(dir)})
			cancel()
			if err != nil || got.GetIsSupported() != supported {
				t.Errorf("%s in %s: %v, %v, want %v", pattern, dir, got, err, supported)
			}
		}
		server.stop()
	}
}

// TestParametersReadMore: what the announcement may read is kept of an archive, although a
// render may not.
func TestParametersReadMore(t *testing.T) {
	server := start(t, cmp.Options{Config: decoded(t, strings.Replace(pluginYAML, "--timeout=50s", "--max-file-bytes=1Ki", 1))}, true)
	call := of(t, map[string]string{
		"prod/Chart.yaml":  "apiVersion: v2\nname: web\nversion: 1.0.0\n",
		"prod/values.yaml": strings.Repeat("# a comment\n", 200) + "image: web\n",
	}, "prod")
	if _, err := server.parameters(t.Context(), call); err != nil {
		t.Error(err)
	}
	if _, err := server.generate(t.Context(), call); err == nil || !strings.Contains(err.Error(), "--max-file-bytes") {
		t.Errorf("the render: %v", err)
	}
}

// TestWatched: the watcher of the server's memory is told what is worked on.
func TestWatched(t *testing.T) {
	watcher := memory.New(1) // which is too little from the start
	server := start(t, cmp.Options{Watcher: watcher}, false)
	ctx, leave := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = server.generate(ctx, of(t, map[string]string{
			"prod/Chart.yaml":       "apiVersion: v2\nname: slow\nversion: 1.0.0\n",
			"prod/templates/a.yaml": "{{ range until 99 }}{{ range until 9999 }}{{ $x := . }}{{ end }}{{ end }}",
		}, "prod"))
	}()
	until(t, "the environment is named", func() bool {
		var work []string
		watcher.Watch(t.Context(), func(list []string) { work = list })
		return len(work) == 1 && work[0] == "prod"
	})
	leave()
	<-ended
}

// TestKeptOnce: a result that is known by many archives is kept once.
func TestKeptOnce(t *testing.T) {
	server := start(t, cmp.Options{CacheBytes: 4 << 20}, true)
	large := strings.Replace(configMap, "value", strings.Repeat("x", 500<<10), 1)
	send := func(i int) {
		t.Helper()
		call := of(t, map[string]string{"prod/config.yaml": large, "other/file": fmt.Sprint(i)}, "prod")
		if _, err := server.generate(t.Context(), call); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 8 { // each would take half of what there is for results
		send(i)
	}
	send(0)
	until(t, "all are logged", func() bool { return strings.Count(server.log.String(), `"msg":"served"`) == 9 })
	if log := server.log.String(); strings.Count(log, `"made":"files"`) != 7 || strings.Count(log, `"cache":"archive"`) != 1 {
		t.Errorf("it is rendered again: %s", log)
	}
}
