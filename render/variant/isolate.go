package variant

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"sort"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation"
)

func labelSet(m map[string]string) labels.Set { return labels.Set(m) }

// isolate keeps the baseline's traffic from the variant: in each target the
// value of one label takes the suffix, so that no selector of the baseline
// matches a pod of the variant. Services and NetworkPolicies that select a
// target get a copy for the variant.
func (b *build) isolate() error {
	live, err := b.baseline.selectors()
	if err != nil {
		return err
	}
	targets := b.targets()
	shared := b.commonLabel(live, targets)
	for _, p := range targets {
		key := shared
		if key == "" {
			if key, err = b.apartLabel(live, p); err != nil {
				return err
			}
		}
		if key != "" {
			setPodLabels(p.out, map[string]string{key: b.suffixed(podLabels(p.out)[key])})
		}
		p.follow()
	}
	b.warnLeftBehind()
	if err := b.addServices(); err != nil {
		return err
	}
	return b.addPolicies()
}

// warnLeftBehind names what watches a target's pods and not its variant's.
func (b *build) warnLeftBehind() {
	for _, s := range b.baseline.watchers() {
		for _, p := range b.selectable.matching(s) {
			if !s.match.Matches(labelSet(podLabels(p.out))) {
				b.warn("%s selects the pods of %s, and not those of its variant, since traffic is isolated", name(s.owner), name(p.after))
			}
		}
	}
}

// commonLabel returns the first label that sets every target apart, so that
// Services which select several targets can follow; or nothing.
func (b *build) commonLabel(live *selectorIndex, targets []*clone) string {
	if len(targets) < 2 {
		return ""
	}
	for _, key := range labelChoice(targets[0].out) {
		if !slices.ContainsFunc(targets, func(p *clone) bool {
			return !slices.Contains(labelChoice(p.out), key) || len(b.matching(live, p, key)) > 0
		}) {
			return key
		}
	}
	return ""
}

// apartLabel returns the label that sets one target apart, or nothing if its
// pods are apart already.
func (b *build) apartLabel(live *selectorIndex, p *clone) (string, error) {
	rest := b.matching(live, p, "")
	if len(rest) == 0 {
		return "", nil
	}
	for _, key := range labelChoice(p.out) {
		left := b.matching(live, p, key)
		if len(left) == 0 {
			return key, nil
		}
		if len(left) < len(rest) {
			rest = left
		}
	}
	var findings []string
	for _, s := range rest {
		findings = append(findings, fmt.Sprintf("%s selects %s", name(s.owner), s.match))
	}
	return "", join(name(p.after)+": no label of its selector can keep the baseline's traffic from the variant:", findings,
		"Give such a label another value under spec.candidate.labels in "+b.file+", or set traffic: shared")
}

// matching returns the selectors that would match the target's pods once the
// label key has taken the suffix.
func (b *build) matching(live *selectorIndex, p *clone, key string) []selector {
	pod := podLabels(p.out)
	if key != "" {
		pod[key] = b.suffixed(pod[key])
	}
	return live.matching(p.key.Namespace, pod)
}

// labelChoice returns the labels that may take the suffix, the preferred
// first: those that the workload selects its pods by or, where it has no
// selector, all labels of its pods.
func labelChoice(o *unstructured.Unstructured) []string {
	pod := podLabels(o)
	var keys []string
	if path, plain := selectorPath(o); path != nil {
		content := subMap(o.Object, path...)
		equals := content
		if !plain {
			equals = subMap(content, "matchLabels")
		}
		for k := range equals {
			keys = append(keys, k)
		}
		expressions, _ := content["matchExpressions"].([]any)
		for _, e := range expressions {
			if m, _ := e.(map[string]any); m["operator"] == "In" {
				k, _ := m["key"].(string)
				keys = append(keys, k)
			}
		}
	}
	if len(keys) == 0 {
		for k := range pod {
			keys = append(keys, k)
		}
	}
	keys = slices.DeleteFunc(keys, func(k string) bool { _, ok := pod[k]; return !ok })
	sort.Slice(keys, func(i, j int) bool {
		if a, b := rank(keys[i]), rank(keys[j]); a != b {
			return a < b
		}
		return keys[i] < keys[j]
	})
	return slices.Compact(keys)
}

// rank orders labels by how surely their value is the workload's own name.
// The instance comes last: Argo CD may track objects by it.
func rank(key string) int {
	preferred := []string{"app.kubernetes.io/name", "app", "app.kubernetes.io/component", "k8s-app"}
	if i := slices.Index(preferred, key); i >= 0 {
		return i
	}
	if key == "app.kubernetes.io/instance" {
		return len(preferred) + 1
	}
	return len(preferred)
}

// suffixed returns a label's value with the suffix.
func (b *build) suffixed(value string) string {
	if value == "" {
		return strings.TrimLeft(b.suffix, "-._")
	}
	return joined(value, b.suffix, validation.LabelValueMaxLength)
}

// joined is a text with a suffix. One that grows too long is cut, and a hash of
// the whole tells it from others.
func joined(text, suffix string, most int) string {
	if len(text)+len(suffix) <= most {
		return text + suffix
	}
	sum := sha256.Sum256([]byte(text))
	hash := hex.EncodeToString(sum[:4])
	room := most - len("-"+hash+suffix)
	if room < 1 {
		return hash + suffix[len(suffix)-min(len(suffix), most-len(hash)):]
	}
	return strings.TrimRight(text[:room], "-._") + "-" + hash + suffix
}
