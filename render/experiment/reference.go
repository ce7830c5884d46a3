package experiment

import (
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/assaydev/assay/internal/object"
)

// referral is a field that may name another object.
type referral struct {
	schema.GroupKind
	path string // keys, with slashes between them; lists are passed through
}

// referrals are the fields of an object that name others: those of its pods,
// wherever its kind keeps them, and those of its kind.
func referrals(o *unstructured.Unstructured) []referral {
	var out []referral
	for _, prefix := range podSpecs(o) {
		for kind, paths := range podReferences() {
			for _, path := range paths {
				out = append(out, referral{schema.GroupKind{Kind: kind}, strings.TrimPrefix(prefix+"/"+path, "/")})
			}
		}
	}
	for _, ref := range kindReferences()[o.GroupVersionKind().GroupKind().String()] {
		to, path, _ := strings.Cut(ref, " ")
		out = append(out, referral{schema.ParseGroupKind(to), path})
		if to == analysisTemplate { // or one of the cluster, where clusterScope says so
			out = append(out, referral{schema.ParseGroupKind("Cluster" + to), path})
		}
	}
	return out
}

// podSpecs are the paths of everything that has the fields of a pod's spec.
func podSpecs(o *unstructured.Unstructured) []string {
	switch o.GroupVersionKind().GroupKind().String() {
	case "AnalysisRun.argoproj.io", analysisTemplate, "Cluster" + analysisTemplate:
		return []string{"spec/metrics/provider/job/spec/template/spec"}
	case "Experiment.argoproj.io":
		return []string{"spec/templates/template/spec"}
	case "TestRun.k6.io":
		return []string{"spec/runner", "spec/starter", "spec/initializer"}
	}
	path, ok := object.PodTemplate(o)
	if !ok {
		return nil
	}
	return []string{strings.Join(append(path[:len(path):len(path)], "spec"), "/")}
}

// podReferences are those of a pod's spec, by the kind that they name. k6 has
// env and envFrom without a container around them.
func podReferences() map[string][]string {
	out := object.PodReferences()
	for kind, paths := range out {
		for _, path := range paths {
			if bare, found := strings.CutPrefix(path, "containers/"); found {
				out[kind] = append(out[kind], bare)
			}
		}
	}
	return out
}

const analysisTemplate = "AnalysisTemplate.argoproj.io"

// kindReferences are those of particular kinds: the kind named, and the path.
func kindReferences() map[string][]string {
	analysis := []string{
		analysisTemplate + " spec/templates/templateName",
		"Secret spec/args/valueFrom/secretKeyRef/name",
	}
	return map[string][]string{
		analysisTemplate:             analysis,
		"Cluster" + analysisTemplate: analysis,
		"AnalysisRun.argoproj.io":    analysis,
		"Experiment.argoproj.io": {
			analysisTemplate + " spec/analyses/templateName",
			"Secret spec/analyses/args/valueFrom/secretKeyRef/name",
		},
		"Rollout.argoproj.io": {
			analysisTemplate + " spec/strategy/canary/analysis/templates/templateName",
			analysisTemplate + " spec/strategy/canary/steps/analysis/templates/templateName",
			analysisTemplate + " spec/strategy/canary/steps/experiment/analyses/templateName",
			analysisTemplate + " spec/strategy/blueGreen/prePromotionAnalysis/templates/templateName",
			analysisTemplate + " spec/strategy/blueGreen/postPromotionAnalysis/templates/templateName",
			"Service spec/strategy/canary/stableService",
			"Service spec/strategy/canary/canaryService",
			"Service spec/strategy/blueGreen/activeService",
			"Service spec/strategy/blueGreen/previewService",
			"Deployment.apps spec/workloadRef/name",
		},
		"Experiment.iter8.tools": {
			"Metric.iter8.tools spec/criteria/requestCount",
			"Metric.iter8.tools spec/criteria/indicators",
			"Metric.iter8.tools spec/criteria/objectives/metric",
			"Metric.iter8.tools spec/criteria/rewards/metric",
		},
		"Metric.iter8.tools": {
			"Secret spec/secret",
			"Metric.iter8.tools spec/sampleSize",
		},
		"TestRun.k6.io": {
			"ConfigMap spec/script/configMap/name",
			"PersistentVolumeClaim spec/script/volumeClaim/name",
		},
		"Canary.flagger.app": {
			"Deployment.apps spec/targetRef/name",
			"DaemonSet.apps spec/targetRef/name",
			"HorizontalPodAutoscaler.autoscaling spec/autoscalerRef/name",
			"MetricTemplate.flagger.app spec/analysis/metrics/templateRef/name",
			"AlertProvider.flagger.app spec/analysis/alerts/providerRef/name",
		},
		"MetricTemplate.flagger.app": {"Secret spec/provider/secretRef/name"},
		"AlertProvider.flagger.app":  {"Secret spec/secretRef/name"},
		"HorizontalPodAutoscaler.autoscaling": {
			"Deployment.apps spec/scaleTargetRef/name",
			"StatefulSet.apps spec/scaleTargetRef/name",
			"Rollout.argoproj.io spec/scaleTargetRef/name",
		},
		"StatefulSet.apps":                    {"Service spec/serviceName"},
		"ServiceAccount":                      {"Secret imagePullSecrets/name", "Secret secrets/name"},
		"DestinationRule.networking.istio.io": {"Service spec/host"},
		"VirtualService.networking.istio.io": {
			"Service spec/http/route/destination/host",
			"Service spec/http/mirror/host",
			"Service spec/tcp/route/destination/host",
		},
		"HTTPRoute.gateway.networking.k8s.io": {"Service spec/rules/backendRefs/name"},
		"GRPCRoute.gateway.networking.k8s.io": {"Service spec/rules/backendRefs/name"},
	}
}
