package object

import (
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Files prints objects to one file each: as JSON where asked for, else as YAML.
func (p *Printer) Files(objs []*unstructured.Unstructured, json bool) (map[string][]byte, error) {
	contents := map[string][]byte{}
	for _, o := range objs {
		format, data, err := "yaml", []byte(nil), error(nil)
		if json {
			format = "json"
			data, err = p.JSON(o.Object)
		} else {
			data, err = p.YAML(o)
		}
		if err != nil {
			return nil, err
		}
		contents[fileName(o, format, contents)] = data
	}
	return contents, nil
}

// fileName is kind-name, with the namespace, the group and a number added for
// as long as the name is taken.
func fileName(o *unstructured.Unstructured, format string, taken map[string][]byte) string {
	name := o.GetName()
	if name == "" {
		name = o.GetGenerateName()
	}
	parts := []string{o.GetKind() + "-" + name}
	more := []string{o.GetNamespace(), o.GroupVersionKind().Group}
	for number := 2; ; {
		candidate := safe(strings.Join(parts, "-")) + "." + format
		if _, found := taken[candidate]; !found {
			return candidate
		}
		switch {
		case len(more) > 0 && more[0] != "":
			parts, more = append(parts, more[0]), more[1:]
		case len(more) > 0:
			more = more[1:]
		default:
			parts = append(parts[:1:1], strconv.Itoa(number))
			number++
		}
	}
}

// safe keeps what is plain in a file name on every system.
func safe(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '-', r == '.':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '_'
	}, name)
}
