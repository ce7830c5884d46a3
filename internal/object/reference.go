package object

import (
	"slices"
	"strings"

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
	for kind, paths := range PodReferences() {
		for _, path := range paths {
			follow(pod, path, func(name string) {
				keys = append(keys, Key{Kind: kind, Namespace: o.GetNamespace(), Name: name})
			})
		}
	}
	slices.SortFunc(keys, Key.compare)
	return slices.Compact(keys)
}

// follow visits the names at a path, through every item of the lists on the way.
func follow(value any, path string, visit func(name string)) {
	switch value := value.(type) {
	case []any:
		for _, item := range value {
			follow(item, path, visit)
		}
	case map[string]any:
		if path != "" {
			key, rest, _ := strings.Cut(path, "/")
			follow(value[key], rest, visit)
		}
	case string:
		if path == "" && value != "" {
			visit(value)
		}
	}
}
