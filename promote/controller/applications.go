package controller

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	apiwatch "k8s.io/apimachinery/pkg/watch"
	clientscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"

	"github.com/assaydev/assay/internal/application"
)

// applications follows the Applications of some namespaces. There may be thousands, each with a long
// status, so that they are listed in pages and decoded one by one into outlines; of one that does not use
// the plugin, its name alone is kept. What a look depends on is read afresh.
type applications struct {
	client  rest.Interface
	deploys func(application.Deployed) ([]deploys, []error) // of one that is new or has changed
	parts   []cache.SharedIndexInformer                     // one for each namespace, or one for all
}

// outline is what is kept of an Application.
type outline struct {
	metav1.TypeMeta
	metav1.ObjectMeta // names, uid and resourceVersion

	app     application.Deployed // without its Places
	deploys []deploys
}

// DeepCopyObject makes it a runtime.Object. Nobody changes one.
func (o *outline) DeepCopyObject() runtime.Object { c := *o; return &c }

func (o *outline) name() application.Name {
	return application.Name{Namespace: o.Namespace, Name: o.Name}
}

// keys are the environments that it deploys. One with too many is heard where others deploy the
// same, and wakes nobody.
func (o *outline) keys() map[Key]bool {
	keys := map[Key]bool{}
	if o.app.Excess == nil {
		for _, d := range o.deploys {
			keys[d.key] = true
		}
	}
	return keys
}

// target is the cluster that it deploys to; empty where it does not use the plugin.
func (o *outline) target() application.Target {
	if len(o.deploys) == 0 {
		return application.Target{}
	}
	return o.deploys[0].target // one for all sources
}

// outlines is a list of them.
type outlines struct {
	metav1.TypeMeta
	metav1.ListMeta
	Items []*outline
}

// DeepCopyObject makes it a runtime.Object.
func (o *outlines) DeepCopyObject() runtime.Object { c := *o; return &c }

// The indexes: by environment, by cluster as it is named, and by cluster and namespace.
const (
	byKey    = "environment"
	byTarget = "cluster"
	byPlace  = "namespace"
)

// newApplications prepares to follow those of the namespaces; none is all.
func newApplications(config *rest.Config, client func(*rest.Config) (rest.Interface, error), namespaces []string, deploys func(application.Deployed) ([]deploys, []error)) (*applications, error) {
	config = rest.CopyConfig(config)
	config.APIPath, config.GroupVersion = "/apis", &schema.GroupVersion{Group: applicationKind.Group, Version: applicationKind.Version}
	config.NegotiatedSerializer = clientscheme.Codecs.WithoutConversion()
	config.ContentType, config.AcceptContentTypes = runtime.ContentTypeJSON, runtime.ContentTypeJSON
	a := &applications{deploys: deploys}
	var err error
	if a.client, err = client(config); err != nil {
		return nil, err
	}
	if len(namespaces) == 0 {
		namespaces = []string{metav1.NamespaceAll}
	}
	for _, namespace := range namespaces {
		a.parts = append(a.parts, cache.NewSharedIndexInformer(&cache.ListWatch{
			ListWithContextFunc: func(ctx context.Context, _ metav1.ListOptions) (runtime.Object, error) {
				all, err := a.list(ctx, namespace)
				if err != nil {
					return nil, err
				}
				return all, nil
			},
			WatchFuncWithContext: func(ctx context.Context, opt metav1.ListOptions) (apiwatch.Interface, error) {
				return a.watch(ctx, namespace, opt)
			},
		}, &outline{}, 0, cache.Indexers{byKey: a.index(keysOf), byTarget: a.index(targetsOf), byPlace: a.index(placesOf)}))
	}
	return a, nil
}

func (a *applications) index(texts func(deploys) []string) cache.IndexFunc {
	return func(o any) ([]string, error) {
		out, ok := o.(*outline)
		if !ok {
			return nil, fmt.Errorf("index %T", o)
		}
		all := map[string]bool{}
		for _, d := range out.deploys {
			for _, text := range texts(d) {
				all[text] = true
			}
		}
		return slices.Collect(maps.Keys(all)), nil
	}
}

func keysOf(d deploys) []string { return []string{d.key.text()} }

// targetsOf are the texts by which the cluster is looked for: an Application may name it either way.
func targetsOf(d deploys) (texts []string) {
	if d.target.Server != "" {
		texts = append(texts, serverText(d.target.Server))
	}
	if d.target.Name != "" {
		texts = append(texts, nameText(d.target.Name))
	}
	return texts
}

func serverText(server string) string { return "server " + server }
func nameText(name string) string     { return "name " + name }

func placesOf(d deploys) []string {
	texts := targetsOf(d)
	for i := range texts {
		texts[i] += " " + d.namespace
	}
	return texts
}

// Start follows them until ctx ends, and returns when nothing runs any more.
func (a *applications) Start(ctx context.Context) error {
	done := make(chan struct{})
	for _, part := range a.parts {
		go func() {
			part.RunWithContext(ctx)
			done <- struct{}{}
		}()
	}
	for range a.parts {
		<-done
	}
	return nil
}

