package argocd

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/argoproj/argo-cd/v2/pkg/apis/application/v1alpha1"
	"github.com/argoproj/argo-cd/v2/reposerver/apiclient"
	"github.com/argoproj/gitops-engine/pkg/utils/kube"
	"google.golang.org/grpc/status"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// What the application controller allows a repo-server by default.
const requestLimit = time.Minute

// Request is an Application and the commit to render.
type Request struct {
	Repo        string // URL
	Revision    string
	App         string
	Namespace   string // the destination's
	Source      v1alpha1.ApplicationSource
	KubeVersion string
	APIVersions []string

	// GeneratePaths is the Application's annotation manifest-generate-paths.
	GeneratePaths string
	// Cached lets the repo-server answer with what it kept.
	Cached bool
}

// Manifests renders as the application controller asks for it, past all
// caches but for a Request that lets it, and without tracking labels. An error of Argo CD's is its message.
func (s *Server) Manifests(ctx context.Context, r Request) ([]*unstructured.Unstructured, error) {
	ctx, stop := s.context(ctx)
	defer stop()
	source := r.Source
	source.RepoURL, source.TargetRevision = r.Repo, r.Revision
	reply, err := s.repos.GenerateManifest(ctx, &apiclient.ManifestRequest{
		Repo:               &v1alpha1.Repository{Repo: r.Repo},
		Revision:           r.Revision,
		NoCache:            !r.Cached,
		NoRevisionCache:    true,
		AppName:            r.App,
		Namespace:          r.Namespace,
		ApplicationSource:  &source,
		KubeVersion:        r.KubeVersion,
		ApiVersions:        r.APIVersions,
		ProjectName:        "default",
		ProjectSourceRepos: []string{"*"},

		AnnotationManifestGeneratePaths: r.GeneratePaths,
	})
	if err != nil {
		return nil, s.failure(err)
	}
	var objects []*unstructured.Unstructured
	for _, manifest := range reply.Manifests {
		split, err := kube.SplitYAML([]byte(manifest))
		if err != nil {
			return nil, fmt.Errorf("read the repo-server's manifests: %w", err)
		}
		objects = append(objects, split...)
	}
	return objects, nil
}

// Unchanged reports whether an Application whose annotation names paths is the same in its commit as in one that
// was synced before, which the application controller asks first. What the repo-server kept of that one is then
// its answer for this one.
func (s *Server) Unchanged(ctx context.Context, r Request, synced string, paths ...string) (bool, error) {
	ctx, stop := s.context(ctx)
	defer stop()
	source := r.Source
	source.RepoURL, source.TargetRevision = r.Repo, r.Revision
	reply, err := s.repos.UpdateRevisionForPaths(ctx, &apiclient.UpdateRevisionForPathsRequest{
		Repo:              &v1alpha1.Repository{Repo: r.Repo},
		Revision:          r.Revision,
		SyncedRevision:    synced,
		NoRevisionCache:   true,
		Paths:             paths,
		AppName:           r.App,
		Namespace:         r.Namespace,
		ApplicationSource: &source,
		KubeVersion:       r.KubeVersion,
		ApiVersions:       r.APIVersions,
	})
	if err != nil {
		return false, s.failure(err)
	}
	return !reply.Changes, nil
}

// Parameters are what the UI shows of the plugin's parameters.
func (s *Server) Parameters(ctx context.Context, r Request) ([]*apiclient.ParameterAnnouncement, error) {
	ctx, stop := s.context(ctx)
	defer stop()
	source := r.Source
	source.RepoURL, source.TargetRevision = r.Repo, r.Revision
	reply, err := s.repos.GetAppDetails(ctx, &apiclient.RepoServerAppDetailsQuery{
		Repo:            &v1alpha1.Repository{Repo: r.Repo},
		Source:          &source,
		AppName:         r.App,
		NoCache:         true,
		NoRevisionCache: true,
	})
	if err != nil {
		return nil, s.failure(err)
	}
	if reply.Plugin == nil {
		return nil, fmt.Errorf("the repo-server took the source for %s, not for a plugin's", reply.Type)
	}
	return reply.Plugin.ParametersAnnouncement, nil
}

// context ends with the caller's, and as soon as a server dies.
func (s *Server) context(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithTimeout(ctx, requestLimit)
	detach := context.AfterFunc(s.group.Context(), cancel)
	return ctx, func() { detach(); cancel() }
}

// failure is the message that reaches Argo CD's users, or why there is no
// server to send one.
func (s *Server) failure(err error) error {
	if s.group.Context().Err() != nil {
		return context.Cause(s.group.Context())
	}
	return errors.New(status.Convert(err).Message())
}
