package variant

import (
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/object"
)

// hashAlphabet is what Kustomize's content hashes consist of, ten characters
// each (api/hasher/hasher.go).
const hashAlphabet = "2456789bcdfghkmt"

// unhashed returns the name of a ConfigMap or Secret less its content hash.
func unhashed(k object.Key) (name string, ok bool) {
	const length = 10
	cut := len(k.Name) - length - 1
	if k.Group != "" || k.Kind != "ConfigMap" && k.Kind != "Secret" || cut < 1 || k.Name[cut] != '-' {
		return "", false
	}
	return k.Name[:cut], strings.Trim(k.Name[cut+1:], hashAlphabet) == ""
}

// difference is one object that the two renders do not agree on.
type difference struct {
	before *unstructured.Unstructured // nil: the change adds it
	after  *unstructured.Unstructured // nil: the change removes it
}

// one returns the object as it is after the change, or as it was.
func (d difference) one() *unstructured.Unstructured {
	if d.after != nil {
		return d.after
	}
	return d.before
}

// pair lists the differences: in the candidate's order, then what is removed
// in the baseline's order.
func pair(baseline, candidate *set) []difference {
	was, is := identities(baseline), identities(candidate)
	before := make(map[object.Key]*unstructured.Unstructured, len(was))
	for i, k := range was {
		before[k] = baseline.list[i]
	}
	var changed []difference
	kept := make(map[object.Key]bool, len(is))
	for i, k := range is {
		kept[k] = true
		if old, now := before[k], candidate.list[i]; old == nil || !object.Same(old, now) {
			changed = append(changed, difference{old, now})
		}
	}
	var removed []*unstructured.Unstructured
	for i, k := range was {
		if !kept[k] {
			removed = append(removed, baseline.list[i])
		}
	}
	return joinRenamed(baseline, changed, removed)
}

// identities returns a key for every object. Objects with generateName have
// no name: they are told apart by their order.
func identities(s *set) []object.Key {
	keys := make([]object.Key, len(s.list))
	nth := map[object.Key]int{}
	for i, o := range s.list {
		k := s.key(o)
		if k.Name == "" {
			k.Name = o.GetGenerateName() + "*"
			nth[k]++
			k.Name += strconv.Itoa(nth[k])
		}
		keys[i] = k
	}
	return keys
}

// joinRenamed makes one difference of an object that is removed under one
// content hash and added under another.
func joinRenamed(s *set, changed []difference, removed []*unstructured.Unstructured) []difference {
	stem := func(o *unstructured.Unstructured) (k object.Key, ok bool) {
		k = s.key(o)
		k.Name, ok = unhashed(k)
		return k, ok
	}
	old := map[object.Key][]*unstructured.Unstructured{}
	for _, o := range removed {
		if k, ok := stem(o); ok {
			old[k] = append(old[k], o)
		}
	}
	joined := map[*unstructured.Unstructured]bool{}
	for i, d := range changed {
		if d.before != nil {
			continue
		}
		if k, ok := stem(d.after); ok && len(old[k]) > 0 {
			changed[i].before = old[k][0]
			joined[old[k][0]] = true
			old[k] = old[k][1:]
		}
	}
	for _, o := range removed {
		if !joined[o] {
			changed = append(changed, difference{before: o})
		}
	}
	return changed
}

// metadataOnly reports whether the object differs in its own labels and
// annotations alone. A Pod's labels are those of its pod, so they count.
func (d difference) metadataOnly() bool {
	if d.before == nil || d.after == nil || (d.after.GetKind() == "Pod" && d.after.GroupVersionKind().Group == "") {
		return false
	}
	return object.Equal(bare(d.before), bare(d.after))
}

// bare returns the object's content less metadata.labels and
// metadata.annotations. It shares the rest with the object.
func bare(o *unstructured.Unstructured) map[string]any {
	content := make(map[string]any, len(o.Object))
	for k, v := range o.Object {
		content[k] = v
	}
	if meta, ok := content["metadata"].(map[string]any); ok {
		rest := make(map[string]any, len(meta))
		for k, v := range meta {
			if k != "labels" && k != "annotations" {
				rest[k] = v
			}
		}
		content["metadata"] = rest
	}
	return content
}

// paths lists the fields in which two values differ, sorted. It names fields
// and never values: they may be secret.
func paths(a, b any) []string {
	var out []string
	walkPaths("", a, b, &out)
	sort.Strings(out)
	return slices.Compact(out)
}

func walkPaths(at string, a, b any, out *[]string) {
	if object.Equal(a, b) {
		return
	}
	switch x := a.(type) {
	case map[string]any:
		if y, ok := b.(map[string]any); ok {
			for k := range x {
				walkPaths(field(at, k), x[k], y[k], out)
			}
			for k := range y {
				if _, ok := x[k]; !ok {
					walkPaths(field(at, k), nil, y[k], out)
				}
			}
			return
		}
	case []any:
		if y, ok := b.([]any); ok && len(x) == len(y) {
			for i := range x {
				walkPaths(fmt.Sprintf("%s[%d]", at, i), x[i], y[i], out)
			}
			return
		}
	}
	*out = append(*out, at)
}

func field(at, key string) string {
	if strings.ContainsAny(key, "./[") {
		return at + "[" + key + "]"
	}
	if at == "" {
		return key
	}
	return at + "." + key
}

// describe says in a few words what became of the object.
func (d difference) describe() string {
	switch {
	case d.before == nil:
		return "added"
	case d.after == nil:
		return "removed"
	}
	const most = 3
	changed := paths(d.before.Object, d.after.Object)
	if d.before.GetName() != d.after.GetName() {
		changed = slices.DeleteFunc(changed, func(p string) bool { return p == "metadata.name" })
	}
	if len(changed) == 0 {
		return "renamed from " + d.before.GetName()
	}
	text := excerpt.Cut(strings.Join(changed[:min(most, len(changed))], ", "), longestText)
	if len(changed) > most {
		text += fmt.Sprintf(" and %d more fields", len(changed)-most)
	}
	return text + " changed"
}

// longestText bounds untrusted text in a message, in bytes.
const longestText = 200