// synced waits until all of them are known.
func (a *applications) synced(ctx context.Context) bool {
	var have []cache.InformerSynced
	for _, part := range a.parts {
		have = append(have, part.HasSynced)
	}
	return cache.WaitForCacheSync(ctx.Done(), have...)
}

// tell has changes told: before is nil of one that is new, and after of one that is gone. Changes
// of what nobody reads are not told.
func (a *applications) tell(change func(before, after *outline)) error {
	var failed []error
	for _, part := range a.parts {
		_, err := part.AddEventHandler(cache.ResourceEventHandlerFuncs{
			AddFunc: func(o any) { change(nil, asOutline(o)) },
			UpdateFunc: func(o, n any) {
				if before, after := asOutline(o), asOutline(n); before.app.State != after.app.State || before.UID != after.UID {
					change(before, after)
				}
			},
			DeleteFunc: func(o any) { change(asOutline(o), nil) },
		})
		failed = append(failed, err)
	}
	return errors.Join(failed...)
}

func asOutline(o any) *outline {
	if gone, ok := o.(cache.DeletedFinalStateUnknown); ok {
		o = gone.Obj
	}
	out, ok := o.(*outline)
	if !ok {
		return &outline{}
	}
	return out
}

// deploying are the names of those that deploy one of the environments.
func (a *applications) deploying(keys ...Key) []application.Name {
	all := map[application.Name]bool{}
	for _, key := range keys {
		for o := range a.by(byKey, key.text()) {
			all[o.name()] = true
		}
	}
	return slices.Collect(maps.Keys(all))
}

// mostTogether is how many environments are told apart of those that belong together.
const mostTogether = 1000

// group names the environments that belong together: those of one Application, whose annotation tells of
// all of them, and so those of others that deploy one of these. All replicas name them alike, once they
// know the same Applications. Where they are too many, each is for itself.
func (a *applications) group(key Key) string {
	first := key.text()
	together, few := a.together(key, application.Name{})
	if !few {
		return first
	}
	for other := range together {
		first = min(first, other.text())
	}
	return first
}

// together are the environments that belong together with one, itself too, less what they do by one
// Application alone. It reports whether they are few enough to be told apart.
func (a *applications) together(key Key, less application.Name) (found map[Key]bool, few bool) {
	found = map[Key]bool{key: true}
	for todo := []Key{key}; len(todo) > 0; todo = todo[1:] {
		for o := range a.by(byKey, todo[0].text()) {
			if o.name() == less {
				continue
			}
			for other := range o.keys() {
				if found[other] {
					continue
				}
				if len(found) == mostTogether {
					return nil, false
				}
				found[other], todo = true, append(todo, other)
			}
		}
	}
	return found, true
}

// regrouped are the environments that may be in another group since an Application changed which of them it
// deploys: all that belong together with one of those by other Applications. What these are too many for stays
// for itself.
func (a *applications) regrouped(name application.Name, keys map[Key]bool) map[Key]bool {
	all := maps.Clone(keys)
	looked := map[Key]bool{}
	for key := range keys {
		if looked[key] {
			continue
		}
		together, _ := a.together(key, name)
		maps.Copy(looked, together)
		maps.Copy(all, together)
	}
	return all
}

// all are the environments that any of them deploys.
func (a *applications) all() []Key {
	all := map[Key]bool{}
	for _, part := range a.parts {
		for _, o := range part.GetStore().List() {
			maps.Copy(all, asOutline(o).keys())
		}
	}
	return slices.Collect(maps.Keys(all))
}

// at are the environments that are deployed to a namespace of a cluster.
func (a *applications) at(to application.Target, namespace string) []Key {
	return a.environments(byPlace, placesOf(deploys{target: to, namespace: namespace}), func(d deploys) bool { return d.namespace == namespace })
}

// on are the environments that are deployed to a cluster.
func (a *applications) on(to application.Target) []Key {
	return a.environments(byTarget, targetsOf(deploys{target: to}), func(deploys) bool { return true })
}

func (a *applications) environments(index string, texts []string, counts func(deploys) bool) []Key {
	all := map[Key]bool{}
	for _, text := range texts {
		for o := range a.by(index, text) {
			for _, d := range o.deploys {
				if counts(d) && o.app.Excess == nil {
					all[d.key] = true
				}
			}
		}
	}
	return slices.Collect(maps.Keys(all))
}

// targets are the clusters that any of them deploys to, as they name them.
func (a *applications) targets() []application.Target {
	all := map[application.Target]bool{}
	for _, part := range a.parts {
		for _, text := range part.GetIndexer().ListIndexFuncValues(byTarget) {
			if server, found := strings.CutPrefix(text, serverText("")); found {
				all[application.Target{Server: server}] = true
			} else {
				all[application.Target{Name: strings.TrimPrefix(text, nameText(""))}] = true
			}
		}
	}
	return slices.Collect(maps.Keys(all))
}

func (a *applications) by(index, text string) func(yield func(*outline) bool) {
	return func(yield func(*outline) bool) {
		for _, part := range a.parts {
			list, err := part.GetIndexer().ByIndex(index, text)
			if err != nil {
				continue // an index that there is not
			}
			for _, o := range list {
				if !yield(asOutline(o)) {
					return
				}
			}
		}
	}
}
