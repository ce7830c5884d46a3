package drift

import (
	"reflect"
	"slices"

	"github.com/assaydev/assay/internal/object"
)

// Labels and annotations of pod templates that others write by their duty, and that change
// nothing of what runs.
var lawfulNotes = []string{
	"app.kubernetes.io/instance",                                                                       // Argo CD's, on the pods of Jobs
	"batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name", "controller-uid", "job-name", // the API server's
	"kubectl.kubernetes.io/restartedAt", // kubectl rollout restart
}

// lawful reports whether a field that only the cluster has is a controller's or the API
// server's to write.
func (c *comparison) lawful(path []string, have any) bool {
	last := path[len(path)-1]
	parent := ""
	if len(path) > 1 {
		parent = path[len(path)-2]
	}
	switch {
	case parent == "labels" || parent == "annotations":
		return slices.Contains(lawfulNotes, last)
	case last == "labels" || last == "annotations":
		notes, _ := have.(map[string]any)
		for name := range notes {
			if !slices.Contains(lawfulNotes, name) {
				return false
			}
		}
		return true
	case !c.known || c.custom:
		return false
	case c.key.Kind == "Job" && len(path) == 2 && last == "selector": // by the Job's own UID
		return true
	case c.key.Kind == "Service" && len(path) == 2:
		return slices.Contains([]string{"clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "healthCheckNodePort"}, last)
	case c.key.Kind == "Service" && last == "nodePort":
		return true
	case c.key.Kind == "PersistentVolumeClaim" && len(path) == 2: // the volume, and the cluster's class of storage
		return last == "volumeName" || last == "storageClassName"
	case c.key.Kind == "Ingress" && len(path) == 2: // the cluster's class of Ingresses
		return last == "ingressClassName"
	case c.key.Kind == "ServiceAccount" && len(path) == 1:
		return last == "secrets" || last == "imagePullSecrets" // tokens, and what a registry's controller adds
	}
	return false
}

// written are the values that the controller of a kind, or the webhook that is part of it, gives to
// fields that are left out, by the end of the field's path: no schema declares them.
var written = map[string]map[string]any{
	// https://github.com/iter8-tools/etc3/blob/main/api/v2alpha2/defaults.go
	"iter8.tools/Experiment": {
		"handlers.start": "start", "handlers.finish": "finish", "handlers.rollback": "finish", "handlers.failure": "finish", "handlers.loop": "loop",
		"weights.maxCandidateWeight": int64(100), "weights.maxCandidateWeightIncrement": int64(10), "strategy.deploymentPattern": "Progressive",
		"duration.intervalSeconds": int64(20), "duration.iterationsPerLoop": int64(15), "duration.maxLoops": int64(1),
	},
	// https://github.com/knative/serving/blob/main/pkg/apis/serving/v1/revision_defaults.go
	"serving.knative.dev/Service": {
		"spec.containerConcurrency": int64(0), "spec.timeoutSeconds": int64(300), "spec.enableServiceLinks": false,
		"[].name": "user-container", "Probe.successThreshold": int64(1), "tcpSocket.port": int64(0),
		"spec.traffic": []any{map[string]any{"latestRevision": true, "percent": int64(100)}},
	},
}

// isWritten reports whether a field has the value that its kind's own controller gives it.
func isWritten(key object.Key, path []string, have any) bool {
	at := pattern(path)
	value, found := written[key.Group+"/"+key.Kind][ending(at, 2)]
	return found && reflect.DeepEqual(value, have)
}

// moved reports whether a rendered field is in the cluster under another name.
func (c *comparison) moved(path []string, want, have map[string]any) bool {
	return path[len(path)-1] == "serviceAccount" && text(have["serviceAccountName"]) == text(want["serviceAccount"])
}
