package variant

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/kustomize/api/filters/patchjson6902"
	"sigs.k8s.io/kustomize/api/provider"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/resource"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/kio/kioutil"
	"sigs.k8s.io/kustomize/kyaml/openapi"
	"sigs.k8s.io/kustomize/kyaml/yaml"
	sigsyaml "sigs.k8s.io/yaml"

	"github.com/assaydev/assay/internal/excerpt"
)

// patch applies the plan's patches to the variant, as Kustomize does. They
// may name an object as the variant or as the baseline calls it; one that names
// none is for every target.
func (b *build) patch() error {
	all, err := b.resources(true)
	if err != nil {
		return err
	}
	if err := b.checkIntact(all); err != nil {
		return err
	}
	made, fields := slices.Clone(all.Resources()), b.watch()
	for i, patch := range b.plan.Candidate.Patches {
		if reason := b.applyPatch(all, b.under(all, made), patch); reason != "" {
			return b.fail(fmt.Sprintf("candidate.patches[%d]", i), "%s", reason)
		}
		see(fields, made, i)
	}
	for i, p := range b.clones {
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
			return b.fail("candidate.patches", "they leave of %s something that is not an object any more", name(p.out))
		}
		o := &unstructured.Unstructured{Object: patched}
		if o.GroupVersionKind() != p.out.GroupVersionKind() || o.GetNamespace() != p.out.GetNamespace() {
			return b.fail("candidate.patches", "they change the kind or the namespace of %s; a variant keeps both", name(p.out))
		}
		strip(o) // a patch must not bring back what would bind Argo CD to the copy
		p.out = o
	}
	return b.checkKept(fields)
}

// under are the resources of the targets.
func (b *build) under(all resmap.ResMap, made []*resource.Resource) []*resource.Resource {
	var out []*resource.Resource
	for i, p := range b.clones {
		if p.role == target && slices.Contains(all.Resources(), made[i]) {
			out = append(out, made[i])
		}
	}
	return out
}

