package controller

import (
	"bytes"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"

	"github.com/assaydev/assay/internal/application"
	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/reposecret"
	"github.com/assaydev/assay/internal/spec"
)

const (
	applicationsAt = "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/"
	projectsAt     = "/apis/argoproj.io/v1alpha1/namespaces/argocd/appprojects/"
	setsAt         = "/apis/argoproj.io/v1alpha1/namespaces/argocd/applicationsets/"
	eventsAt       = "/api/v1/namespaces/argocd/events/"
)

// argoCDWith is Argo CD's cluster with objects of the promoter's; said is what it logs.
func argoCDWith(t *testing.T) (s *apiServer, a *argoCD, said *bytes.Buffer) {
	t.Helper()
	s = newAPIServer(t)
	for resource, kind := range map[string]string{"applications": "Application", "appprojects": "AppProject", "applicationsets": "ApplicationSet"} {
		s.serves("argoproj.io/v1alpha1", resource, kind)
	}
	for resource, kind := range map[string]string{"secrets": "Secret", "configmaps": "ConfigMap", "events": "Event"} {
		s.serves("v1", resource, kind)
	}
	said = &bytes.Buffer{}
	c := s.client()
	list, err := newApplications(s.config(), func(c *rest.Config) (rest.Interface, error) { return rest.RESTClientFor(c) }, []string{"argocd"}, (&promoter{opt: Options{View: viewOf}}).deploys)
	if err != nil {
		t.Fatal(err)
	}
	a = &argoCD{client: c, direct: c, applications: list, namespace: "argocd", log: slog.New(slog.NewTextHandler(said, nil))}
	return s, a, said
}

// applicationObject is an Application of the directory prod of a repository.
func applicationObject(name string) map[string]any {
	return map[string]any{
		"apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
		"metadata": map[string]any{"name": name, "namespace": "argocd", "uid": "uid-of-" + name},
		"spec": map[string]any{
			"project":     "default",
			"destination": map[string]any{"server": "https://kubernetes.default.svc", "namespace": "web"},
			"source":      map[string]any{"repoURL": "https://git.example.com/envs.git", "path": "prod", "plugin": map[string]any{"name": "assay"}},
		},
	}
}

func envsKey(dir string) Key {
	return Key{Repo: "git.example.com/envs", Environment: spec.Environment{Dir: dir}}
}

