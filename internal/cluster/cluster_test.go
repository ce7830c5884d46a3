package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/assaydev/assay/internal/cluster"
)

const token = "a-token-that-nobody-may-see"

func applications() schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: "argoproj.io", Version: "v1alpha1", Resource: "applications"}
}

// kubeconfig writes one with the contexts prod, which names a namespace, and
// plain, and returns its path.
func kubeconfig(t *testing.T, server, current string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "config")
	write(t, file, fmt.Sprintf(`
apiVersion: v1
kind: Config
current-context: %q
clusters:
- {name: here, cluster: {server: %q, insecure-skip-tls-verify: true}}
- {name: strict, cluster: {server: %q}}
users:
- {name: me, user: {token: %s}}
contexts:
- {name: prod, context: {cluster: here, user: me, namespace: delivery}}
- {name: plain, context: {cluster: here, user: me}}
- {name: strict, context: {cluster: strict, user: me}}
- {name: half, context: {cluster: nowhere, user: me}}
`, current, server, server, token))
	return file
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestOpen(t *testing.T) {
	file := kubeconfig(t, "https://127.0.0.1:1", "prod")
	missing := filepath.Join(t.TempDir(), "missing")
	for name, test := range map[string]struct {
		opt              cluster.Options
		namespace, place string
	}{
		"current context":             {cluster.Options{Kubeconfig: []string{file}}, "delivery", "the cluster of the context prod"},
		"another context":             {cluster.Options{Kubeconfig: []string{file}, Context: "plain"}, "", "the cluster of the context plain"},
		"one file is missing":         {cluster.Options{Kubeconfig: []string{missing, file}}, "delivery", "the cluster of the context prod"},
		"the first file wins":         {cluster.Options{Kubeconfig: []string{kubeconfig(t, "https://127.0.0.1:1", "plain"), file}}, "", "the cluster of the context plain"},
		"an empty one does not count": {cluster.Options{Kubeconfig: []string{empty(t), file}}, "delivery", "the cluster of the context prod"},
	} {
		c, err := cluster.Open(test.opt)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if c.Namespace != test.namespace || c.Place != test.place {
			t.Errorf("%s: namespace %q of %q", name, c.Namespace, c.Place)
		}
	}
}

func empty(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "empty")
	write(t, file, "")
	return file
}

func TestOpenRefuses(t *testing.T) {
	file := kubeconfig(t, "https://127.0.0.1:1", "")
	broken := filepath.Join(t.TempDir(), "broken")
	write(t, broken, "users: [{name: me, user: {token: "+token)
	lost := filepath.Join(t.TempDir(), "lost")
	write(t, lost, `{current-context: a, clusters: [{name: a, cluster: {server: "https://127.0.0.1:1", certificate-authority: nowhere.crt}}], contexts: [{name: a, context: {cluster: a}}]}`)
	for name, test := range map[string]struct {
		opt  cluster.Options
		want string
	}{
		"no such context":      {cluster.Options{Kubeconfig: []string{file}, Context: "pord"}, "it has no context pord: there are half, plain, prod, strict"},
		"no current context":   {cluster.Options{Kubeconfig: []string{file}}, "it has no current context: choose one: there are half, plain, prod, strict"},
		"no cluster":           {cluster.Options{Kubeconfig: []string{file}, Context: "half"}, "the cluster of the context half cannot be used"},
		"no kubeconfig":        {cluster.Options{Kubeconfig: []string{filepath.Join(t.TempDir(), "missing")}}, cluster.ErrNoCluster.Error()},
		"an empty kubeconfig":  {cluster.Options{Kubeconfig: []string{empty(t)}}, cluster.ErrNoCluster.Error()},
		"context without any":  {cluster.Options{Context: "prod"}, "it has no context prod: it has none"},
		"not YAML":             {cluster.Options{Kubeconfig: []string{broken}}, "it cannot be read, or it is not a kubeconfig"},
		"a directory":          {cluster.Options{Kubeconfig: []string{t.TempDir()}}, "it cannot be read, or it is not a kubeconfig"},
		"missing certificates": {cluster.Options{Kubeconfig: []string{lost}}, "a certificate, key or token file that it names cannot be read"},
	} {
		_, err := cluster.Open(test.opt)
		holds(t, name, err, test.want)
	}
}

