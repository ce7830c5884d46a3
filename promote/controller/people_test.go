package controller

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/application"
	"github.com/assaydev/assay/internal/engine"
	"github.com/assaydev/assay/internal/reposecret"
	"github.com/assaydev/assay/test/envrepo"
	"github.com/assaydev/assay/test/gitserver"
)

// What people and clusters do to an experiment while it runs.

// TestDeletedInMidRun: an experiment that somebody deletes holds the candidate, until Argo CD
// has made it again and that one has concluded.
func TestDeletedInMidRun(t *testing.T) {
	w := newWorld(t, push())
	w.judge("Suspended")
	w.conclude()
	w.said("shop Held: ")
	w.objects = nil
	tip := w.tip()
	if again := w.conclude(); again <= 0 || w.tip() != tip {
		t.Errorf("it looks again after %s, and main is at %s", again, w.tip())
	}
	w.said() // it is held as before
	w.judge("Suspended")
	w.conclude()
	w.judge("Complete")
	w.conclude()
	w.said("shop Promoted: ")
}

// TestForged: what somebody else makes with the ID and the digest under test says nothing beside
// the experiment that Argo CD has made.
func TestForged(t *testing.T) {
	for name, forge := range map[string]func(o *unstructured.Unstructured){
		"in another namespace": func(o *unstructured.Unstructured) { o.SetNamespace("theirs") },
		"under another name":   func(o *unstructured.Unstructured) { o.SetName("mine-" + o.GetLabels()[engine.ExperimentLabel]) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, push())
			w.judge("Complete")
			forged := w.objects[0].DeepCopy()
			forge(forged)
			w.judge("Suspended")
			for _, objects := range [][]*unstructured.Unstructured{{forged}, {forged, w.objects[0]}, {w.objects[0], forged}} {
				w.objects = objects
				tip := w.tip()
				if w.conclude(); w.tip() != tip {
					t.Error("it was believed")
				}
			}
			w.said("shop Held: ")
		})
	}
}

// TestMovedInMidRun: an Application that people move to another directory has nothing more to say
// where it was, neither does what it told of it stay.
func TestMovedInMidRun(t *testing.T) {
	tree := push()
	for name, text := range push() {
		if rest, found := strings.CutPrefix(name, "prod/"); found {
			tree["moved/"+rest] = text
		}
	}
	w := newWorld(t, tree)
	var annotations []string
	w.tell = func(_ context.Context, _ application.Deployed, n news) {
		if n.write {
			annotations = append(annotations, fmt.Sprint(annotation(n.all)))
		}
	}
	w.judge("Suspended")
	before := w.key()
	w.conclude()
	w.applications[0].Places[0].Path = "moved"
	w.objects[0].Object["status"] = envrepo.Concluded(w.render().Digest, "Complete")[0].Object["status"]
	tip := w.tip()
	if again, err := w.promoter.conclude(t.Context(), before); again != 0 || err != nil || w.tip() != tip {
		t.Errorf("where it was: again after %s, %v, main is at %s", again, err, w.tip())
	}
	if w.conclude(); w.tip() != tip {
		t.Error("the experiment of where it was decided where it is")
	}
	if len(annotations) != 2 || !strings.Contains(annotations[0], `"directory":"prod"`) || !strings.Contains(annotations[1], `"directory":"moved"`) || strings.Contains(annotations[1], `"prod"`) {
		t.Errorf("told %q", annotations)
	}
}

// TestClockSkew: an experiment's age is told by the clock of its cluster, whatever ours says.
func TestClockSkew(t *testing.T) {
	for name, skew := range map[string]time.Duration{"ahead of ours": 3 * time.Hour, "behind ours": -3 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, push())
			there := func() time.Time { return time.Now().Add(skew) }
			w.clock(there)
			w.judge("Suspended")
			w.objects[0].SetCreationTimestamp(metav1.NewTime(there().Add(-59*time.Minute - 50*time.Second)))
			if again := w.conclude(); again <= 0 || again > 15*time.Second {
				t.Errorf("at 10 s before the deadline it looks again after %s", again)
			}
			w.said("shop Held: ")
			w.objects[0].SetCreationTimestamp(metav1.NewTime(there().Add(-61 * time.Minute)))
			w.conclude()
			w.said("shop Rejected: no verdict within 1h")
		})
	}
}

// TestTokenExpiresBeforeThePush: one that may still read, and not write any more, is an error to
// try again; with another the same verdict is carried out, once.
func TestTokenExpiresBeforeThePush(t *testing.T) {
	tree := push()
	server, err := gitserver.Start(gitserver.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	repo, err := server.Create("envs")
	if err != nil {
		t.Fatal(err)
	}
	var files []gitserver.File
	for _, name := range slices.Sorted(maps.Keys(tree)) {
		files = append(files, gitserver.Files(map[string]string{name: tree[name]})...)
	}
	if _, err := repo.Commit("main", "start", files...); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, push())
	w.repo, w.applications = repo, nil
	w.app("shop", "").Places[0].RepoURL = repo.URL
	w.judge("Complete")
	w.login = reposecret.Settings{Secrets: []reposecret.Secret{{Name: "envs", Type: reposecret.Own, Data: map[string][]byte{
		"url": []byte(repo.URL), "username": []byte("assay"), "token": []byte("a-token-that-expires"),
	}}}}
	var counts atomic.Bool
	server.Inject(gitserver.DiscoverPush, 100, func(rw http.ResponseWriter, r *http.Request, backend http.Handler) {
		if counts.Load() {
			backend.ServeHTTP(rw, r)
			return
		}
		rw.Header().Set("WWW-Authenticate", `Basic realm="git"`)
		http.Error(rw, "the token has expired", http.StatusUnauthorized)
	})
	tip := w.tip()
	if _, err := w.promoter.conclude(t.Context(), w.key()); err == nil || strings.Contains(err.Error(), "a-token") {
		t.Errorf("error %v", err)
	}
	w.said("shop PromotionFailed: ")
	if w.tip() != tip {
		t.Error("it wrote")
	}
	counts.Store(true)
	w.conclude()
	w.said("shop Promoted: ")
	if n, err := repo.Git("rev-list", "--count", tip+"..main"); err != nil || strings.TrimSpace(n) != "1" {
		t.Errorf("%s commits, %v", n, err)
	}
}