// checkIntact refuses to patch what Kustomize would alter in passing.
func (b *build) checkIntact(all resmap.ResMap) error {
	for i, res := range all.Resources() {
		p := b.clones[i]
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
func (b *build) applyPatch(all resmap.ResMap, targets []*resource.Resource, patch types.Patch) (reason string) {
	if patch.Path != "" {
		return "path is not supported for the variant's patches; put the patch inline, under patch"
	}
	// Kustomize panics on some objects that are not objects any more.
	defer func() {
		if recover() != nil {
			reason = "leaves something that is not an object any more"
		}
	}()
	var apply func(resmap.ResMap, []*resource.Resource, types.Patch) (matched int, reason string)
	switch patchKind(patch.Patch) {
	case strategicMerge:
		apply = merge
	case jsonPatch:
		apply = edit
	default:
		return "is neither a strategic merge patch nor a JSON patch"
	}
	matched, reason := apply(all, targets, patch)
	if reason == "" && matched == 0 {
		return "matches nothing in the variant, which has " + b.outNames()
	}
	return reason
}

const (
	strategicMerge = "strategic merge"
	jsonPatch      = "JSON patch"
)

// patchKind tells a strategic merge patch from a JSON patch, and both from neither.
func patchKind(text string) string {
	text = strings.TrimPrefix(strings.TrimSpace(text), "---\n")
	first, _, _ := strings.Cut(text, "\n---")
	var v any
	if err := sigsyaml.Unmarshal([]byte(first), &v); err != nil {
		return ""
	}
	switch v.(type) {
	case map[string]any:
		return strategicMerge
	case []any:
		return jsonPatch
	}
	return ""
}

// edit applies a JSON patch to what its target selects, or to every target of the
// plan.
func edit(all resmap.ResMap, found []*resource.Resource, patch types.Patch) (matched int, reason string) {
	if patch.Target != nil {
		var err error
		if found, err = all.Select(*patch.Target); err != nil {
			return 0, "target: " + excerpt.FirstLine(err, longestText)
		}
	}
	// Kustomize takes what begins with a bracket for JSON, never for YAML.
	text, err := sigsyaml.YAMLToJSON([]byte(patch.Patch))
	if err != nil {
		return 0, "is not one YAML document"
	}
	for _, res := range found {
		id, known := res.GetKind()+"/"+res.GetName(), kioutil.GetInternalAnnotations(&res.RNode)
		if err := res.ApplyFilter(patchjson6902.Filter{Patch: string(text)}); err != nil {
			return 0, "cannot be applied to " + id + ": " + excerpt.FirstLine(err, longestText)
		}
		annotations := res.GetAnnotations()
		maps.Copy(annotations, known)
		if err := res.SetAnnotations(annotations); err != nil {
			return 0, "leaves no annotations where Kustomize keeps them"
		}
	}
	return len(found), ""
}

// merge applies strategic merge patches to what the target selects, or to
// the objects that they name; one without a name to every target of the plan.
func merge(all resmap.ResMap, targets []*resource.Resource, patch types.Patch) (matched int, reason string) {
	var whole map[string]any
	if err := sigsyaml.Unmarshal([]byte(patch.Patch), &whole); err == nil && patch.Target == nil && subMap(whole, "metadata")["name"] == nil {
		return mergeEach(all, targets, whole)
	}
	patches, err := provider.NewDefaultDepProvider().GetResourceFactory().SliceFromBytes([]byte(patch.Patch))
	if err != nil || len(patches) == 0 {
		return 0, "is not an object with apiVersion, kind and metadata.name"
	}
	if patch.Target != nil && len(patches) > 1 {
		return 0, "holds several documents, which one target cannot serve"
	}
	for _, one := range patches {
		if patch.Options != nil && patch.Options.AllowNameChange {
			one.AllowNameChange()
		}
		var found []*resource.Resource
		if patch.Target != nil {
			if found, err = all.Select(*patch.Target); err != nil {
				return 0, "target: " + excerpt.FirstLine(err, longestText)
			}
		} else if res, err := all.GetById(one.OrgId()); err == nil {
			found = []*resource.Resource{res}
		}
		if len(found) == 0 {
			return 0, ""
		}
		if reason := schemaless(found); reason != "" {
			return 0, reason
		}
		if err := all.ApplySmPatch(resource.MakeIdSet(found), one); err != nil {
			return 0, "cannot be applied: " + excerpt.FirstLine(err, longestText)
		}
		matched += len(found)
	}
	return matched, ""
}

// mergeEach merges into each target of the kind that a patch without a name says,
// or of any.
func mergeEach(all resmap.ResMap, targets []*resource.Resource, patch map[string]any) (matched int, reason string) {
	for _, res := range targets {
		one := runtime.DeepCopyJSON(patch)
		makeMap(one, "metadata")["name"] = res.GetName()
		if !fills(one, "kind", res.GetKind()) || !fills(one, "apiVersion", res.GetApiVersion()) {
			continue
		}
		if reason := schemaless([]*resource.Resource{res}); reason != "" {
			return 0, reason
		}
		made, err := provider.NewDefaultDepProvider().GetResourceFactory().FromMap(one)
		if err != nil {
			return 0, "is not a part of an object"
		}
		if err := all.ApplySmPatch(resource.MakeIdSet([]*resource.Resource{res}), made); err != nil {
			return 0, "cannot be applied: " + excerpt.FirstLine(err, longestText)
		}
		matched++
	}
	return matched, ""
}

// fills gives a field that is not there a value, and reports whether it has that.
func fills(o map[string]any, field, value string) bool {
	if o[field] == nil {
		o[field] = value
	}
	return o[field] == value
}

// schemaless names a resource that a strategic merge would replace lists of.
func schemaless(found []*resource.Resource) (reason string) {
	for _, res := range found {
		gvk := res.GetGvk()
		if openapi.SchemaForResourceType(yaml.TypeMeta{APIVersion: gvk.ApiVersion(), Kind: gvk.Kind}) == nil {
			return fmt.Sprintf("a strategic merge would replace whole lists of %s/%s, and drop containers, since Kustomize has no schema of its kind; use a JSON patch",
				gvk.Kind, res.GetName())
		}
	}
	return ""
}

func (b *build) outNames() string {
	var names []string
	for _, p := range b.clones {
		names = append(names, name(p.out))
	}
	return strings.Join(names, ", ")
}

func contains(list []any, v any) bool {
	return slices.ContainsFunc(list, func(item any) bool { return reflect.DeepEqual(item, v) })
}
