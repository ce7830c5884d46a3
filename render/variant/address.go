package variant

import (
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/object"
)

// addresses looks for what in the variant addresses a Service of a target: environment
// variables, arguments, and ConfigMaps that the targets read. That Service is the
// baseline's, and the variant has a copy. Where the plan says so, the variant calls the
// copy: this comes before the clones are named, since ConfigMaps that change are cloned
// with them. Else it is a warning.
func (b *build) addresses() {
	services := newAddressBook(b.having(service))
	if len(services.list) == 0 {
		return
	}
	for _, p := range b.targets() {
		b.addressesOf(p, services)
	}
	for _, p := range b.readConfigMaps() {
		b.addressesOf(p, services)
	}
}

// readConfigMaps are the ConfigMaps that targets read, as clones. Those that are not part
// of the variant yet are added once they have to change.
func (b *build) readConfigMaps() []*clone {
	var out []*clone
	seen := map[object.Key]bool{}
	for _, t := range b.targets() {
		for _, k := range b.references(t.after) {
			o := b.candidate.byKey[k]
			if k.Kind != "ConfigMap" || o == nil || seen[k] {
				continue
			}
			seen[k] = true
			p := b.byKey[k]
			if p == nil {
				p = b.newClone(dependency, b.baseline.get(o), o)
				p.out = o.DeepCopy()
				strip(p.out)
			}
			out = append(out, p)
		}
	}
	return out
}

// addressesOf rewrites the addresses of one object, or warns of them.
func (b *build) addressesOf(p *clone, services *addressBook) {
	rewrite := b.plan.Candidate.RewriteAddresses
	var found []string
	visit := func(where, key string, set func(string), text string) {
		for rest := services.in(text, 0); len(rest) > 0; {
			i := rest[0]
			s := services.list[i]
			rest = rest[1:]
			a := address{name: s.key.Name, namespace: s.key.Namespace, same: s.key.Namespace == p.key.Namespace}
			after, ok := a.replace(text, key, b.finalName(s))
			if !ok {
				continue
			}
			found = append(found, fmt.Sprintf("%s addresses %s", where, name(s.after)))
			if rewrite {
				text = after
				set(after)
				rest = services.in(text, i+1)
			}
		}
	}
	eachText(p.out, visit)
	if found = slices.Compact(found); len(found) == 0 {
		return
	}
	if !rewrite {
		b.warn("%s: the variant calls the baseline's own: %s; spec.candidate.rewriteAddresses: true in %s points it at the variant's copy", name(p.after), strings.Join(found, ", "), b.file)
		return
	}
	if b.byKey[p.key] == nil {
		b.add(p)
	}
	for _, f := range found {
		b.result.Rewritten = append(b.result.Rewritten, fmt.Sprintf("%s of the variant: %s, and is pointed at the variant's copy", name(p.after), f))
	}
}

// eachText visits the texts of an object that may address a Service: of a workload the
// variables, commands and arguments of its containers, of a ConfigMap its data.
func eachText(o *unstructured.Unstructured, visit func(where, key string, set func(string), text string)) {
	if o.GetKind() == "ConfigMap" {
		data := subMap(o.Object, "data")
		for _, key := range slices.Sorted(maps.Keys(data)) {
			if text, ok := data[key].(string); ok {
				visit("data "+key, key, func(to string) { data[key] = to }, text)
			}
		}
		return
	}
	path, ok := object.PodTemplate(o)
	if !ok {
		return
	}
	pod := subMap(o.Object, append(path[:len(path):len(path)], "spec")...)
	for _, list := range []string{"initContainers", "containers"} {
		for _, c := range mappings(pod[list]) {
			for _, v := range mappings(c["env"]) {
				variable, _ := v["name"].(string)
				if text, ok := v["value"].(string); ok {
					visit("variable "+variable, variable, func(to string) { v["value"] = to }, text)
				}
			}
			for _, field := range []string{"command", "args"} {
				items, _ := c[field].([]any)
				for i, item := range items {
					if text, ok := item.(string); ok {
						visit("an argument", "", func(to string) { items[i] = to }, text)
					}
				}
			}
		}
	}
}