// holds checks an error, and that nothing slips out with it.
func holds(t *testing.T, name string, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%s: error %v, want %s", name, err, want)
		return
	}
	for _, secret := range []string{token, os.TempDir()} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("%s: the error holds %s: %v", name, secret, err)
		}
	}
}

// open is a client of an API server with this handler.
func open(t *testing.T, handler http.HandlerFunc) *cluster.Client {
	t.Helper()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+token {
			t.Errorf("%s comes without the token", r.URL.Path)
		}
		handler(w, r)
	}))
	t.Cleanup(server.Close)
	return connect(t, server.URL, "prod")
}

func connect(t *testing.T, server, current string) *cluster.Client {
	t.Helper()
	c, err := cluster.Open(cluster.Options{Kubeconfig: []string{kubeconfig(t, server, current)}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// answer answers every request alike.
func answer(status int, kind, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

const plain, inJSON = "text/plain; charset=utf-8", "application/json"

// TestProblems holds the messages to what kube-apiserver v1.34 answers.
func TestProblems(t *testing.T) {
	failure := func(code int, reason, message string) string {
		return fmt.Sprintf(`{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":%q,"reason":%q,"details":{"name":"shop","group":"argoproj.io","kind":"applications"},"code":%d}`, message, reason, code)
	}
	for name, test := range map[string]struct {
		status     int
		kind, body string
		is         error
		want       string
	}{
		"not there": {404, inJSON, failure(404, "NotFound", `applications.argoproj.io "shop" not found`), cluster.ErrNotFound, "read applications.argoproj.io shop in the namespace argocd from the cluster of the context prod: it has no such object"},
		"no CRD":    {404, plain, "404 page not found\n", cluster.ErrNoKind, "argoproj.io/v1alpha1 is not there"},
		"wrong token": {
			401, inJSON, `{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"Unauthorized","reason":"Unauthorized","code":401}`,
			nil, "it does not know this account (401): the token or certificate is wrong or has expired",
		},
		"no role": {
			403, inJSON, failure(403, "Forbidden", `applications.argoproj.io "shop" is forbidden: User "system:serviceaccount:ci:bot" cannot get resource "applications" in API group "argoproj.io" in the namespace "argocd"`),
			nil, `it forbids this (403): User "system:serviceaccount:ci:bot" cannot get resource "applications" in API group "argoproj.io" in the namespace "argocd": grant the verb get on applications.argoproj.io there, with a Role and a RoleBinding`,
		},
		"its database is away":      {500, inJSON, failure(500, "InternalError", "etcdserver: no leader"), nil, "answers with an error: etcdserver: no leader"},
		"a proxy's own page":        {502, plain, "Bad Gateway", nil, "answers with an error: "},
		"no API server":             {200, "text/html", "<html>" + token + "</html>", nil, "it gave no answer that can be read: see that the kubeconfig names an API server"},
		"a page that is not an API": {404, "text/html", "<html>not here</html>", cluster.ErrNoKind, "is not there"},
	} {
		_, err := open(t, answer(test.status, test.kind, test.body)).Get(t.Context(), applications(), "argocd", "shop")
		holds(t, name, err, test.want)
		if test.is != nil && !errors.Is(err, test.is) {
			t.Errorf("%s: error %v, want %v", name, err, test.is)
		}
	}
}

func TestUnreachable(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := "https://" + listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(secure.Close)
	insecure := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(insecure.Close)
	for name, test := range map[string]struct{ server, want string }{
		"nothing listens":     {closed, "it cannot be reached: dial tcp " + listener.Addr().String()},
		"unknown certificate": {secure.URL, "it cannot be reached: tls: failed to verify certificate"},
		"plain HTTP":          {"https" + strings.TrimPrefix(insecure.URL, "http"), "it cannot be reached: http: server gave HTTP response to HTTPS client"},
	} {
		_, err = connect(t, test.server, "strict").Get(t.Context(), applications(), "argocd", "shop")
		holds(t, name, err, test.want)
	}
}

func TestCredentialsThatFail(t *testing.T) {
	for name, test := range map[string]struct{ user, want string }{
		"a program that is missing": {"{exec: {apiVersion: client.authentication.k8s.io/v1, command: /nowhere/login, interactiveMode: Never}}", "the program that the kubeconfig names for its credentials failed"},
		"a program that fails":      {"{exec: {apiVersion: client.authentication.k8s.io/v1, command: sh, args: [-c, 'exit 1'], interactiveMode: Never}}", "the program that the kubeconfig names for its credentials failed"},
	} {
		config := filepath.Join(t.TempDir(), "config")
		write(t, config, `{current-context: a, clusters: [{name: a, cluster: {server: "https://127.0.0.1:1"}}], contexts: [{name: a, context: {cluster: a, user: a}}], users: [{name: a, user: `+test.user+`}]}`)
		c, err := cluster.Open(cluster.Options{Kubeconfig: []string{config}})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Get(t.Context(), applications(), "argocd", "shop")
		holds(t, name, err, test.want)
	}
}

// TestDeadline: what ends a request early is the caller's, and stays so.
func TestDeadline(t *testing.T) {
	late := errors.New("too late")
	ctx, cancel := context.WithCancelCause(t.Context())
	c := open(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel(late)
		<-r.Context().Done()
	})
	if _, err := c.Get(ctx, applications(), "argocd", "shop"); !errors.Is(err, late) {
		t.Errorf("error %v", err)
	}
}

func TestGet(t *testing.T) {
	c := open(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/shop" {
			t.Errorf("asked for %s", r.URL.Path)
		}
		answer(200, inJSON, `{"apiVersion":"argoproj.io/v1alpha1","kind":"Application","metadata":{"name":"shop"},"spec":{"n":9007199254740993}}`)(w, r)
	})
	o, err := c.Get(t.Context(), applications(), "argocd", "shop")
	if err != nil {
		t.Fatal(err)
	}
	if n, _, _ := unstructured.NestedInt64(o.Object, "spec", "n"); o.GetName() != "shop" || n != 9007199254740993 {
		t.Errorf("got %v", o.Object)
	}
}

func testRun() schema.GroupVersionKind {
	return schema.GroupVersionKind{Group: "k6.io", Version: "v1alpha1", Kind: "TestRun"}
}

// TestList: the resource's name is what the cluster says, and all pages count.
func TestList(t *testing.T) {
	c := open(t, func(w http.ResponseWriter, r *http.Request) {
		body := `{"kind":"APIResourceList","apiVersion":"v1","groupVersion":"k6.io/v1alpha1","resources":[` +
			`{"name":"runs/status","kind":"TestRun","namespaced":true},{"name":"runs","kind":"TestRun","namespaced":true}]}`
		if r.URL.Path != "/apis/k6.io/v1alpha1" {
			if r.URL.Path != "/apis/k6.io/v1alpha1/namespaces/web/runs" || r.URL.Query().Get("labelSelector") != "a=b" {
				t.Errorf("asked for %s", r.URL)
			}
			body = `{"kind":"TestRunList","apiVersion":"k6.io/v1alpha1","metadata":{"continue":"next"},"items":[{"apiVersion":"k6.io/v1alpha1","kind":"TestRun","metadata":{"name":"one"}}]}`
			if r.URL.Query().Get("continue") == "next" {
				body = `{"kind":"TestRunList","apiVersion":"k6.io/v1alpha1","metadata":{},"items":[{"apiVersion":"k6.io/v1alpha1","kind":"TestRun","metadata":{"name":"two"}}]}`
			}
		}
		answer(200, inJSON, body)(w, r)
	})
	list, err := c.List(t.Context(), testRun(), "web", "a=b")
	if err != nil || len(list) != 2 || list[0].GetName() != "one" || list[1].GetName() != "two" {
		t.Errorf("got %v, %v", list, err)
	}
}

func TestListRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		handler http.HandlerFunc
		is      error
		want    string
	}{
		"no such group": {answer(404, plain, "404 page not found\n"), cluster.ErrNoKind, "k6.io/v1alpha1 is not there, so install what brings it"},
		"no such kind":  {answer(200, inJSON, `{"kind":"APIResourceList","apiVersion":"v1","groupVersion":"k6.io/v1alpha1","resources":[]}`), cluster.ErrNoKind, "read TestRun.k6.io from the cluster of the context prod: it does not know such objects"},
		"no role": {func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/apis/k6.io/v1alpha1" {
				answer(200, inJSON, `{"kind":"APIResourceList","apiVersion":"v1","groupVersion":"k6.io/v1alpha1","resources":[{"name":"testruns","kind":"TestRun","namespaced":true}]}`)(w, r)
				return
			}
			answer(403, inJSON, `{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"testruns.k6.io is forbidden: User \"bot\" cannot list resource","reason":"Forbidden","code":403}`)(w, r)
		}, nil, `read testruns.k6.io in the namespace web from the cluster of the context prod: it forbids this (403): User "bot" cannot list resource: grant the verb list on testruns.k6.io there`},
	} {
		_, err := open(t, test.handler).List(t.Context(), testRun(), "web", "a=b")
		holds(t, name, err, test.want)
		if test.is != nil && !errors.Is(err, test.is) {
			t.Errorf("%s: error %v, want %v", name, err, test.is)
		}
	}
}

