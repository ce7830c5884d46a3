package controller

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/assaydev/assay/internal/application"
	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/object/drift"
	"github.com/assaydev/assay/internal/reposecret"
)

// kinds of Argo CD.
var (
	applicationKind    = schema.GroupVersionKind{Group: "argoproj.io", Version: "v1alpha1", Kind: "Application"}
	projectKind        = schema.GroupVersionKind{Group: "argoproj.io", Version: "v1alpha1", Kind: "AppProject"}
	applicationSetKind = schema.GroupVersionKind{Group: "argoproj.io", Version: "v1alpha1", Kind: "ApplicationSet"}
)

// argoCD reads and writes what is in Argo CD's own cluster.
type argoCD struct {
	client       client.Client // reads Secrets and ConfigMaps from its cache
	direct       client.Reader // asks the API server
	applications *applications
	namespace    string
	log          *slog.Logger
}

// apps reads Applications afresh. Those that went away are left out. Which there are, the
// watch says: it is whole before the first look.
func (a *argoCD) apps(ctx context.Context, keys ...Key) ([]application.Deployed, error) {
	var out []application.Deployed
	for _, name := range a.applications.deploying(keys...) {
		app, found, err := a.applications.get(ctx, name)
		if err != nil {
			return nil, err
		}
		if found && !app.Deleting {
			out = append(out, app)
		}
	}
	return out, nil
}

func named(kind schema.GroupVersionKind, name application.Name) *unstructured.Unstructured {
	o := &unstructured.Unstructured{}
	o.SetGroupVersionKind(kind)
	o.SetNamespace(name.Namespace)
	o.SetName(name.Name)
	return o
}

// project reads an AppProject. One that is not there permits nothing.
func (a *argoCD) project(ctx context.Context, name string) (application.Project, error) {
	o := named(projectKind, application.Name{Namespace: a.namespace, Name: name})
	err := a.direct.Get(ctx, client.ObjectKeyFromObject(o), o)
	if apierrors.IsNotFound(err) {
		return application.Project{Name: name}, nil
	}
	if err != nil {
		return application.Project{}, fmt.Errorf("read AppProject %s: %w", name, err)
	}
	return application.ReadProject(o), nil
}

// settings reads how Argo CD reaches repositories. Nobody changes what the cache gives.
func (a *argoCD) settings(ctx context.Context) (reposecret.Settings, error) {
	var secrets corev1.SecretList
	if err := a.client.List(ctx, &secrets, client.InNamespace(a.namespace), client.UnsafeDisableDeepCopy); err != nil {
		return reposecret.Settings{}, fmt.Errorf("list Secrets of %s: %w", a.namespace, err)
	}
	var s reposecret.Settings
	for _, secret := range secrets.Items {
		s.Secrets = append(s.Secrets, reposecret.Secret{Name: secret.Name, Type: secret.Labels[reposecret.TypeLabel], Data: secret.Data})
	}
	var maps corev1.ConfigMapList
	if err := a.client.List(ctx, &maps, client.InNamespace(a.namespace), client.UnsafeDisableDeepCopy); err != nil {
		return reposecret.Settings{}, fmt.Errorf("list ConfigMaps of %s: %w", a.namespace, err)
	}
	for _, m := range maps.Items {
		s.Trust(m.Name, m.Data)
	}
	return s, nil
}

// ignored reads what Argo CD's settings say is not compared.
func (a *argoCD) ignored(ctx context.Context) ([]drift.Ignore, error) {
	var settings corev1.ConfigMap
	err := a.client.Get(ctx, types.NamespacedName{Namespace: a.namespace, Name: application.Settings}, &settings)
	if client.IgnoreNotFound(err) != nil {
		return nil, fmt.Errorf("read ConfigMap %s of %s: %w", application.Settings, a.namespace, err)
	}
	return application.ReadIgnored(settings.Data)
}

