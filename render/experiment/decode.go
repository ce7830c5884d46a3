package experiment

import (
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/object/manifest"
)

// decode parses one resource file, or the output of one template.
func decode(s Source, text []byte, opt Options) ([]*unstructured.Unstructured, error) {
	objs, err := manifest.Decode(s.File, text, manifest.Limits{Documents: opt.Documents})
	if err == nil {
		objs, err = manifest.Flatten(s.File, objs)
	}
	var fault *manifest.Error
	if s.Template() && errors.As(err, &fault) && fault.Line > 0 {
		return nil, fmt.Errorf("%s: line %d of its output: %s", s.File, fault.Line, fault.Reason)
	}
	if err != nil {
		return nil, err
	}
	for _, o := range objs {
		dropEmpty(o)
	}
	return objs, nil
}

// dropEmpty drops what is empty in the metadata, as a template leaves it where the
// namespace is not known: an empty field says the same as none.
func dropEmpty(o *unstructured.Unstructured) {
	metadata, ok := o.Object["metadata"].(map[string]any)
	if !ok {
		return
	}
	for key, value := range metadata {
		if value == nil || value == "" {
			delete(metadata, key)
		}
	}
}
