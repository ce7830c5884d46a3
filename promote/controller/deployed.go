package controller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/application"
	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/object/drift"
	"github.com/assaydev/assay/promote"
	"github.com/assaydev/assay/render"
)

// trackingAnnotation names the Application that an object belongs to, as
// APP:GROUP/KIND:NAMESPACE/NAME (Argo CD's documentation, "Resource Tracking").
const trackingAnnotation = "argocd.argoproj.io/tracking-id"

// deployment is a site with what its cluster has of an experiment.
func (p *promoter) deployment(s site) promote.Deployment {
	return promote.Deployment{Name: s.app.Name.String(), View: s.view, Now: s.at.Now, Windows: promote.WindowsOf(s.project, s.place), Drift: promote.LiveDrift(s.at.List, s.at.Schemas, s.place.Namespace, p.ignoring(s.app)), Objects: func(ctx context.Context, res *render.Result) ([]*unstructured.Unstructured, error) {
		switch {
		case s.at.Err != nil:
			return nil, s.at.Err
		case s.at.Scope != "" && s.at.Scope != s.app.Project:
			return nil, fmt.Errorf("it deploys to the cluster %s, whose Secret is for Applications of the project %s (its field project)", s.at.Name, s.at.Scope)
		case s.place.Namespace == "":
			return nil, errors.New("it names no namespace in spec.destination: name the one that its objects are in")
		}
		if missing := s.missing(res.Judges()); len(missing) > 0 {
			return nil, fmt.Errorf("the experiment has not been synced by Argo CD yet: %s", object.Names(missing))
		}
		objs, err := promote.Live(s.at.List, s.place.Namespace)(ctx, res)
		if err != nil {
			return nil, err
		}
		return objs, p.stranger(s.app, objs)
	}}
}

// ignoring are the rules of an Application and of its Argo CD.
func (p *promoter) ignoring(app application.Deployed) promote.Ignored {
	return func(ctx context.Context) ([]drift.Ignore, error) {
		everywhere, err := p.ignored(ctx)
		return slices.Concat(app.Ignored, everywhere), err
	}
}

// missing are the objects that judge and that Argo CD does not keep for the
// Application: if there are such, somebody else made them.
func (s site) missing(judges []object.Key) []object.Key {
	var out []object.Key
	for _, key := range judges {
		if key.Namespace == "" {
			key.Namespace = s.place.Namespace
		}
		if !slices.Contains(s.app.Manages, key) {
			out = append(out, key)
		}
	}
	return out
}

// stranger is an error where an object is another Application's.
func (p *promoter) stranger(app application.Deployed, objs []*unstructured.Unstructured) error {
	tracked := app.Name.Name
	if app.Name.Namespace != p.opt.Namespace {
		tracked = app.Name.Namespace + "_" + tracked
	}
	for _, o := range objs {
		owner, _, found := strings.Cut(o.GetAnnotations()[trackingAnnotation], ":")
		if found && owner != tracked {
			return fmt.Errorf("%s is tracked as the Application %s's (%s), and not as %s's: it says nothing of this candidate", object.KeyOf(o), owner, trackingAnnotation, tracked)
		}
	}
	return nil
}
