package verdict

import (
	"bytes"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/object/manifest"
)

// Read decodes experiment objects as `kubectl get -o yaml` or `-o json` prints
// them: any number of documents, lists taken apart. A list may be empty, where the cluster
// has no object yet; nothing at all is an error, as of a kubectl that failed. Errors name the file and, where it is known, the line.
func Read(file string, data []byte) ([]*unstructured.Unstructured, error) {
	start := bytes.TrimLeft(data, "\ufeff \t\r\n")
	if bytes.Equal(bytes.TrimSpace(start), []byte("[]")) {
		return nil, nil
	}
	if bytes.HasPrefix(start, []byte("[")) || bytes.HasPrefix(start, []byte("- ")) {
		return nil, fmt.Errorf("%s: it is a list: pass the objects themselves, or a List as kubectl get -o yaml prints it", file)
	}
	objs, err := manifest.Decode(file, data, manifest.Limits{})
	read := len(objs)
	if err == nil {
		objs, err = manifest.Flatten(file, objs)
	}
	if err == nil {
		err = manifest.CheckKeys(file, data)
	}
	if err != nil {
		return nil, err
	}
	if read == 0 {
		return nil, fmt.Errorf("%s: it holds no object: save the experiment once the cluster has it, with kubectl get -o yaml", file)
	}
	for i, o := range objs {
		if o.GetAPIVersion() == "" || o.GetKind() == "" || o.GetName() == "" {
			return nil, fmt.Errorf("%s: object %d is not an object of a cluster: it must have apiVersion, kind and metadata.name, as kubectl get -o yaml prints it", file, i+1)
		}
	}
	return objs, nil
}

// distinct drops an object that is there twice, and refuses one that is there
// in two states: which of them is the last cannot be told.
func (e Expect) distinct(objs []*unstructured.Unstructured) ([]*unstructured.Unstructured, error) {
	seen := make(map[object.Key]*unstructured.Unstructured, len(objs))
	var out []*unstructured.Unstructured
	for _, o := range objs {
		key := object.KeyOf(o)
		key.Namespace = e.namespaceOf(o)
		other, ok := seen[key]
		if ok && !object.Equal(o.Object, other.Object) {
			return nil, fmt.Errorf("judge experiment: %s is there twice, in different states: pass the last one alone", excerpt.Of(key.String(), longestWord))
		}
		if !ok {
			seen[key] = o
			out = append(out, o)
		}
	}
	return out, nil
}