func TestOpenAPI(t *testing.T) {
	version := testRun().GroupVersion()
	c := open(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/openapi/v3/apis/k6.io/v1alpha1" || r.Header.Get("Accept") != inJSON {
			t.Errorf("asked for %s as %s", r.URL, r.Header.Get("Accept"))
		}
		answer(200, inJSON, `{"openapi":"3.0.0"}`)(w, r)
	})
	if data, err := c.OpenAPI(t.Context(), version); err != nil || string(data) != `{"openapi":"3.0.0"}` {
		t.Errorf("%s, %v", data, err)
	}
	for name, test := range map[string]struct {
		handler http.HandlerFunc
		want    string
	}{
		"no such group": {answer(404, plain, "404 page not found\n"), "k6.io/v1alpha1 is not there"},
		"no role":       {answer(403, inJSON, `{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"forbidden","reason":"Forbidden","code":403}`), "bind the ClusterRole system:discovery"},
		"without end": {func(w http.ResponseWriter, _ *http.Request) {
			for range 33 {
				_, _ = w.Write(make([]byte, 1<<20))
			}
		}, "read /openapi/v3/apis/k6.io/v1alpha1 from the cluster of the context prod: it is longer than 32 MiB"},
	} {
		_, err := open(t, test.handler).OpenAPI(t.Context(), version)
		holds(t, name, err, test.want)
	}
}

// TestNow: the time is that of the API server, which dates the objects.
func TestNow(t *testing.T) {
	for name, skew := range map[string]time.Duration{"ahead": time.Hour, "behind": -time.Hour, "the same": 0} {
		server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Date", time.Now().Add(skew).UTC().Format(http.TimeFormat))
			http.NotFound(w, nil)
		}))
		c, err := cluster.Open(cluster.Options{Kubeconfig: []string{kubeconfig(t, server.URL, "plain")}})
		if err != nil {
			t.Fatal(err)
		}
		if off := time.Until(c.Now()).Abs(); off > time.Second {
			t.Errorf("before the first answer it is off by %s", off)
		}
		_, _ = c.Get(t.Context(), applications(), "argocd", "shop")
		if off := time.Until(c.Now()) - skew; off.Abs() > 3*time.Second {
			t.Errorf("%s: it is off by %s", name, off)
		}
		server.Close()
	}
}
