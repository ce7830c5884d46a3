package kustomize

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/assaydev/assay/internal/object/manifest"
)

// explain makes one sentence of krusty's error: the file, the cause, the fix.
// krusty's own is a chain of every step on the way, with absolute paths, and
// it may quote the files.
func (f *fileSystem) explain(dir string, err error) error {
	text := strings.ReplaceAll(err.Error(), `\"`, `"`)
	if m := last(inDirectory, text); m != nil {
		dir = relative(m[1])
	}
	at := f.kustomization(dir)
	if m := last(inFile, text); m != nil {
		file := path.Join(dir, m[1])
		if fault := f.decode(file); fault != nil {
			return fault
		}
		if !f.IsDir(file) {
			at = file
		}
	}
	for _, p := range problems {
		if m := regexp.MustCompile(p.pattern).FindStringSubmatch(text); m != nil {
			return fmt.Errorf("%s: %s", at, fill(p.says, m))
		}
	}
	return fmt.Errorf("%s: %s", at, plain(text))
}

// Patterns are compiled where an error is explained, not when a process starts.
const (
	inDirectory = `(?:accumulation of|target for) path '(/[^']*)'`
	inFile      = `(?:(?:accumulating|merging) resources from '|\[path: ")([^'"]+)['"]`
)

func last(pattern, text string) []string {
	all := regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1)
	if len(all) == 0 {
		return nil
	}
	return all[len(all)-1]
}

// kustomization is the file that speaks for a directory.
func (f *fileSystem) kustomization(dir string) string {
	for _, base := range kustomizationNames() {
		if file := path.Join(dir, base); f.Exists(file) {
			return file
		}
	}
	return dir
}

// blame names the file that an object cannot be written for: one that was read and
// holds a key twice, which Kustomize itself lets through. The error stays where there is
// none.
func (f *fileSystem) blame(err error) error {
	for _, name := range slices.Sorted(maps.Keys(f.data)) {
		if r, found := manifest.FindRepeated(name, f.data[name]); found {
			return fmt.Errorf("%s:%d: the key %s is there twice, on line %d already; remove one of the two", name, r.Line, display(r.Key), r.First)
		}
	}
	return err
}

// decode finds the line of a fault in a resource or patch file.
func (f *fileSystem) decode(file string) error {
	data, err := f.read(file)
	if err != nil {
		return nil //nolint:nilerr // there is another cause
	}
	if objs, err := manifest.Decode(file, data, manifest.Limits{}); err != nil && len(objs) == 0 {
		return err
	}
	return nil
}

// problem is an error of krusty's, in our words. $1 is the first group; $id1
// is the group read as an object's identity.
type problem struct{ pattern, says string }

const identity = `([A-Za-z0-9.\[\]-]+/[^\s"';]+)`