// addressBook finds the Services that a text may address without trying all of them.
type addressBook struct {
	list   []*clone
	byWord map[string][]int // positions in list, by the name
	odd    []int            // those whose name is more than one word
}

func newAddressBook(services []*clone) *addressBook {
	book := &addressBook{list: services, byWord: map[string][]int{}}
	for i, s := range services {
		if strings.IndexFunc(s.key.Name, betweenWords) >= 0 {
			book.odd = append(book.odd, i)
		} else {
			book.byWord[s.key.Name] = append(book.byWord[s.key.Name], i)
		}
	}
	return book
}

// betweenWords reports whether a character ends a word: what may stand before and after a
// name in an address does.
func betweenWords(r rune) bool {
	return r != '-' && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9')
}

// in returns the positions, from one on, of the Services whose names are words of the text, in order.
func (book *addressBook) in(text string, from int) []int {
	found := slices.Clone(book.odd)
	for word := range strings.FieldsFuncSeq(text, betweenWords) {
		found = append(found, book.byWord[word]...)
	}
	slices.Sort(found)
	found = slices.Compact(found)
	return found[sort.SearchInts(found, from):]
}

// address is how a Service is reached.
type address struct {
	name, namespace string
	same            bool // the one who calls is in the namespace: the name alone will do
}

// replace gives the Service's name in a text another one, wherever it is an address: the
// host of a URL, a name with a port, a name in the cluster's DNS, or a text that is the
// name alone under a key that says host or the like.
func (a address) replace(text, key, to string) (string, bool) {
	if a.same && strings.TrimSpace(text) == a.name {
		return strings.Replace(text, a.name, to, 1), namesHost(key)
	}
	var out strings.Builder
	found := false
	rest, before := text, byte(0)
	for {
		i := strings.Index(rest, a.name)
		if i < 0 {
			out.WriteString(rest)
			return out.String(), found
		}
		out.WriteString(rest[:i])
		if i > 0 {
			before = rest[i-1]
		}
		url := strings.HasSuffix(text[:len(text)-len(rest)+i], "//") || before == '@'
		rest = rest[i+len(a.name):]
		if (before == 0 || url || strings.IndexByte(" \t\r\n=,;:\"'[({|", before) >= 0) && a.ends(rest, url) {
			out.WriteString(to)
			found = true
		} else {
			out.WriteString(a.name)
		}
		before = a.name[len(a.name)-1]
	}
}

// ends reports whether what follows the name makes it the whole address of the Service.
func (a address) ends(rest string, url bool) bool {
	qualified := false
	if domain, found := strings.CutPrefix(rest, "."); found {
		i := strings.IndexFunc(domain, func(r rune) bool { return r != '.' && r != '-' && (r < 'a' || r > 'z') && (r < '0' || r > '9') })
		if i < 0 {
			i = len(domain)
		}
		namespace, cluster, _ := strings.Cut(strings.TrimSuffix(domain[:i], "."), ".")
		if namespace == "" || a.namespace != "" && namespace != a.namespace || cluster != "" && cluster != "svc" && !strings.HasPrefix(cluster, "svc.") {
			return false
		}
		if a.namespace == "" && cluster == "" {
			return false // it may be a host of the world
		}
		qualified, rest = true, domain[i:]
	} else if !a.same {
		return false
	}
	switch {
	case rest == "":
		return qualified || url
	case rest[0] == ':':
		return len(rest) > 1 && rest[1] >= '0' && rest[1] <= '9'
	}
	return (qualified || url) && strings.IndexByte("/?# \t\r\n,;\"')]}|", rest[0]) >= 0
}

// namesHost reports whether a key says that it holds the name of a host.
func namesHost(key string) bool {
	key = strings.ToLower(key)
	return slices.ContainsFunc([]string{"host", "addr", "url", "uri", "endpoint", "service", "svc", "backend", "upstream", "server"}, func(word string) bool { return strings.Contains(key, word) })
}
