package experiment

import (
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// DefaultKinds are the kinds, as Kind.group, that an experiment may hold:
// namespaced workloads, their configuration, traffic, and what engines read.
// Cluster-scoped kinds and RBAC are the operator's to allow.
func DefaultKinds() []string {
	return []string{
		"ConfigMap", "PersistentVolumeClaim", "Pod", "Secret", "Service", "ServiceAccount",
		"DaemonSet.apps", "Deployment.apps", "StatefulSet.apps",
		"CronJob.batch", "Job.batch",
		"HorizontalPodAutoscaler.autoscaling", "PodDisruptionBudget.policy", "NetworkPolicy.networking.k8s.io",
		"AnalysisRun.argoproj.io", "AnalysisTemplate.argoproj.io", "Experiment.argoproj.io", "Rollout.argoproj.io",
		"AlertProvider.flagger.app", "Canary.flagger.app", "MetricTemplate.flagger.app",
		"Experiment.iter8.tools", "Metric.iter8.tools",
		"TestRun.k6.io",
		"PodMonitor.monitoring.coreos.com", "ServiceMonitor.monitoring.coreos.com",
		"DestinationRule.networking.istio.io", "VirtualService.networking.istio.io",
		"GRPCRoute.gateway.networking.k8s.io", "HTTPRoute.gateway.networking.k8s.io",
	}
}

func allowed(gk schema.GroupKind, opt Options) bool {
	is := func(name string) bool { return schema.ParseGroupKind(name) == gk }
	return slices.ContainsFunc(DefaultKinds(), is) || slices.ContainsFunc(opt.AllowKinds, is)
}
