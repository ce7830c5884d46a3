package variant

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/kustomize/api/builtins"
	"sigs.k8s.io/kustomize/api/provider"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/resource"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/openapi"
	"sigs.k8s.io/kustomize/kyaml/yaml"
	sigsyaml "sigs.k8s.io/yaml"
)

// patch applies the plan's patches to the variant, as Kustomize does. They
// may name an object as the variant or as the baseline calls it.
func (b *build) patch() error {
	all, err := b.resources(true)
	if err != nil {
		return err
	}
	if err := b.checkIntact(all); err != nil {
		return err
	}
	made := slices.Clone(all.Resources())
	for i, patch := range b.plan.Candidate.Patches {
		if reason := b.applyPatch(all, patch); reason != "" {
			return b.fail(fmt.Sprintf("candidate.patches[%d]", i), "%s", reason)
		}
	}
	for i, p := range b.pieces {
		res := made[i]
		if !slices.Contains(all.Resources(), res) || res.IsNilOrEmpty() {
			if p.role == target {
				return b.fail("candidate.patches", "they delete %s, which is under test", name(p.out))
			}
			p.out = nil
			continue
		}
		patched, err := plain(res)
		if err != nil {
			return fmt.Errorf("%s: %w", name(p.out), err)
		}
		o := &unstructured.Unstructured{Object: patched}
		if o.GroupVersionKind() != p.out.GroupVersionKind() || o.GetNamespace() != p.out.GetNamespace() {
			return b.fail("candidate.patches", "they change the kind or the namespace of %s; a variant keeps both", name(p.out))
		}
		p.out = o
	}
	return nil
}

// checkIntact refuses to patch what Kustomize would alter in passing.
func (b *build) checkIntact(all resmap.ResMap) error {
	for i, res := range all.Resources() {
		p := b.pieces[i]
		same, err := plain(res.DeepCopy())
		if err != nil {
			return fmt.Errorf("%s: %w", name(p.out), err)
		}
		if lost := paths(p.out.Object, same); len(lost) > 0 {
			return fmt.Errorf("%s: Kustomize would alter %s as it applies spec.candidate.patches of %s; "+
				"write the field in another way, or do without patches", name(p.after), lost[0], b.file)
		}
	}
	return nil
}

// plain returns the resource's content less Kustomize's own annotations.
func plain(res *resource.Resource) (map[string]any, error) {
	res.RemoveBuildAnnotations()
	c, err := content(res)
	if err == nil && len(subMap(c, "metadata", "annotations")) == 0 {
		unstructured.RemoveNestedField(c, "metadata", "annotations")
	}
	return c, err
}

// applyPatch applies one patch, or gives the reason why it cannot.
func (b *build) applyPatch(all resmap.ResMap, patch types.Patch) (reason string) {
	if patch.Path != "" {
		return "path is not supported for the variant's patches; put the patch inline, under patch"
	}
	strategic, ok := isStrategic(patch.Patch)
	if !ok {
		return "is neither a strategic merge patch nor a JSON patch"
	}
	if !strategic {
		// Kustomize takes what begins with a bracket for JSON, never YAML.
		if text, err := sigsyaml.YAMLToJSON([]byte(patch.Patch)); err == nil {
			patch.Patch = string(text)
		}
	}
	matched, reason := patched(all, patch, strategic)
	if reason != "" {
		return reason
	}
	if len(matched) == 0 {
		return "matches nothing in the variant, which has " + b.outNames()
	}
	for _, res := range matched {
		gvk := res.GetGvk()
		if strategic && openapi.SchemaForResourceType(yaml.TypeMeta{APIVersion: gvk.ApiVersion(), Kind: gvk.Kind}) == nil {
			return fmt.Sprintf("a strategic merge would replace whole lists of %s/%s, and drop containers, since Kustomize has no schema of its kind; use a JSON patch", gvk.Kind, res.GetName())
		}
	}
	return transform(all, patch)
}

// isStrategic tells a strategic merge patch from a JSON patch.
func isStrategic(text string) (strategic, ok bool) {
	var v any
	if err := sigsyaml.Unmarshal([]byte(firstDocument(text)), &v); err != nil {
		return false, false
	}
	switch v.(type) {
	case map[string]any:
		return true, true
	case []any:
		return false, true
	}
	return false, false
}

func firstDocument(text string) string {
	text = strings.TrimPrefix(strings.TrimSpace(text), "---\n")
	first, _, _ := strings.Cut(text, "\n---")
	return first
}

// patched returns the resources that the patch is for.
func patched(all resmap.ResMap, patch types.Patch, strategic bool) (found []*resource.Resource, reason string) {
	if patch.Target != nil {
		found, err := all.Select(*patch.Target)
		if err != nil {
			return nil, "target: " + firstLine(err)
		}
		return found, ""
	}
	if !strategic {
		return nil, "a JSON patch needs a target"
	}
	patches, err := provider.NewDefaultDepProvider().GetResourceFactory().SliceFromBytes([]byte(patch.Patch))
	if err != nil {
		return nil, "is no object with apiVersion, kind and metadata.name; add them, or a target"
	}
	for _, one := range patches {
		res, err := all.GetById(one.OrgId())
		if err != nil {
			return nil, ""
		}
		found = append(found, res)
	}
	return found, ""
}

// transform runs Kustomize's own patch transformer.
func transform(all resmap.ResMap, patch types.Patch) (reason string) {
	config, err := sigsyaml.Marshal(patch)
	if err != nil {
		return "cannot be written as YAML"
	}
	dep := provider.NewDefaultDepProvider()
	plugin := builtins.NewPatchTransformerPlugin()
	helpers := resmap.NewPluginHelpers(nil, dep.GetFieldValidator(), resmap.NewFactory(dep.GetResourceFactory()), types.DisabledPluginConfig())
	if err := plugin.Config(helpers, config); err != nil {
		return "is neither a strategic merge patch nor a JSON patch"
	}
	if err := plugin.Transform(all); err != nil {
		return "cannot be applied: " + firstLine(err)
	}
	return ""
}

// firstLine keeps a library's message short, and free of what it quotes below.
func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return clip(line)
}

func (b *build) outNames() string {
	var names []string
	for _, p := range b.pieces {
		names = append(names, name(p.out))
	}
	return strings.Join(names, ", ")
}

func contains(list []any, v any) bool {
	return slices.ContainsFunc(list, func(item any) bool { return reflect.DeepEqual(item, v) })
}
