package object

import (
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// References returns the ConfigMaps, Secrets, ServiceAccounts and
// PersistentVolumeClaims that the object's pods name: sorted, each once, in the
// object's namespace. A claim that a StatefulSet makes itself is none.
func References(o *unstructured.Unstructured) []Key {
	r := references{namespace: o.GetNamespace()}
	pod := podSpec(o)
	for _, list := range []string{"containers", "initContainers", "ephemeralContainers"} {
		for c := range maps(pod[list]) {
			r.container(c)
		}
	}
	for v := range maps(pod["volumes"]) {
		r.volume(v)
	}
	for s := range maps(pod["imagePullSecrets"]) {
		r.add("Secret", s["name"])
	}
	r.add("ServiceAccount", pod["serviceAccountName"])
	r.add("ServiceAccount", pod["serviceAccount"])
	slices.SortFunc(r.keys, Key.compare)
	return slices.Compact(r.keys)
}

type references struct {
	namespace string
	keys      []Key
}

func (r *references) add(kind string, name any) {
	if name, ok := name.(string); ok && name != "" {
		r.keys = append(r.keys, Key{Kind: kind, Namespace: r.namespace, Name: name})
	}
}

func (r *references) container(c map[string]any) {
	for e := range maps(c["envFrom"]) {
		r.add("ConfigMap", mapAt(e, "configMapRef")["name"])
		r.add("Secret", mapAt(e, "secretRef")["name"])
	}
	for e := range maps(c["env"]) {
		r.add("ConfigMap", mapAt(e, "valueFrom", "configMapKeyRef")["name"])
		r.add("Secret", mapAt(e, "valueFrom", "secretKeyRef")["name"])
	}
}

func (r *references) volume(v map[string]any) {
	r.add("ConfigMap", mapAt(v, "configMap")["name"])
	r.add("Secret", mapAt(v, "secret")["secretName"])
	r.add("Secret", mapAt(v, "azureFile")["secretName"])
	r.add("Secret", mapAt(v, "csi", "nodePublishSecretRef")["name"])
	r.add("PersistentVolumeClaim", mapAt(v, "persistentVolumeClaim")["claimName"])
	for source := range maps(mapAt(v, "projected")["sources"]) {
		r.add("ConfigMap", mapAt(source, "configMap")["name"])
		r.add("Secret", mapAt(source, "secret")["name"])
	}
	// Older sources: cephfs, flexVolume, iscsi, rbd, scaleIO, storageos.
	for _, source := range v {
		if m, ok := source.(map[string]any); ok {
			r.add("Secret", mapAt(m, "secretRef")["name"])
		}
	}
}
