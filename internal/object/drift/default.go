package drift

import (
	"reflect"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// isKnown reports whether the table below is about the kind of an object. Of another one only
// the fields that are rendered are compared.
func isKnown(o *unstructured.Unstructured) bool {
	gvk := o.GroupVersionKind()
	return slices.Contains(kinds[gvk.Group], gvk.Kind)
}

var kinds = map[string][]string{
	"":                          {"ConfigMap", "PersistentVolumeClaim", "Service", "ServiceAccount"},
	"apps":                      {"DaemonSet", "Deployment", "ReplicaSet", "StatefulSet"},
	"autoscaling":               {"HorizontalPodAutoscaler"},
	"batch":                     {"CronJob", "Job"},
	"networking.k8s.io":         {"Ingress", "NetworkPolicy"},
	"policy":                    {"PodDisruptionBudget"},
	"rbac.authorization.k8s.io": {"Role", "RoleBinding"},
}

// defaults are the values that the API server gives to fields of these kinds that are left
// out, by the end of the field's path: a test holds them against Kubernetes' own code. The
// same end means the same in all of these kinds.
var defaults = map[string][]any{
	"spec.replicas":                           {int64(1)},
	"spec.revisionHistoryLimit":               {int64(10)},
	"spec.progressDeadlineSeconds":            {int64(600)},
	"strategy.type":                           {"RollingUpdate"},
	"updateStrategy.type":                     {"RollingUpdate"},
	"rollingUpdate.maxSurge":                  {"25%", int64(0)},
	"rollingUpdate.maxUnavailable":            {"25%", int64(1)},
	"rollingUpdate.partition":                 {int64(0)},
	"spec.podManagementPolicy":                {"OrderedReady"},
	"whenDeleted":                             {"Retain"},
	"whenScaled":                              {"Retain"},
	"volumeClaimTemplates.[].apiVersion":      {"v1"},
	"volumeClaimTemplates.[].kind":            {"PersistentVolumeClaim"},
	"volumeClaimTemplates.[].status.phase":    {"Pending"},
	"spec.volumeMode":                         {"Filesystem"},
	"spec.completions":                        {int64(1)},
	"spec.parallelism":                        {int64(1)},
	"spec.backoffLimit":                       {int64(6)},
	"spec.completionMode":                     {"NonIndexed"},
	"spec.podReplacementPolicy":               {"TerminatingOrFailed"},
	"spec.suspend":                            {false},
	"spec.manualSelector":                     {false},
	"spec.type":                               {"ClusterIP"},
	"spec.sessionAffinity":                    {"None"},
	"spec.internalTrafficPolicy":              {"Cluster"},
	"spec.externalTrafficPolicy":              {"Cluster"},
	"spec.allocateLoadBalancerNodePorts":      {true},
	"ports.[].protocol":                       {"TCP"},
	"spec.restartPolicy":                      {"Always"},
	"spec.terminationGracePeriodSeconds":      {int64(30)},
	"spec.dnsPolicy":                          {"ClusterFirst"},
	"spec.schedulerName":                      {"default-scheduler"},
	"spec.enableServiceLinks":                 {true},
	"[].terminationMessagePath":               {"/dev/termination-log"},
	"[].terminationMessagePolicy":             {"File"},
	"Probe.timeoutSeconds":                    {int64(1)},
	"Probe.periodSeconds":                     {int64(10)},
	"Probe.successThreshold":                  {int64(1)},
	"Probe.failureThreshold":                  {int64(3)},
	"httpGet.scheme":                          {"HTTP"},
	"httpGet.path":                            {"/"},
	"fieldRef.apiVersion":                     {"v1"},
	"secret.defaultMode":                      {int64(420)},
	"configMap.defaultMode":                   {int64(420)},
	"downwardAPI.defaultMode":                 {int64(420)},
	"projected.defaultMode":                   {int64(420)},
	"serviceAccountToken.expirationSeconds":   {int64(3600)},
	"resourceFieldRef.divisor":                {"0", int64(0)},
	"topologySpreadConstraints.[].minDomains": {int64(1)},
	"spec.concurrencyPolicy":                  {"Allow"},
	"spec.successfulJobsHistoryLimit":         {int64(3)},
	"spec.failedJobsHistoryLimit":             {int64(1)},
	"spec.minReplicas":                        {int64(1)},
	"spec.targetCPUUtilizationPercentage":     {int64(80)},
	"spec.metrics": {[]any{map[string]any{"type": "Resource", "resource": map[string]any{
		"name": "cpu", "target": map[string]any{"type": "Utilization", "averageUtilization": int64(80)},
	}}}},
	"scaleUp.stabilizationWindowSeconds": {int64(0)},
	"scaleUp.selectPolicy":               {"Max"},
	"scaleUp.policies":                   {[]any{scaling("Pods", 4), scaling("Percent", 100)}},
	"scaleDown.selectPolicy":             {"Max"},
	"scaleDown.policies":                 {[]any{scaling("Percent", 100)}},
	"roleRef.apiGroup":                   {"rbac.authorization.k8s.io"},
}

// scaling is a policy of a HorizontalPodAutoscaler's behavior.
func scaling(kind string, value int64) map[string]any {
	return map[string]any{"type": kind, "value": value, "periodSeconds": int64(15)}
}

// parents are the mappings that the API server makes for what it fills in.
var parents = []string{"strategy", "updateStrategy", "rollingUpdate", "persistentVolumeClaimRetentionPolicy", "securityContext", "status", "metadata", "scaleUp", "scaleDown"}

func opens(path []string) bool { return slices.Contains(parents, path[len(path)-1]) }

// isDefault reports whether a field has the value that the API server fills in. beside are the
// rendered fields next to it.
func isDefault(path []string, beside map[string]any, have any) bool {
	at := pattern(path)
	for n := range 4 {
		if slices.ContainsFunc(defaults[ending(at, n+1)], func(value any) bool { return reflect.DeepEqual(value, have) }) {
			return true
		}
	}
	switch at[len(at)-1] {
	case "imagePullPolicy":
		image, compared := beside["image"].(string)
		return !compared || have == pullPolicy(image)
	case "serviceAccount": // the former name of serviceAccountName
		return text(have) == text(beside["serviceAccountName"])
	case "targetPort":
		return text(have) == text(beside["port"])
	case "dataSourceRef": // the later name of dataSource
		return reflect.DeepEqual(have, beside["dataSource"])
	case "apiGroup": // of whom a role is bound to
		return have == "rbac.authorization.k8s.io" && slices.Contains([]string{"User", "Group"}, text(beside["kind"]))
	case "policyTypes": // Ingress, and Egress where the policy has rules for it
		types, _ := have.([]any)
		egress := !empty(beside["egress"])
		return len(types) > 0 && types[0] == "Ingress" && (len(types) == 1 && !egress || len(types) == 2 && egress && types[1] == "Egress")
	case "requests": // what a limit implies
		limits, _ := beside["limits"].(map[string]any)
		requests, _ := have.(map[string]any)
		for name, value := range requests {
			if !same([]string{"resources"}, limits[name], value) {
				return false
			}
		}
		return len(limits) > 0
	}
	return false
}

// pattern is a path with the names of list items left out, and probes by one word.
func pattern(path []string) []string {
	out := slices.Clone(path)
	for i, part := range out {
		switch {
		case strings.HasPrefix(part, "["):
			out[i] = "[]"
		case strings.HasSuffix(part, "Probe"):
			out[i] = "Probe"
		}
	}
	return out
}

// ending is the end of a path, of n parts at most.
func ending(path []string, n int) string { return strings.Join(path[max(0, len(path)-n):], ".") }

// pullPolicy is what the API server makes of an image whose policy is left out: one without a
// tag, or with the tag latest, is pulled always.
func pullPolicy(image string) string {
	name := image[strings.LastIndex(image, "/")+1:]
	if _, _, pinned := strings.Cut(name, "@"); pinned {
		return "IfNotPresent"
	}
	if _, tag, tagged := strings.Cut(name, ":"); !tagged || tag == "latest" {
		return "Always"
	}
	return "IfNotPresent"
}