// tell makes an Event, and writes the annotation. That neither may be written keeps nothing back.
func (a *argoCD) tell(ctx context.Context, app application.Deployed, n news) {
	if n.event {
		if err := a.event(ctx, app, n); err != nil && ctx.Err() == nil {
			a.log.Info("no Event tells of the outcome", "application", app.Name.String(), "error", err.Error())
		}
	}
	if !n.write || app.Generator != "" && !a.preserves(ctx, app) {
		return
	}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"annotations": map[string]any{Annotation: annotation(n.all)}}})
	if err == nil {
		err = a.client.Patch(ctx, named(applicationKind, app.Name), client.RawPatch(types.MergePatchType, patch))
	}
	if err != nil && ctx.Err() == nil && len(n.all) > 0 {
		a.log.Info("the outcome is not on the Application", "application", app.Name.String(), "error", err.Error())
	}
}

// event makes the Event of an outcome. One that is there already was made for the same
// outcome: it counts as of now if the outcome has come back since, and else stays as it is.
func (a *argoCD) event(ctx context.Context, app application.Deployed, n news) error {
	kind := corev1.EventTypeNormal
	if slices.Contains([]decision.Outcome{decision.Reject, Failed}, n.outcome.Outcome) {
		kind = corev1.EventTypeWarning
	}
	version, name := applicationKind.ToAPIVersionAndKind()
	now := metav1.Now()
	e := &corev1.Event{
		ObjectMeta:     metav1.ObjectMeta{Namespace: app.Name.Namespace, Name: n.eventName(app)},
		InvolvedObject: corev1.ObjectReference{APIVersion: version, Kind: name, Namespace: app.Name.Namespace, Name: app.Name.Name, UID: types.UID(app.UID)},
		Reason:         n.outcome.title(), Message: n.outcome.String(), Type: kind,
		Source: corev1.EventSource{Component: "assay"}, FirstTimestamp: now, LastTimestamp: now, Count: 1,
	}
	err := a.client.Create(ctx, e)
	if !apierrors.IsAlreadyExists(err) || !n.again {
		return client.IgnoreAlreadyExists(err)
	}
	patch, err := json.Marshal(map[string]any{"lastTimestamp": now, "message": e.Message})
	if err != nil {
		return err
	}
	return a.client.Patch(ctx, e, client.RawPatch(types.MergePatchType, patch))
}

// preserves reports whether the ApplicationSet that writes the Application leaves our
// annotation there. Others would take it away at once.
func (a *argoCD) preserves(ctx context.Context, app application.Deployed) bool {
	set := named(applicationSetKind, application.Name{Namespace: app.Name.Namespace, Name: app.Generator})
	if err := a.direct.Get(ctx, client.ObjectKeyFromObject(set), set); err != nil {
		return false
	}
	kept, _, _ := unstructured.NestedStringSlice(set.Object, "spec", "preservedFields", "annotations")
	return slices.Contains(kept, Annotation)
}

// end ends the sync that runs, as argocd app terminate-op does. It is another
// Application by now if its operation is: the resource version says so.
func (a *argoCD) end(ctx context.Context, app application.Deployed) error {
	now, found, err := a.applications.get(ctx, app.Name)
	if err != nil || !found || !now.Operation.Same(app.Operation) {
		return err
	}
	o := named(applicationKind, app.Name)
	patch, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"resourceVersion": now.Version},
		"status":   map[string]any{"operationState": map[string]any{"phase": "Terminating"}},
	})
	if err != nil {
		return err
	}
	err = a.client.Patch(ctx, o, client.RawPatch(types.MergePatchType, patch))
	switch {
	case apierrors.IsConflict(err):
		return nil // it changed, and that wakes us
	case apierrors.IsForbidden(err):
		return errors.New("a sync of " + app.Name.String() + " waits for an experiment that Git no longer has, and may not be ended: grant the verb patch on applications.argoproj.io, or run argocd app terminate-op")
	}
	return err
}
