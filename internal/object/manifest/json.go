package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	kubeyaml "k8s.io/apimachinery/pkg/util/yaml"
)

// DecodeJSON returns the one object of a .json file, by Argo CD's rule for
// that extension: one object with a kind, and nothing after it.
func DecodeJSON(file string, data []byte, lim Limits) (*unstructured.Unstructured, error) {
	lim = lim.WithDefaults()
	data, err := text(file, data)
	if err != nil {
		return nil, err
	}
	o := &unstructured.Unstructured{}
	decoder := json.NewDecoder(bytes.NewReader(data))
	if err := decoder.Decode(o); err != nil {
		return nil, jsonError(file, data, err)
	}
	if decoder.More() {
		return nil, &Error{File: file, Line: lineAt(data, decoder.InputOffset()), Reason: "more than one object; a .json file holds one, use a List or a .yaml file"}
	}
	if tooDeep(o.Object, lim.Depth) {
		return nil, &Error{file, 0, depthError(lim.Depth).Error(), true}
	}
	return o, nil
}

// jsonError names the line of a JSON error and never echoes the file.
func jsonError(file string, data []byte, err error) error {
	var syntax *json.SyntaxError
	var stream kubeyaml.JSONSyntaxError
	switch {
	case runtime.IsMissingKind(err) || strings.Contains(err.Error(), "'Kind' is missing"):
		return &Error{File: file, Line: 1, Reason: "not a Kubernetes object: no kind; add apiVersion and kind, or exclude the file"}
	case errors.As(err, &stream):
		return &Error{File: file, Line: lineAt(data, stream.Offset), Reason: "invalid JSON: " + stream.Err.Error()}
	case errors.As(err, &syntax):
		return &Error{File: file, Line: lineAt(data, syntax.Offset), Reason: "invalid JSON: " + syntax.Error()}
	case strings.Contains(err.Error(), "unexpected EOF") || len(bytes.TrimSpace(data)) == 0:
		return &Error{File: file, Line: lineAt(data, int64(len(data))), Reason: "invalid JSON: the file ends too early"}
	case strings.Contains(err.Error(), "cannot unmarshal"):
		return &Error{File: file, Line: 1, Reason: "not a Kubernetes object: want one mapping with apiVersion and kind"}
	}
	return &Error{File: file, Line: 0, Reason: "invalid JSON or YAML"}
}

func lineAt(data []byte, offset int64) int {
	return 1 + bytes.Count(data[:min(max(offset, 0), int64(len(data)))], []byte("\n"))
}

// tooDeep reports whether a decoded value is nested beyond the limit.
func tooDeep(v any, limit int) bool {
	switch v := v.(type) {
	case map[string]any:
		for _, child := range v {
			if limit > 0 && tooDeep(child, limit-1) {
				return true
			}
		}
		return limit <= 0
	case []any:
		for _, child := range v {
			if limit > 0 && tooDeep(child, limit-1) {
				return true
			}
		}
		return limit <= 0
	}
	return false
}

var errDepth = errors.New("flatten it, or raise the limit")

func depthError(limit int) error {
	return fmt.Errorf("nested deeper than %d levels; %w", limit, errDepth)
}