// TestProject: an AppProject that is not there permits nothing, and one that cannot be read is an
// error.
func TestProject(t *testing.T) {
	s, a, _ := argoCDWith(t)
	s.put(projectsAt+"default", map[string]any{
		"apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject", "metadata": map[string]any{"name": "default", "namespace": "argocd"},
		"spec": map[string]any{"sourceRepos": []any{"*"}, "destinations": []any{map[string]any{"server": "*", "namespace": "*"}}},
	})
	app := application.Name{Namespace: "argocd", Name: "shop"}
	place := application.Place{RepoURL: "https://git.example.com/envs.git", Path: "prod", Namespace: "web"}
	for name, permits := range map[string]bool{"default": true, "missing": false} {
		p, err := a.project(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Permits(app, place, application.Cluster{Target: application.Target{Server: application.InCluster, Name: application.InClusterName}}, "argocd"); (err == nil) != permits {
			t.Errorf("%s: %v", name, err)
		}
	}
	s.refuses(http.MethodGet, projectsAt+"default", http.StatusForbidden)
	if _, err := a.project(t.Context(), "default"); err == nil || !strings.Contains(err.Error(), "read AppProject default: ") {
		t.Errorf("error %v", err)
	}
}

// TestSettings: logins, and whom Argo CD trusts.
func TestSettings(t *testing.T) {
	s, a, _ := argoCDWith(t)
	object := func(kind, name string, data map[string]any) map[string]any {
		return map[string]any{
			"apiVersion": "v1", "kind": kind, "data": data,
			"metadata": map[string]any{"name": name, "namespace": "argocd", "labels": map[string]any{reposecret.TypeLabel: "repository"}},
		}
	}
	s.put("/api/v1/namespaces/argocd/secrets/envs", object("Secret", "envs", map[string]any{"url": "aHR0cHM6Ly9hL3I="}))
	s.put("/api/v1/namespaces/argocd/configmaps/argocd-ssh-known-hosts-cm", object("ConfigMap", "argocd-ssh-known-hosts-cm", map[string]any{"ssh_known_hosts": "hosts"}))
	got, err := a.settings(t.Context())
	if err != nil || len(got.Secrets) != 1 || got.Secrets[0].Type != "repository" || string(got.Secrets[0].Data["url"]) != "https://a/r" || string(got.KnownHosts) != "hosts" {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestSettingsOfComparisons: none are none, and what cannot be read is an error.
func TestSettingsOfComparisons(t *testing.T) {
	s, a, _ := argoCDWith(t)
	const at = "/api/v1/namespaces/argocd/configmaps/argocd-cm"
	if got, err := a.ignored(t.Context()); err != nil || len(got) > 0 {
		t.Errorf("without settings: %v, %v", got, err)
	}
	s.put(at, map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "argocd-cm", "namespace": "argocd"},
		"data": map[string]any{"resource.customizations.ignoreDifferences.apps_Deployment": "jsonPointers: [/spec/replicas]"},
	})
	if got, err := a.ignored(t.Context()); err != nil || len(got) != 1 || got[0].Kind != "Deployment" {
		t.Errorf("%v, %v", got, err)
	}
	s.refuses(http.MethodGet, at, http.StatusForbidden)
	if _, err := a.ignored(t.Context()); err == nil || !strings.Contains(err.Error(), "read ConfigMap argocd-cm of argocd: ") {
		t.Errorf("error %v", err)
	}
}

// TestTell: the annotation and the Event, for Applications that an ApplicationSet writes too.
func TestTell(t *testing.T) {
	hold := Outcome{Environment: spec.Environment{Dir: "prod"}, Outcome: decision.Hold, Candidate: "2.0.0", ID: "e1", Reason: "it has not concluded"}
	n := news{key: envsKey("prod"), outcome: hold, event: true, write: true, all: []Outcome{hold}}
	const text = `[{"directory":"prod","outcome":"hold","candidate":"2.0.0","id":"e1","reason":"it has not concluded"}]`
	for name, test := range map[string]struct {
		generator string
		kept      []any // the set's preserved annotations; nil without the set
		want      any
	}{
		"nobody's":                       {"", nil, text},
		"a set's that keeps it":          {"set", []any{"other", Annotation}, text},
		"a set's that would take it":     {"set", []any{"other"}, nil},
		"a set's that is not to be read": {"missing", []any{Annotation}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s, a, _ := argoCDWith(t)
			s.put(applicationsAt+"shop", applicationObject("shop"))
			s.put(setsAt+"set", map[string]any{
				"apiVersion": "argoproj.io/v1alpha1", "kind": "ApplicationSet", "metadata": map[string]any{"name": "set", "namespace": "argocd"},
				"spec": map[string]any{"preservedFields": map[string]any{"annotations": test.kept}},
			})
			app := application.Deployed{Name: application.Name{Namespace: "argocd", Name: "shop"}, UID: "uid-of-shop", Generator: test.generator}
			a.tell(t.Context(), app, n)
			annotations, _ := s.object(applicationsAt + "shop")["metadata"].(map[string]any)["annotations"].(map[string]any)
			if annotations[Annotation] != test.want {
				t.Errorf("annotations %v, want %v", annotations, test.want)
			}
			e := s.object(eventsAt + n.eventName(app))
			about, _ := e["involvedObject"].(map[string]any)
			if e["reason"] != "Held" || e["type"] != "Normal" || e["message"] != "prod: candidate 2.0.0 (e1): it has not concluded" || about["name"] != "shop" || about["uid"] != "uid-of-shop" {
				t.Errorf("Event %v", e)
			}
		})
	}
}

// TestTellTwice: the same outcome has one Event, which counts as of now only where it came back; one
// annotation is taken away again.
func TestTellTwice(t *testing.T) {
	s, a, said := argoCDWith(t)
	s.put(applicationsAt+"shop", applicationObject("shop"))
	app := application.Deployed{Name: application.Name{Namespace: "argocd", Name: "shop"}, UID: "uid-of-shop"}
	rejected := Outcome{Outcome: decision.Reject, ID: "e1", Commit: "c1"}
	n := news{key: envsKey("prod"), outcome: rejected, event: true, write: true, all: []Outcome{rejected}}
	a.tell(t.Context(), app, n)
	at := eventsAt + n.eventName(app)
	e := s.object(at)
	e["lastTimestamp"] = "2026-01-01T00:00:00Z"
	s.put(at, e)
	a.tell(t.Context(), app, n) // after a restart
	if again := s.object(at); again["lastTimestamp"] != "2026-01-01T00:00:00Z" || again["type"] != "Warning" {
		t.Errorf("Event %v", again)
	}
	n.again, n.all = true, nil
	a.tell(t.Context(), app, n)
	last, _ := s.object(at)["lastTimestamp"].(string)
	now, err := time.Parse(time.RFC3339, last)
	if err != nil || time.Since(now) > time.Minute {
		t.Errorf("it is of %v, %v", now, err)
	}
	about := unstructured.Unstructured{Object: s.object(applicationsAt + "shop")}
	if about.GetName() != "shop" || about.GetAnnotations()[Annotation] != "" {
		t.Errorf("the Application is %v", about)
	}
	if said.Len() > 0 {
		t.Errorf("it logs %s", said)
	}
}