var problems = []problem{
	{`cycle detected: candidate root '([^']*)'`, "resources: a cycle leads back to $path1; remove one of the entries"},
	{`merging from generator (?s:.*)id resid\.ResId\{Gvk:.*Kind:"([^"]*)".*Name:"([^"]*)".*exists; (?:can not use behavior: '[^']*', )?behavior must be merge or replace`, "two generators make $1 $2; remove one of them, or give one the behavior merge or replace"},
	{`already registered id: ` + identity, "$id1 is in the kustomization already; remove one of the two, or rename it"},
	{`missing metadata.name in object \{\{\S+ ([^}]*)\}`, "$1 has no metadata.name; name it (Kustomize takes no generateName)"},
	{`missing Resource metadata|missing kind in object`, "not a Kubernetes object; add apiVersion, kind and metadata.name"},
	{`expected kind 'Component' for path '([^']*)'`, "$path1 is not a component; list it under resources"},
	{`expected kind != 'Component' for path '([^']*)'`, "$path1 is a component; list it under components"},
	{`no resource matches strategic merge patch "` + identity, "a patch matches nothing: there is no $id1; name an object as its own file does, or remove the patch"},
	{`no matches for Id ` + identity, "there is no $id1; name an object as its own file does"},
	{`multiple matches for Id ` + identity, "more than one object is $id1; name its namespace too"},
	{`unable to parse SM or JSON patch`, "patches: a patch is neither a strategic merge patch nor a JSON patch; check its YAML, and quote it as one string"},
	{`must specify a target for JSON patch`, "patches: a JSON patch has no target; add the target"},
	{`patch and path can't be set at the same time`, "patches: an entry has both patch and path; keep one"},
	{`must specify one of patch and path`, "patches: an entry has neither patch nor path; add one"},
	{`((?:add|remove|replace|move|copy|test) operation does not apply: doc is missing (?:path|key): "?[^\s":]+)`, "patches: $1; correct the path, or use add"},
	{`invalid literal source|literal source`, "a literal of a generator is not KEY=VALUE; correct it"},
	{`a (configmap|secret) must have a name`, "a $1 of a generator has no name; name it"},
	{`Kind:"([^"]*)".*Name:"([^"]*)".*does not exist; cannot merge or replace`, "a generator merges into $1 $2, which is not there; correct its name, or its behavior"},
	{`(unable to find field "[^"]*" in replacement target)`, "replacements: $1; correct fieldPaths, or set options.create"},
	{`nothing selected by ([^\s:]+)`, "replacements: the source selects nothing ($1); correct its kind and name"},
	{`var '\{(\S+) .*cannot be mapped`, "vars: $1 refers to an object that is not there; correct its objref"},
	{`resource with name (\S+) does not match`, "replicas: there is no Deployment, StatefulSet or ReplicaSet $1; correct the name"},
	{`specified OpenAPI version is not built in`, "openapi.version: it is not built into Kustomize; remove it"},
	{`kind should be (\w+) or (\w+)`, "kind: want $1 or $2"},
	{`apiVersion for (\w+) should be (\S+)`, "apiVersion: want $2 for a $1"},
	{`multiple kustomization files under: (\S+)`, "there is more than one kustomization in $path1; keep one"},
	{`kustomization.yaml is empty`, "it is empty; list its resources"},
	{`unable to load builtin (\w+)`, "$1 is not a built-in generator or transformer; correct its kind"},
	{`yaml: line \d+: ([^\n]*)`, "a file that it names is invalid YAML ($1); see patches, configurations, crds and replacements"},
	{`label name '([^']*)' exists in both`, "label $1 is in commonLabels and in labels; keep one"},
}

// fill puts the groups of a match into a message.
func fill(says string, m []string) string {
	for i := len(m) - 1; i > 0; i-- {
		says = strings.ReplaceAll(says, fmt.Sprintf("$id%d", i), readable(m[i]))
		says = strings.ReplaceAll(says, fmt.Sprintf("$path%d", i), relative(m[i]))
		says = strings.ReplaceAll(says, fmt.Sprintf("$%d", i), display(m[i]))
	}
	return says
}

// readable turns Deployment.v1.apps/web.[noNs] into Deployment web.
func readable(id string) string {
	gvk, name, _ := strings.Cut(id, "/")
	kind, _, _ := strings.Cut(gvk, ".")
	name = strings.TrimSuffix(name, ".[noNs]")
	return display(kind + " " + name)
}

const (
	wrappers = `^(?:accumulating [a-z]+|loader\.New "|accumulateDirectory: "|plugin \S+ fails configuration|trouble configuring builtin \w+ with config: ` + "`(?s:.*)`" + `)(?:: )?`
	quotes   = `\[(?:patch|path): [^\]]*\]`
	paths    = `'/([^']*)'`
	internal = `&\{0x[^}]*\}`
	identify = `resid\.ResId\{Gvk:resid\.Gvk\{[^}]*Kind:"([^"]*)"[^}]*\}, Name:"([^"]*)"[^}]*\}`
)

// plain is the last resort: the end of the chain, without what it quotes.
func plain(text string) string {
	if i := strings.LastIndex(text, "': "); i >= 0 && !strings.Contains(text[i:], "`") {
		text = text[i+3:]
	}
	wrapper := regexp.MustCompile(wrappers)
	for cut := wrapper.FindString(text); cut != ""; cut = wrapper.FindString(text) {
		text = text[len(cut):]
	}
	text, _, _ = strings.Cut(strings.TrimSpace(text), "\n")
	text = regexp.MustCompile(quotes).ReplaceAllString(text, "a patch")
	text = regexp.MustCompile(paths).ReplaceAllString(text, "$1")
	text = regexp.MustCompile(internal).ReplaceAllString(text, "of the kustomization")
	text = regexp.MustCompile(identify).ReplaceAllString(text, "$1 $2")
	if len(text) > 300 {
		text = strings.ToValidUTF8(text[:300], "") + "..."
	}
	return text
}
