package change

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"path"
	"slices"

	"helm.sh/helm/v3/pkg/strvals"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// source is one place that a chart's values come from.
type source struct {
	label    string // for messages: a file, or a field of the plan
	file     string // empty for a field of the plan
	document int    // in the file
	chart    bool   // the chart's own values.yaml
	inside   bool   // a file of the environment: it can be edited
	values   map[string]any
}

// sources are all of them in the order in which they apply; the last wins.
func (m *maker) sources() ([]source, error) {
	var out []source
	for _, file := range m.ValueFiles {
		docs, err := m.valueDocuments(file)
		if err != nil {
			return nil, err
		}
		inside, err := m.tree.inside(file)
		if err != nil {
			return nil, err
		}
		for i, doc := range docs {
			values, err := decodeValues(file, doc)
			if err != nil {
				return nil, err
			}
			out = append(out, source{label: file, file: file, document: i, chart: file == path.Join(m.Dir, "values.yaml"), inside: inside, values: values})
		}
	}
	return m.planSources(out)
}

// valueDocuments are the documents of a value file that Helm reads: Helm 3 the first,
// Helm 4 all of them, the later laid over the earlier.
func (m *maker) valueDocuments(file string) ([][]byte, error) {
	data, err := m.tree.read(file)
	if err != nil || m.helmVersion() == "v3" {
		return [][]byte{data}, err
	}
	var docs [][]byte
	reader := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(data)))
	for {
		doc, err := reader.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%s: read values: %w", file, err)
		}
		docs = append(docs, doc)
	}
	if len(docs) < 2 {
		return [][]byte{data}, nil
	}
	parsed, err := m.tree.file(file)
	if err != nil {
		return nil, err
	}
	if parsed.Documents() != len(docs) {
		return nil, fmt.Errorf("%s: Helm reads %d documents of values, and YAML has %d: make it one document", file, len(docs), parsed.Documents())
	}
	return docs, nil
}

// planSources adds what the plan sets itself, in Argo CD's order.
func (m *maker) planSources(out []source) ([]source, error) {
	if m.Plan == nil || m.Plan.Spec.Helm == nil {
		return out, nil
	}
	h := m.Plan.Spec.Helm
	label := func(field string) string { return m.PlanFile + ": spec.helm." + field }
	if h.ValuesObject != nil {
		out = append(out, source{label: label("valuesObject"), values: whole(h.ValuesObject).(map[string]any)}) //nolint:errcheck // a map stays one
	} else if h.Values != "" {
		values, err := decodeValues(label("values"), []byte(h.Values))
		if err != nil {
			return nil, err
		}
		out = append(out, source{label: label("values"), values: values})
	}
	for i, p := range h.Parameters {
		out = append(out, source{label: label(fmt.Sprintf("parameters[%d]", i)), values: parameter(p.Name)})
	}
	for i, p := range h.FileParameters {
		out = append(out, source{label: label(fmt.Sprintf("fileParameters[%d]", i)), values: parameter(p.Name)})
	}
	return out, nil
}

// parameter is what a --set of the name would touch.
func parameter(name string) map[string]any {
	values := map[string]any{}
	// What cannot be parsed is refused by the render.
	_ = strvals.ParseIntoString(name+"=set", values)
	return values
}

func decodeValues(label string, data []byte) (map[string]any, error) {
	values := map[string]any{}
	if err := yaml.Unmarshal(data, &values); err != nil {
		return nil, fmt.Errorf("%s: its values are not a YAML mapping: correct the file", label)
	}
	out, _ := whole(values).(map[string]any)
	return out, nil
}

// whole copies a decoded value with whole numbers as int64, as they are written.
func whole(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[k] = whole(e)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = whole(e)
		}
		return out
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			return int64(v)
		}
	case int:
		return int64(v)
	}
	return v
}

// get returns the value at a path.
func get(values map[string]any, names []string) (any, bool) {
	var v any = values
	for _, name := range names {
		m, ok := v.(map[string]any)
		if !ok {
			return nil, false
		}
		if v, ok = m[name]; !ok {
			return nil, false
		}
	}
	return v, true
}

// overrides reports whether values decide what stands at the path, whatever an
// earlier source says: they have the key, or no mapping where it leads through.
func overrides(values map[string]any, names []string) bool {
	var v any = values
	for _, name := range names {
		m, ok := v.(map[string]any)
		if !ok {
			return true
		}
		if v, ok = m[name]; !ok {
			return false
		}
	}
	return true
}

// effective is the value that applies at a path, nil where there is none.
func effective(sources []source, names []string) any {
	for _, s := range slices.Backward(sources) {
		if overrides(s.values, names) {
			v, _ := get(s.values, names)
			return v
		}
	}
	return nil
}
