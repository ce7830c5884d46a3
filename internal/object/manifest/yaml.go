package manifest

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"

	yaml2 "go.yaml.in/yaml/v2"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	kubeyaml "k8s.io/apimachinery/pkg/util/yaml"
)

// decodeDocument decodes one YAML document.
func decodeDocument(file string, doc document, c *converter) (*unstructured.Unstructured, error) {
	value, err := decodeValue(doc.data)
	if err != nil {
		return nil, yamlError(file, doc, err)
	}
	value, err = c.convert(value, 0)
	if err != nil {
		return nil, &Error{file, doc.line, err.Error(), errors.Is(err, errDepth)}
	}
	return object(file, doc.line, value)
}

// decodeValue decodes into ordered slices where it can: they cost half of what
// maps do, and convert builds the map anyway. They know no merge keys.
func decodeValue(data []byte) (any, error) {
	if !bytes.Contains(data, []byte("<<")) {
		var m yaml2.MapSlice
		if err := yaml2.Unmarshal(data, &m); err == nil && m != nil {
			return m, nil
		}
	}
	var v any
	err := yaml2.Unmarshal(data, &v)
	return v, err
}

// yamlError moves the parser's line from the document to the file.
func yamlError(file string, doc document, err error) error {
	reason, line := err.Error(), doc.line
	if m := regexp.MustCompile(`^yaml: (?:line (\d+): )?`).FindStringSubmatch(reason); m != nil {
		reason = reason[len(m[0]):]
		if n, err := strconv.Atoi(m[1]); err == nil {
			line = doc.line + n - 1
		}
		if strings.HasPrefix(reason, "did not find expected") {
			line++ // The parser counts from 0, its scanner from 1.
		}
	}
	if fault := explained(file, doc, reason, line); fault != nil {
		return fault
	}
	// What follows may quote the file.
	reason = regexp.MustCompile("(?s)`.*`").ReplaceAllString(reason, "a value")
	if strings.HasPrefix(reason, "invalid map key") {
		reason = errKey.Error()
	}
	return &Error{File: file, Line: line, Reason: "invalid YAML: " + reason}
}

// decodeJSONStream decodes a file that begins with a brace by Kubernetes' own
// decoder: JSON objects one after the other, or YAML in flow style.
func decodeJSONStream(file string, data []byte, lim Limits) ([]*unstructured.Unstructured, error) {
	if err := checkAliases(file, data, []document{{1, data}}); err != nil {
		return nil, err
	}
	decoder := kubeyaml.NewYAMLOrJSONDecoder(bytes.NewReader(data), 4096)
	var objs []*unstructured.Unstructured
	for {
		o := &unstructured.Unstructured{}
		switch err := decoder.Decode(&o); {
		case errors.Is(err, io.EOF):
			return objs, nil
		case err != nil:
			return objs, jsonError(file, data, err)
		case o == nil:
			continue
		}
		if tooDeep(o.Object, lim.Depth) {
			return objs, &Error{file, 0, depthError(lim.Depth).Error(), true}
		}
		if objs = append(objs, o); len(objs) > lim.Documents {
			return nil, tooMany(file, 0, lim)
		}
	}
}
