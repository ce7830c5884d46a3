package stack

import "strings"

// Engines applies definitions of kinds whose controllers cannot run here: Iter8's Experiment,
// Flagger's Canary, and what Istio routes by. Nothing acts on their objects.
func (s *Stack) Engines() error {
	var text strings.Builder
	for _, d := range []struct{ group, version, kind, plural string }{
		{"iter8.tools", "v2alpha2", "Experiment", "experiments"},
		{"flagger.app", "v1beta1", "Canary", "canaries"},
		{"networking.istio.io", "v1beta1", "VirtualService", "virtualservices"},
		{"networking.istio.io", "v1beta1", "DestinationRule", "destinationrules"},
	} {
		text.WriteString(strings.NewReplacer("GROUP", d.group, "VERSION", d.version, "KIND", d.kind, "PLURAL", d.plural, "SINGULAR", strings.ToLower(d.kind)).Replace(definition))
	}
	return s.Cluster.Apply(s.ctx, text.String())
}

const definition = `
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: PLURAL.GROUP}
spec:
  group: GROUP
  scope: Namespaced
  names: {kind: KIND, listKind: KINDList, plural: PLURAL, singular: SINGULAR}
  versions:
  - name: VERSION
    served: true
    storage: true
    subresources: {status: {}}
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
`
