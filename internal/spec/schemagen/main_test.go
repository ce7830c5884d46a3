package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSchemasAreUpToDate(t *testing.T) {
	files, err := generate("..")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 2 {
		t.Fatalf("%d schemas", len(files))
	}
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join("../schema", name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is out of date; run go generate ./internal/spec\n%s", name, cmp.Diff(string(got), string(want)))
		}
	}
}

func TestEveryFieldIsDescribed(t *testing.T) {
	files, err := generate("..")
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range files {
		var schema any
		if err := json.Unmarshal(data, &schema); err != nil {
			t.Fatal(err)
		}
		if n := describe(t, name, schema); n < 20 {
			t.Errorf("%s has %d fields", name, n)
		}
	}
}

// describe visits every property, and returns how many there are.
func describe(t *testing.T, at string, v any) int {
	t.Helper()
	m, _ := v.(map[string]any)
	n := 0
	if properties, ok := m["properties"].(map[string]any); ok {
		if m["additionalProperties"] != false {
			t.Errorf("%s accepts unknown fields", at)
		}
		for name, p := range properties {
			n++
			if text, _ := p.(map[string]any)["description"].(string); text == "" {
				t.Errorf("%s.%s has no description", at, name)
			}
		}
	}
	for key, inner := range m {
		n += describe(t, at+"."+key, inner)
	}
	return n
}
