package verify

import (
	"context"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/render"
)

// unknownNamespace stands for a namespace that nobody names here: Argo CD will.
const unknownNamespace = "assay-namespace"

// placed renders the environment as for a namespace that is known.
func placed(ctx context.Context, req render.Request, res *render.Result) (*render.Result, error) {
	if res.Namespace != "" || len(res.Injected) == 0 {
		return res, nil
	}
	req.Namespace = unknownNamespace
	return render.Environment(ctx, req)
}

// hosts warns of URLs in an experiment's objects whose host no Service of the
// environment has, or whose name alone means nothing where it is asked for.
func hosts(injected, rendered []*unstructured.Unstructured, namespace, suffix string) []string {
	known := services(rendered, suffix)
	if len(known) == 0 {
		return nil
	}
	var list []string
	for _, o := range injected {
		home := o.GetNamespace()
		if home == "" {
			home = namespace
		}
		for _, host := range hostsOf(o.Object) {
			if why := unresolved(o, host, home, namespace, known); why != "" {
				list = append(list, fmt.Sprintf("%s asks %s, %s", object.KeyOf(o), host, why))
			}
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// services are the names of the Services, with those of the copies that a candidate will
// have where there is none yet.
func services(rendered []*unstructured.Unstructured, suffix string) []string {
	var names []string
	for _, o := range rendered {
		if o.GetKind() == "Service" {
			names = append(names, o.GetName())
			if suffix != "" {
				names = append(names, o.GetName()+suffix)
			}
		}
	}
	return names
}

// unresolved says why a host is not one of a Service; empty where it is, or may be.
func unresolved(o *unstructured.Unstructured, host, home, namespace string, known []string) string {
	name, domain, qualified := strings.Cut(host, ".")
	in, cluster, _ := strings.Cut(domain, ".")
	switch {
	case !qualified && !slices.Contains(known, name):
		return "which is not a Service that renders here"
	case !qualified && askedElsewhere(o):
		return fmt.Sprintf("and its controller asks from a namespace of its own, where that name means nothing: name %s.%s", name, nameOf(home))
	case qualified && (cluster == "" || cluster == "svc" || strings.HasPrefix(cluster, "svc.")) && in == namespace && namespace != "" && !slices.Contains(known, name):
		return "which is not a Service that renders here"
	}
	return ""
}

func nameOf(namespace string) string {
	if namespace == "" || namespace == unknownNamespace {
		return "NAMESPACE"
	}
	return namespace
}

// askedElsewhere reports whether a controller sends the object's requests, and not a pod
// in its namespace.
func askedElsewhere(o *unstructured.Unstructured) bool {
	return o.GroupVersionKind().Group == "argoproj.io"
}

var urls = regexp.MustCompile(`https?://[^\s"'<>\\` + "`" + `]+`)

// hostsOf are the hosts of the URLs in an object, less addresses, and names that a shell
// or an engine fills in.
func hostsOf(value any) (list []string) {
	switch value := value.(type) {
	case map[string]any:
		for _, v := range value {
			list = append(list, hostsOf(v)...)
		}
	case []any:
		for _, v := range value {
			list = append(list, hostsOf(v)...)
		}
	case string:
		for _, text := range urls.FindAllString(value, -1) {
			u, err := url.Parse(text)
			if err != nil || u.Hostname() == "localhost" || !isName(u.Hostname()) {
				continue
			}
			list = append(list, u.Hostname())
		}
	}
	return list
}

// isName reports whether a host is a name, and not an address.
func isName(host string) bool {
	plain := strings.IndexFunc(host, func(r rune) bool { return r != '.' && r != '-' && (r < 'a' || r > 'z') && (r < '0' || r > '9') }) < 0
	return plain && host != "" && host[0] >= 'a' && host[0] <= 'z'
}
