package variant

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/object"
)

// check looks at the variant as it would run, after the plan's patches.
func (b *build) check() error {
	for _, step := range []func() error{b.checkNames, b.checkReferences, b.checkSelectors, b.checkRoom} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// checkReferences makes sure that every clone is used, and that nothing in
// the variant still uses the original of a clone.
func (b *build) checkReferences() error {
	dependencies := b.having(dependency)
	if len(dependencies) == 0 {
		return nil
	}
	used := map[object.Key]*clone{}
	for _, p := range b.clones {
		if p.out == nil {
			continue
		}
		for _, k := range b.references(p.out) {
			used[k] = p
		}
	}
	for _, p := range dependencies {
		if p.out == nil {
			return b.fail("candidate.patches", "they delete the clone of %s, which the change alters; the variant would not test it", name(p.after))
		}
		if by := used[p.key]; by != nil {
			return fmt.Errorf("%s: still refers to %s, which the change alters, in a field that does not follow; "+
				"patch it to %s under spec.candidate.patches in %s", name(by.out), name(p.after), p.out.GetName(), b.file)
		}
		if used[b.candidate.key(p.out)] == nil {
			return fmt.Errorf("%s: is cloned for the variant as %s, and nothing in the variant refers to it; let the target refer to it, or list it under spec.untested in %s",
				name(p.after), p.out.GetName(), b.file)
		}
	}
	return nil
}

// checkSelectors proves that baseline and variant do not select each other's
// pods, but for what traffic: shared means to share.
func (b *build) checkSelectors() error {
	live, err := b.baseline.selectors()
	if err != nil {
		return err
	}
	shared := b.plan.Candidate.Traffic == trafficShared
	for _, p := range b.clones {
		if p.out == nil || p.role == peerPolicy {
			continue
		}
		if err := b.checkOwnSelector(p); err != nil {
			return err
		}
		if p.role != target || shared {
			continue
		}
		if found := live.matching(p.key.Namespace, podLabels(p.out)); len(found) > 0 {
			return fmt.Errorf("%s: selects %s, which matches the pods of the variant %s although traffic is isolated; "+
				"give such a label another value under spec.candidate.labels in %s", name(found[0].owner), found[0].match, name(p.out), b.file)
		}
	}
	if shared {
		b.result.Selected = b.selected(live)
		for _, p := range b.clones {
			if p.out != nil {
				addOption(p.out, syncOptions, pruneLast)
			}
		}
	}
	return nil
}

// checkOwnSelector makes sure that what the variant selects is the variant's.
func (b *build) checkOwnSelector(p *clone) error {
	s, ok, err := selectorOf(p.out)
	if err != nil || !ok {
		return err
	}
	if p.role == target && !s.match.Matches(labelSet(podLabels(p.out))) {
		return fmt.Errorf("%s: its selector %s does not match its own pods; look at spec.candidate.labels and patches in %s", name(p.out), s.match, b.file)
	}
	s.namespace = p.key.Namespace
	if found := b.baseline.pods().matching(s); len(found) > 0 {
		return fmt.Errorf("%s: selects %s, which matches the pods of the baseline's %s; "+
			"give the variant a label of its own under spec.candidate.labels in %s", name(p.out), s.match, name(found[0]), b.file)
	}
	return nil
}

// checkRoom refuses what two sets of pods cannot have at once.
func (b *build) checkRoom() error {
	for _, p := range b.targets() {
		at, _ := object.PodTemplate(p.out)
		spec := subMap(subMap(p.out.Object, at...), "spec")
		if spec["hostNetwork"] == true {
			return fmt.Errorf("%s: uses the host's network, so a variant's pods would take the ports of the baseline's; "+
				"patch hostNetwork under spec.candidate.patches in %s, or use candidate.mode inPlace", name(p.after), b.file)
		}
		if hasHostPort(spec) {
			return fmt.Errorf("%s: uses a hostPort, which only one pod of a node can have; patch it away under spec.candidate.patches in %s, or use candidate.mode inPlace", name(p.after), b.file)
		}
		if err := b.checkClaims(p, spec); err != nil {
			return err
		}
		if err := b.checkStrategy(p); err != nil {
			return err
		}
	}
	return nil
}

func hasHostPort(spec map[string]any) bool {
	for _, list := range []string{"containers", "initContainers"} {
		containers, _ := spec[list].([]any)
		for _, c := range containers {
			container, _ := c.(map[string]any)
			ports, _ := container["ports"].([]any)
			for _, item := range ports {
				port, _ := item.(map[string]any)
				if n, ok := port["hostPort"]; ok && n != nil && n != int64(0) && n != float64(0) {
					return true
				}
			}
		}
	}
	return false
}

// checkClaims refuses to share a volume that one node or one pod alone may write.
func (b *build) checkClaims(p *clone, spec map[string]any) error {
	volumes, _ := spec["volumes"].([]any)
	own := claimTemplates(p.out)
	for _, v := range volumes {
		volume, _ := v.(map[string]any)
		claim, _ := subMap(volume, "persistentVolumeClaim")["claimName"].(string)
		if mounted, _ := volume["name"].(string); claim == "" || own[mounted] {
			continue
		}
		key := b.baseline.key(p.out)
		o := b.baseline.byKey[object.Key{Kind: "PersistentVolumeClaim", Namespace: key.Namespace, Name: claim}]
		if o == nil {
			b.warn("%s: mounts PersistentVolumeClaim/%s, which is not in this environment; the variant shares it, and cannot start if it is ReadWriteOnce on another node", name(p.out), claim)
			continue
		}
		modes, _, _ := unstructured.NestedStringSlice(o.Object, "spec", "accessModes")
		if slices.Contains(modes, "ReadWriteMany") || slices.Contains(modes, "ReadOnlyMany") {
			continue
		}
		return fmt.Errorf("%s: mounts PersistentVolumeClaim/%s, whose access modes do not let a variant's pods mount it beside the baseline's; "+
			"patch in another volume under spec.candidate.patches in %s, make it ReadWriteMany, or use candidate.mode inPlace", name(p.after), claim, b.file)
	}
	return nil
}

// claimTemplates are the names of the volumes for which each pod of a StatefulSet gets
// a claim of its own: they supersede volumes of the same name.
func claimTemplates(o *unstructured.Unstructured) map[string]bool {
	names := map[string]bool{}
	if o.GetKind() != "StatefulSet" {
		return names
	}
	list, _ := subMap(o.Object, "spec")["volumeClaimTemplates"].([]any)
	for _, item := range list {
		template, _ := item.(map[string]any)
		if n, ok := subMap(template, "metadata")["name"].(string); ok {
			names[n] = true
		}
	}
	return names
}

// checkStrategy refuses a Rollout that would steer the baseline's Services.
func (b *build) checkStrategy(p *clone) error {
	if p.out.GetKind() != "Rollout" {
		return nil
	}
	for _, f := range [][2]string{{"canary", "canaryService"}, {"canary", "stableService"}, {"blueGreen", "activeService"}, {"blueGreen", "previewService"}} {
		if subMap(p.out.Object, "spec", "strategy", f[0])[f[1]] != nil {
			return fmt.Errorf("%s: spec.strategy.%s.%s names a Service, which a second Rollout would take over; use candidate.mode inPlace in %s", name(p.after), f[0], f[1], b.file)
		}
	}
	return nil
}
