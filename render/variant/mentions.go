package variant

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/object"
)

// mentions reports whether w refers to o by name: by a known reference, or in
// any field, of any kind, whose key says that it names an object of o's kind
// (secretName, configMapRef.name, backend.service.name, an annotation
// .../auth-secret ...). It would rather see a reference too many than one too
// few. A Role's resourceNames allow a use, and do not mention.
func mentions(w, o *unstructured.Unstructured) bool {
	named := object.Key{Kind: o.GetKind(), Namespace: w.GetNamespace(), Name: o.GetName()}
	if isDependency(o) && slices.Contains(object.References(w), named) {
		return true
	}
	m := mention{kind: o.GetKind(), name: o.GetName(), words: words(o.GetKind())}
	for k, v := range w.Object {
		switch k {
		case "apiVersion", "kind", "status":
		case "metadata":
			if m.in(subMap(w.Object, "metadata", "annotations"), "") {
				return true
			}
		default:
			if m.in(v, k) {
				return true
			}
		}
	}
	return false
}

// mention is a name looked for, and what a key that holds it may contain.
type mention struct {
	kind, name string
	words      []string
}

func words(kind string) []string {
	if kind == "Service" {
		return []string{"service", "backend", "host", "destination"}
	}
	return []string{strings.ToLower(kind)}
}

// in reports whether the value, held under key, has a mention.
func (m mention) in(v any, key string) bool {
	switch x := v.(type) {
	case map[string]any:
		if x["kind"] == m.kind && x["name"] == m.name {
			return true
		}
		return m.inMap(x, key)
	case []any:
		return slices.ContainsFunc(x, func(item any) bool { return m.in(item, key) })
	case string:
		return m.is(x) && m.fits(key) || m.kind == "Service" && m.isAddress(x)
	}
	return false
}

func (m mention) inMap(x map[string]any, key string) bool {
	for k, v := range x {
		switch k {
		case "labels", "matchLabels", "selector", "podSelector", "resourceNames":
			continue
		case "name", "namespace", "port", "secretName", "host", "hosts", "key", "value", "valueFrom":
			// What the parent is called says what it names.
			if m.in(v, key+"."+k) {
				return true
			}
		default:
			if m.in(v, k) {
				return true
			}
		}
	}
	return false
}

// fits reports whether a key may hold the name of an object of the kind.
func (m mention) fits(key string) bool {
	key = strings.ReplaceAll(strings.ToLower(key), "-", "")
	return slices.ContainsFunc(m.words, func(w string) bool { return strings.Contains(key, w) })
}

// is reports whether the text is the name, alone or after its namespace.
func (m mention) is(text string) bool {
	return text == m.name || strings.HasSuffix(text, "/"+m.name)
}

// isAddress reports whether the text addresses the Service: name:port, a URL
// with it as host, or its name in the cluster's DNS.
func (m mention) isAddress(text string) bool {
	for rest := text; ; {
		i := strings.Index(rest, m.name)
		if i < 0 {
			return false
		}
		before := rest[:i]
		after := rest[i+len(m.name):]
		starts := before == "" || strings.HasSuffix(before, "//") || strings.HasSuffix(before, "@") || strings.HasSuffix(before, "=") || strings.HasSuffix(before, ",")
		ends := strings.HasPrefix(after, ":") || strings.HasPrefix(after, ".") && strings.Contains(after, ".svc") ||
			strings.HasSuffix(before, "//") && (after == "" || strings.HasPrefix(after, "/") || strings.HasPrefix(after, "."))
		if starts && ends {
			return true
		}
		rest = after
	}
}
