package helm

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/json"
	kubeyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
	goyaml "sigs.k8s.io/yaml/goyaml.v2"
)

// splitStream parts a file at its document separators, as Argo CD does.
func splitStream(data []byte) ([][]byte, error) {
	reader := kubeyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(data)))
	var docs [][]byte
	for {
		doc, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return docs, nil
		}
		if err != nil {
			return nil, errors.New("a line starts with --- and goes on: nothing but a comment may follow a document separator")
		}
		docs = append(docs, doc)
	}
}

// decode turns documents into objects by Argo CD's rules: YAML to JSON to
// object, empty documents dropped, lists flattened once.
func (r *renderer) decode(ctx context.Context, docs []manifest) ([]*unstructured.Unstructured, error) {
	var objs []*unstructured.Unstructured
	for _, doc := range docs {
		if err := stopped(ctx, r.dir); err != nil {
			return nil, err
		}
		found, err := decodeOne(doc.text, r.opt.Limits.Depth)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", doc.where, err)
		}
		if objs = append(objs, found...); len(objs) > r.opt.Limits.Documents {
			return nil, fmt.Errorf("%s: the chart renders more than %d objects: make it render less, or raise the limit", r.dir, r.opt.Limits.Documents)
		}
	}
	return objs, nil
}

func decodeOne(text string, depth int) ([]*unstructured.Unstructured, error) {
	// Helm prints a newline after each document. It counts: a block scalar at
	// the end keeps it.
	data, err := yaml.YAMLToJSON([]byte(text + "\n"))
	if err != nil {
		return nil, errors.New("rendered YAML: " + yamlReason(err))
	}
	if data = bytes.TrimSpace(data); len(data) == 0 || bytes.Equal(data, []byte("null")) {
		return nil, nil
	}
	var content map[string]any
	if err := json.Unmarshal(data, &content); err != nil {
		return nil, errors.New("a rendered document is no object: a template prints text outside of one")
	}
	if !within(content, depth) {
		return nil, fmt.Errorf("a rendered object is nested deeper than %d: make it flatter, or raise the limit", depth)
	}
	o := &unstructured.Unstructured{Object: content}
	if o.GetKind() == "" {
		return nil, incomplete(o, "kind")
	}
	return flatten(o)
}

// flatten returns the items of a list, or o itself.
func flatten(o *unstructured.Unstructured) ([]*unstructured.Unstructured, error) {
	if isNullList(o) {
		return nil, nil
	}
	objs := []*unstructured.Unstructured{o}
	if o.IsList() {
		list, err := o.ToList()
		if err != nil {
			return nil, fmt.Errorf("%s: an item of the list is no object", o.GetKind())
		}
		objs = objs[:0]
		for i := range list.Items {
			objs = append(objs, &list.Items[i])
		}
	}
	for _, o := range objs {
		if err := check(o); err != nil {
			return nil, err
		}
	}
	return objs, nil
}

// isNullList reports whether o is a list whose items are null, which Argo CD drops.
func isNullList(o *unstructured.Unstructured) bool {
	_, spec := o.Object["spec"]
	_, status := o.Object["status"]
	items, has := o.Object["items"]
	return has && items == nil && !spec && !status
}

func check(o *unstructured.Unstructured) error {
	switch {
	case o.GetKind() == "":
		return incomplete(o, "kind")
	case o.GetAPIVersion() == "":
		return incomplete(o, "apiVersion")
	case o.GetName() == "" && o.GetGenerateName() == "":
		return incomplete(o, "metadata.name")
	}
	return nil
}

func incomplete(o *unstructured.Unstructured, field string) error {
	object := "a rendered object"
	if name := o.GetKind() + "/" + o.GetName(); name != "/" {
		object += " (" + clip(name, 100) + ")"
	}
	return fmt.Errorf("%s has no %s, or one that is no string", object, field)
}

func within(value any, depth int) bool {
	if depth < 0 {
		return false
	}
	switch value := value.(type) {
	case map[string]any:
		for _, v := range value {
			if !within(v, depth-1) {
				return false
			}
		}
	case []any:
		for _, v := range value {
			if !within(v, depth-1) {
				return false
			}
		}
	}
	return true
}

var alias = regexp.MustCompile(`(?:^|[\s\[{,])\*[^\s*]`)

// checkAliases refuses YAML whose aliases expand beyond the output limit. The
// parser bounds how many it follows, but not how long a text they repeat, and
// the SDK writes it all out as JSON.
func (r *renderer) checkAliases(doc []byte) error {
	if !bytes.ContainsRune(doc, '&') || !alias.Match(doc) {
		return nil
	}
	var value any
	if err := goyaml.Unmarshal(doc, &value); err != nil {
		return nil //nolint:nilerr // what reads the document next says what is wrong with it
	}
	if expanded(value, r.opt.Limits.OutputBytes) < 0 {
		return fmt.Errorf("YAML aliases expand to more than %d bytes: write the content out, or raise the limit", r.opt.Limits.OutputBytes)
	}
	return nil
}

// expanded returns what is left of budget once value is written out; below 0,
// it does not fit.
func expanded(value any, budget int64) int64 {
	budget -= 4
	switch value := value.(type) {
	case string:
		budget -= int64(len(value))
	case []any:
		for _, v := range value {
			if budget = expanded(v, budget); budget < 0 {
				return budget
			}
		}
	case map[any]any:
		for k, v := range value {
			if budget = expanded(v, expanded(k, budget)); budget < 0 {
				return budget
			}
		}
	}
	return budget
}
