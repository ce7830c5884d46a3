package object_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"

	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/object/manifest"
)

func TestMarshalYAMLWithin(t *testing.T) {
	objs := []*unstructured.Unstructured{configMap("a", "", "x\ny\n"), configMap("b", "", strings.Repeat("long ", 1000))}
	want, err := object.MarshalYAML(objs)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := object.MarshalYAMLWithin(objs, int64(len(want))); err != nil || !bytes.Equal(got, want) {
		t.Errorf("within its size: %v, %d bytes of %d", err, len(got), len(want))
	}
	for limit := range len(want) {
		if got, err := object.MarshalYAMLWithin(objs, int64(limit)); !errors.Is(err, object.ErrTooLarge) || got != nil {
			t.Fatalf("within %d bytes: %v, %d bytes", limit, err, len(got))
		}
	}
}

func TestMarshalYAML(t *testing.T) {
	got, err := object.MarshalYAML([]*unstructured.Unstructured{configMap("a", "", "x\ny\n"), configMap("b", "", "yes")})
	if err != nil {
		t.Fatal(err)
	}
	want := `apiVersion: v1
data:
  v: |
    x
    y
kind: ConfigMap
metadata:
  name: a
---
apiVersion: v1
data:
  v: "yes"
kind: ConfigMap
metadata:
  name: b
`
	if string(got) != want {
		t.Errorf("got\n%s", got)
	}
	if got, err := object.MarshalYAML(nil); err != nil || len(got) != 0 {
		t.Errorf("no objects: %q, %v", got, err)
	}
}

// split cuts text into documents with the reader that Argo CD uses.
func split(t *testing.T, text []byte) [][]byte {
	t.Helper()
	var docs [][]byte
	for r := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text))); ; {
		doc, err := r.Read()
		if errors.Is(err, io.EOF) {
			return docs
		}
		if err != nil {
			t.Fatal(err)
		}
		docs = append(docs, doc)
	}
}

// roundTrip prints objects, reads them back as Argo CD does and compares.
func roundTrip(t *testing.T, objs []*unstructured.Unstructured) {
	t.Helper()
	text, err := object.MarshalYAML(objs)
	if err != nil {
		t.Fatal(err)
	}
	var back []*unstructured.Unstructured
	for _, doc := range split(t, text) {
		o := &unstructured.Unstructured{}
		if err := yaml.Unmarshal(doc, &o.Object); err != nil {
			t.Fatalf("%v\n%s", err, doc)
		}
		back = append(back, o)
	}
	if diffs := object.Diff(objs, back); len(diffs) != 0 || len(back) != len(objs) {
		t.Errorf("%d objects became %d: %v\n%s", len(objs), len(back), diffs, text)
	}
}

func TestCorpusSurvivesMarshalYAML(t *testing.T) {
	corpus := os.Getenv("ASSAY_CORPUS")
	if corpus == "" {
		t.Skip("ASSAY_CORPUS is not set: no real environments to read")
	}
	n := 0
	err := filepath.WalkDir(corpus, func(file string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(file) != ".yaml" {
			return err
		}
		data, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		for _, doc := range split(t, data) {
			var v map[string]any
			if yaml.Unmarshal(doc, &v) == nil && len(v) > 0 {
				n++
				roundTrip(t, []*unstructured.Unstructured{{Object: v}})
			}
		}
		return nil
	})
	if err != nil || n < 20 {
		t.Errorf("%d documents, %v", n, err)
	}
}

// typed gives numbers the types that objects hold, of which none is the float -0.
func typed(t *testing.T, value any) any {
	t.Helper()
	switch v := value.(type) {
	case map[string]any:
		for key, one := range v {
			v[key] = typed(t, one)
		}
		return v
	case []any:
		for i, one := range v {
			v[i] = typed(t, one)
		}
		return v
	}
	scalar, ok, err := manifest.Scalar(value)
	if !ok || err != nil {
		t.Fatalf("%v is no scalar: %v", value, err)
	}
	return scalar
}

func FuzzMarshalYAML(f *testing.F) {
	f.Add([]byte(`{"kind":"ConfigMap","data":{"a":"yes","b":"1e3","c":"x\ny\n","d":" x\n"},"n":1.0,"m":-0.5,"big":1e30,"i":9007199254740993}`))
	f.Add([]byte(`{"a":[[],{},[[1]],[{"b":null}]],"":"","0x1":"---\n"}`))
	f.Add([]byte(`{"a":"\ttab\n","b":"a\r\nb","c":"\u2028","d":"\ufeff","e":"😀\n"}`))
	f.Add([]byte(`{"0":-0,"0000":{"0":"0000"}}`))
	f.Add([]byte(`{"a":-0e0,"b":[-0.0]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var v map[string]any
		if !json.Valid(data) || yaml.Unmarshal(data, &v) != nil || len(v) == 0 {
			return
		}
		for key, value := range v {
			v[key] = typed(t, value)
		}
		roundTrip(t, []*unstructured.Unstructured{{Object: v}, {Object: v}})
	})
}
