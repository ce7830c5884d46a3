package drift

import "slices"

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
	case c.key.Kind == "Job" && len(path) == 2 && last == "selector": // by the Job's own UID
		return true
	case c.key.Kind == "Service" && len(path) == 2:
		return slices.Contains([]string{"clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "healthCheckNodePort"}, last)
	case c.key.Kind == "Service" && last == "nodePort":
		return true
	case c.key.Kind == "ServiceAccount" && len(path) == 1:
		return last == "secrets" || last == "imagePullSecrets" // tokens, and what a registry's controller adds
	}
	return false
}

// moved reports whether a rendered field is in the cluster under another name.
func (c *comparison) moved(path []string, want, have map[string]any) bool {
	return path[len(path)-1] == "serviceAccount" && text(have["serviceAccountName"]) == text(want["serviceAccount"])
}
