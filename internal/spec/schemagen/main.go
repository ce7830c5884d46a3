// Command schemagen writes the JSON Schemas of the plan and the candidate into
// the directory that it is given. It is run by go generate in internal/spec,
// whose sources it reads for the fields' comments.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/invopop/jsonschema"

	"github.com/assaydev/assay/internal/spec"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: schemagen DIR")
		os.Exit(2)
	}
	if err := run(".", os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "schemagen:", err)
		os.Exit(1)
	}
}

func run(sources, dir string) error {
	files, err := generate(sources)
	if err != nil {
		return err
	}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil { //nolint:gosec // part of the sources
			return fmt.Errorf("write schema: %w", err)
		}
	}
	return nil
}

// generate returns the schemas by file name. The sources of package spec are
// in the directory sources.
func generate(sources string) (map[string][]byte, error) {
	r := jsonschema.Reflector{Anonymous: true, ExpandedStruct: true}
	if err := addComments(&r, sources); err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for name, v := range map[string]any{"plan.json": spec.Plan{}, "candidate.json": spec.Candidate{}} {
		schema := r.Reflect(v)
		schema.Title = reflect.TypeOf(v).Name()
		var out bytes.Buffer
		enc := json.NewEncoder(&out)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		if err := enc.Encode(schema); err != nil {
			return nil, fmt.Errorf("encode %s: %w", name, err)
		}
		files[name] = out.Bytes()
	}
	return files, nil
}

// addComments makes the comments of package spec descriptions. Those of
// Kustomize's types are our own words, since its sources are not at hand.
func addComments(r *jsonschema.Reflector, sources string) error {
	if err := r.AddGoComments("", sources); err != nil {
		return fmt.Errorf("read comments: %w", err)
	}
	own := reflect.TypeOf(spec.Plan{}).PkgPath()
	for key, text := range maps.Clone(r.CommentMap) {
		// The key is the directory's path and the name: Type or Type.Field.
		name := strings.TrimPrefix(key, filepath.ToSlash(filepath.Clean(sources))+".")
		r.CommentMap[own+"."+name] = strings.Join(strings.Fields(text), " ")
	}
	for name, text := range kustomize {
		r.CommentMap["sigs.k8s.io/kustomize/"+name] = text
	}
	return nil
}

var kustomize = map[string]string{
	"api/types.Image":                       "How an image changes.",
	"api/types.Image.Name":                  "the image's name today, without tag and digest",
	"api/types.Image.NewName":               "the name that takes its place",
	"api/types.Image.NewTag":                "the tag that takes the place of tag and digest",
	"api/types.Image.TagSuffix":             "not known to a candidate: write the whole tag in newTag",
	"api/types.Image.Digest":                "the digest that takes the place of tag and digest",
	"api/types.Patch":                       "A patch, and the objects that it applies to.",
	"api/types.Patch.Path":                  "file of the patch, relative to the environment; excludes patch",
	"api/types.Patch.Patch":                 "the patch itself: a strategic merge patch, or a list of JSON patch operations",
	"api/types.Patch.Target":                "the objects that it applies to; needed for a JSON patch",
	"api/types.Patch.Options":               "allowNameChange and allowKindChange",
	"api/types.PatchArgs":                   "What a patch may change beside its objects' fields.",
	"api/types.PatchArgs.AllowNameChange":   "a candidate keeps the name of every object: leave it out",
	"api/types.PatchArgs.AllowKindChange":   "a candidate keeps the kind of every object: leave it out",
	"api/types.Selector":                    "The objects that match every field that is set; each is a regular expression.",
	"api/types.Selector.AnnotationSelector": "annotations, as kubectl's label selectors are written",
	"api/types.Selector.LabelSelector":      "labels, as kubectl's label selectors are written",
	"api/types.Replica":                     "How many replicas a workload has.",
	"api/types.Replica.Name":                "the workload's name",
	"api/types.Replica.Count":               "how many replicas it has",
	"kyaml/resid.ResId.Name":                "the object's name",
	"kyaml/resid.ResId.Namespace":           "the object's namespace",
	"kyaml/resid.Gvk.Group":                 "API group",
	"kyaml/resid.Gvk.Version":               "API version",
	"kyaml/resid.Gvk.Kind":                  "the object's kind",
}
