package object

import (
	"slices"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// PodReferences lists the fields of a pod's spec that name another object, by the
// kind that they name: keys with slashes between them; lists are passed through.
func PodReferences() map[string][]string {
	fields := map[string][]string{
		"ConfigMap": {"volumes/configMap/name", "volumes/projected/sources/configMap/name"},
		"Secret": {
			"volumes/secret/secretName", "volumes/projected/sources/secret/name", "imagePullSecrets/name",
			"volumes/csi/nodePublishSecretRef/name", "volumes/azureFile/secretName",
		},
		"ServiceAccount":        {"serviceAccountName", "serviceAccount"},
		"PersistentVolumeClaim": {"volumes/persistentVolumeClaim/claimName"},
	}
	for _, list := range []string{"containers", "initContainers", "ephemeralContainers"} {
		fields["ConfigMap"] = append(fields["ConfigMap"], list+"/env/valueFrom/configMapKeyRef/name", list+"/envFrom/configMapRef/name")
		fields["Secret"] = append(fields["Secret"], list+"/env/valueFrom/secretKeyRef/name", list+"/envFrom/secretRef/name")
	}
	for _, volume := range []string{"cephfs", "cinder", "flexVolume", "iscsi", "rbd", "scaleIO", "storageos"} {
		fields["Secret"] = append(fields["Secret"], "volumes/"+volume+"/secretRef/name")
	}
	return fields
}

// References returns the ConfigMaps, Secrets, ServiceAccounts and
// PersistentVolumeClaims that the object's pods name: sorted, each once, in the
// object's namespace. A claim that a StatefulSet makes itself is not
// among them.
func References(o *unstructured.Unstructured) []Key {
	pod := podSpec(o)
	if pod == nil {
		return nil
	}
	var keys []Key
	podReferences().visit(pod, func(kind, name string) {
		keys = append(keys, Key{Kind: kind, Namespace: o.GetNamespace(), Name: name})
	})
	slices.SortFunc(keys, Key.compare)
	return slices.Compact(keys)
}

// branch is where fields of PodReferences lead through, and what those name that end there.
type branch struct {
	kinds []string
	below map[string]*branch
}

// podReferences are the fields of PodReferences as a tree, so that an object is walked once.
var podReferences = sync.OnceValue(func() *branch {
	root := &branch{below: map[string]*branch{}}
	for kind, paths := range PodReferences() {
		for _, path := range paths {
			at := root
			for key := range strings.SplitSeq(path, "/") {
				if at.below[key] == nil {
					at.below[key] = &branch{below: map[string]*branch{}}
				}
				at = at.below[key]
			}
			at.kinds = append(at.kinds, kind)
		}
	}
	return root
})

// visit calls found for the names in a value, through every item of the lists on the way.
func (b *branch) visit(value any, found func(kind, name string)) {
	switch value := value.(type) {
	case []any:
		for _, item := range value {
			b.visit(item, found)
		}
	case map[string]any:
		for key, below := range b.below {
			if item, ok := value[key]; ok {
				below.visit(item, found)
			}
		}
	case string:
		if value == "" {
			return
		}
		for _, kind := range b.kinds {
			found(kind, value)
		}
	}
}
