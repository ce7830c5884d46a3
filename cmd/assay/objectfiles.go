package main

import (
	"context"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/promote/worktree"
)

// writeObjects writes one file for each object to a new or empty directory.
func (a *app) writeObjects(ctx context.Context, dir, format string, objs []*unstructured.Unstructured, out *output) error {
	contents := map[string][]byte{}
	for _, o := range objs {
		data, err := encodeObject(o, format, out)
		if err != nil {
			return err
		}
		contents[fileName(o, format, contents)] = data
	}
	return a.write(ctx, func() error { return worktree.Fill(ctx, dir, contents) })
}

func encodeObject(o *unstructured.Unstructured, format string, out *output) ([]byte, error) {
	if format == formatJSON {
		return out.json(o.Object)
	}
	return out.yaml(o)
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