// TestTellIsForbidden: where neither may be written, that is logged, and nothing else comes of it.
func TestTellIsForbidden(t *testing.T) {
	s, a, said := argoCDWith(t)
	s.put(applicationsAt+"shop", applicationObject("shop"))
	s.refuses(http.MethodPatch, applicationsAt+"shop", http.StatusForbidden)
	s.refuses(http.MethodPost, strings.TrimSuffix(eventsAt, "/"), http.StatusForbidden)
	hold := Outcome{Outcome: decision.Hold}
	n := news{outcome: hold, event: true, write: true, all: []Outcome{hold}}
	a.tell(t.Context(), application.Deployed{Name: application.Name{Namespace: "argocd", Name: "shop"}}, n)
	for _, want := range []string{"no Event tells of the outcome", "the outcome is not on the Application"} {
		if !strings.Contains(said.String(), want) {
			t.Errorf("%q is not in %s", want, said)
		}
	}
}

// waitingSince is the state of a sync that waits.
func waitingSince(started string) map[string]any {
	return map[string]any{
		"phase": "Running", "message": "waiting for completion of hook batch/Job/done", "startedAt": started,
		"syncResult": map[string]any{"revision": "0123456789012345678901234567890123456789"},
		"operation":  map[string]any{"sync": map[string]any{"revision": "0123456789012345678901234567890123456789"}},
	}
}

// TestEnd: the sync that was seen is ended, and nothing else.
func TestEnd(t *testing.T) {
	const first, second = "2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z"
	for name, test := range map[string]struct {
		with  func(s *apiServer) // once the sync has been seen
		ended bool
		err   string
	}{
		"as it was":               {func(*apiServer) {}, true, ""},
		"the Application is gone": {func(s *apiServer) { s.remove(applicationsAt + "shop") }, false, ""},
		"another operation by now": {func(s *apiServer) {
			app := applicationObject("shop")
			app["status"] = map[string]any{"operationState": waitingSince(second)}
			s.put(applicationsAt+"shop", app)
		}, false, ""},
		"none by now": {func(s *apiServer) { s.put(applicationsAt+"shop", applicationObject("shop")) }, false, ""},
		"it changes between reading and writing": {func(s *apiServer) {
			s.happens("PATCH ", func() {
				app := applicationObject("shop")
				app["status"] = map[string]any{"operationState": waitingSince(second)}
				s.put(applicationsAt+"shop", app)
			})
		}, false, ""},
		"forbidden": {
			func(s *apiServer) { s.refuses(http.MethodPatch, applicationsAt+"shop", http.StatusForbidden) }, false,
			"a sync of Application argocd/shop waits for an experiment that Git no longer has, and may not be ended: grant the verb patch on applications.argoproj.io",
		},
		"a server that fails": {func(s *apiServer) { s.refuses(http.MethodPatch, applicationsAt+"shop", http.StatusInternalServerError) }, false, "refused: 500"},
	} {
		t.Run(name, func(t *testing.T) {
			s, a, _ := argoCDWith(t)
			app := applicationObject("shop")
			app["status"] = map[string]any{"operationState": waitingSince(first)}
			s.put(applicationsAt+"shop", app)
			seen, found, err := a.applications.get(t.Context(), application.Name{Namespace: "argocd", Name: "shop"})
			if err != nil || !found || !seen.Operation.Waits() {
				t.Fatalf("%+v, %v", seen, err)
			}
			test.with(s)
			err = a.end(t.Context(), seen)
			if (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
				t.Errorf("error %v, want %s", err, test.err)
			}
			status, _ := s.object(applicationsAt + "shop")["status"].(map[string]any)
			state, _ := status["operationState"].(map[string]any)
			if (state["phase"] == "Terminating") != test.ended {
				t.Errorf("the state %v", state)
			}
		})
	}
}
