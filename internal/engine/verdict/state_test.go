package verdict_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	jsonpatch "github.com/evanphx/json-patch/v5"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/engine"
	"github.com/assaydev/assay/internal/engine/verdict"
	"github.com/assaydev/assay/internal/object"
)

const testID = "e123456789"

// table is one file of testdata: an object of one engine in every state. Each
// case patches the base, as JSON merge patches do.
type table struct {
	Base     map[string]any   `json:"base"`
	Children []map[string]any `json:"children"`
	Since    string           `json:"since"`
	Cases    []state          `json:"cases"`
}

type state struct {
	Name      string            `json:"name"`
	Trap      bool              `json:"trap"` // success without evidence, as engines report it
	Patch     map[string]any    `json:"patch"`
	Children  *[]map[string]any `json:"children"`
	Since     string            `json:"since"`
	Candidate string            `json:"candidate"`
	Want      decision.Outcome  `json:"want"`
	Running   bool              `json:"running"`
	Message   string            `json:"message"`
	Evidence  string            `json:"evidence"`
}

func tables(t testing.TB) map[string]table {
	t.Helper()
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no tables", err)
	}
	out := map[string]table{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var tab table
		if err := yaml.UnmarshalStrict(data, &tab); err != nil {
			t.Fatal(file, err)
		}
		out[strings.TrimSuffix(filepath.Base(file), ".yaml")] = tab
	}
	return out
}

// objects are the case's, decoded as a file of kubectl is.
func (tab table) objects(t testing.TB, s state) []*unstructured.Unstructured {
	t.Helper()
	docs := []any{merge(t, tab.Base, s.Patch)}
	children := tab.Children
	if s.Children != nil {
		children = *s.Children
	}
	for _, c := range children {
		docs = append(docs, c)
	}
	return read(t, map[string]any{"apiVersion": "v1", "kind": "List", "items": docs})
}

func merge(t testing.TB, base, patch map[string]any) any {
	t.Helper()
	target, err := json.Marshal(base)
	if err != nil {
		t.Fatal(err)
	}
	if patch != nil {
		data, err := json.Marshal(patch)
		if err != nil {
			t.Fatal(err)
		}
		if target, err = jsonpatch.MergePatch(target, data); err != nil {
			t.Fatal(err)
		}
	}
	return json.RawMessage(target)
}

func read(t testing.TB, v any) []*unstructured.Unstructured {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	objs, err := verdict.Read("objects.json", data)
	if err != nil {
		t.Fatal(err)
	}
	return bind(objs)
}

func (tab table) expect(t testing.TB, s state, objs []*unstructured.Unstructured) verdict.Expect {
	t.Helper()
	expect := verdict.Expect{Digest: testDigest, Candidate: s.Candidate, Judges: []object.Key{object.KeyOf(objs[0])}}
	since := tab.Since
	if s.Since != "" {
		since = s.Since
	}
	if since != "" && since != "never" {
		var err error
		if expect.Since, err = time.Parse(time.RFC3339, since); err != nil {
			t.Fatal(err)
		}
	}
	return expect
}

func TestEveryStateOfEveryEngine(t *testing.T) {
	seen := map[string]bool{}
	for name, tab := range tables(t) {
		outcomes := map[decision.Outcome]bool{}
		for _, s := range tab.Cases {
			t.Run(name+"/"+s.Name, func(t *testing.T) {
				objs := tab.objects(t, s)
				eng, _ := engine.With(nil).Of(objs[0])
				seen[eng.Name], outcomes[s.Want] = true, true
				got, err := verdict.Judge(context.Background(), objs, tab.expect(t, s, objs), verdict.Options{})
				if err != nil {
					t.Fatal(err)
				}
				if got.Outcome != s.Want || got.Running != s.Running {
					t.Errorf("%s, running %v; want %s, %v: %s", got.Outcome, got.Running, s.Want, s.Running, got.Message)
				}
				if !strings.Contains(got.Message, s.Message) || !strings.Contains(got.Evidence, s.Evidence) {
					t.Errorf("message %q, evidence %q; want %q, %q", got.Message, got.Evidence, s.Message, s.Evidence)
				}
				if got.Message == "" || got.Digest != testDigest || got.Engine != eng.Name || !slices.Equal(got.Objects, []string{object.KeyOf(objs[0]).String()}) {
					t.Errorf("verdict %+v", got)
				}
				if s.Trap && got.Outcome == decision.Promote {
					t.Error("fell into the trap")
				}
			})
		}
		if len(outcomes) != 3 {
			t.Errorf("%s: only the outcomes %v are tried", name, outcomes)
		}
	}
	for _, e := range engine.With(nil) {
		if !seen[e.Name] {
			t.Errorf("no table for %s", e.Name)
		}
	}
}
