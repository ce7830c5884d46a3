package spec

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"sigs.k8s.io/kustomize/api/types"
)

// TestPlanPage holds docs/plan.md: its plans decode, and together with its text
// they name every field of the plan and of the marker.
func TestPlanPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/plan.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?ms)^```yaml\n(.*?)^```").FindAllSubmatch(page, -1)
	if len(blocks) < 8 {
		t.Fatalf("found only %d plans", len(blocks))
	}
	named := map[string]bool{}
	for _, block := range blocks {
		_, err := DecodePlan("assay.yaml", block[1])
		if err != nil {
			t.Errorf("%v in\n%s", err, block[1])
			continue
		}
		for _, key := range regexp.MustCompile(`([A-Za-z]+):`).FindAllStringSubmatch(string(block[1]), -1) {
			named[key[1]] = true
		}
	}
	for _, code := range regexp.MustCompile("`([A-Za-z.]+)`").FindAllStringSubmatch(string(page), -1) {
		for _, word := range strings.Split(code[1], ".") {
			named[word] = true
		}
	}
	seen := 0
	for _, root := range []reflect.Type{reflect.TypeFor[Plan](), reflect.TypeFor[Candidate]()} {
		eachField(root, func(owner reflect.Type, name string) {
			if seen++; !named[name] {
				t.Errorf("docs/plan.md does not name %s of %s", name, owner.Name())
			}
		})
	}
	if seen < 60 {
		t.Errorf("saw only %d fields", seen)
	}
}

// eachField goes through the fields of our own types. Kustomize documents its own.
func eachField(t reflect.Type, do func(owner reflect.Type, name string)) {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		eachField(t.Elem(), do)
	case reflect.Struct:
		if t.PkgPath() == reflect.TypeFor[types.Patch]().PkgPath() {
			return
		}
		for _, f := range reflect.VisibleFields(t) {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if name != "" {
				do(t, name)
			}
			eachField(f.Type, do)
		}
	}
}
