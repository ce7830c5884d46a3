package helm

import (
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	helmrelease "helm.sh/helm/v4/pkg/release/v1"
	releaseutil "helm.sh/helm/v4/pkg/release/v1/util"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// document is one rendered document, or a file of several that are not templates.
type document struct {
	where string // the template, relative to the repo
	text  string
}

// objects splits the rendered texts and decodes them, in the order of `helm
// template`: CRDs, then the kinds in Helm's install order, then hooks.
func (r *renderer) objects(ctx context.Context, c chart, texts map[string]string) ([]*unstructured.Unstructured, error) {
	places := r.templates(c)
	if err := r.checkTexts(ctx, places, texts); err != nil {
		return nil, err
	}
	sorted, hooks, err := r.sdk.sort(texts)
	if err != nil {
		return nil, r.headError(places, texts, err)
	}
	r.warnUnknownHooks(places, texts, slices.Concat(sorted, hooks))

	docs, err := r.crds(c)
	if err != nil {
		return nil, err
	}
	for _, m := range sorted {
		docs = append(docs, document{places[m.template], m.text})
	}
	for _, h := range hooks {
		if r.src.SkipTests && h.test {
			continue
		}
		docs = append(docs, document{places[h.template], h.text})
	}
	return r.decode(ctx, docs)
}

// checkTexts refuses aliases that the SDK's sorting would expand without bound.
func (r *renderer) checkTexts(ctx context.Context, places, texts map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		if err := stopped(ctx, r.dir); err != nil {
			return err
		}
		if err := r.checkText(places[name], texts[name]); err != nil {
			return err
		}
	}
	return nil
}

func (r *renderer) checkText(where, text string) error {
	if !mayAlias(text) {
		return nil // splitting costs more than all else
	}
	for i, doc := range r.splitInOrder(text) {
		if err := r.checkAliases([]byte(doc)); err != nil {
			return fmt.Errorf("%s: rendered document %d: %w", where, i+1, err)
		}
	}
	return nil
}

// headError names the document that the SDK could not sort, which its own
// message does not.
func (r *renderer) headError(places, texts map[string]string, cause error) error {
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		for i, doc := range r.splitInOrder(texts[name]) {
			var head releaseutil.SimpleHead
			if err := yaml.Unmarshal([]byte(doc), &head); err != nil {
				return fmt.Errorf("%s: rendered document %d: %s", places[name], i+1, yamlReason(err))
			}
		}
	}
	return fmt.Errorf("%s: sort the rendered objects: %s", r.dir, yamlReason(cause))
}

func (r *renderer) splitInOrder(text string) []string {
	split := r.sdk.split(text)
	docs := make([]string, len(split))
	for i := range docs {
		docs[i] = split[fmt.Sprintf("manifest-%d", i)]
	}
	return docs
}

// warnUnknownHooks names the templates whose objects Helm drops, since it does
// not know the hook that they are annotated with.
func (r *renderer) warnUnknownHooks(places, texts map[string]string, docs []rendered) {
	kept := map[string]int{}
	for _, d := range docs {
		kept[d.template]++
	}
	var dropped []string
	for name, text := range texts {
		if !strings.Contains(text, helmrelease.HookAnnotation) {
			continue
		}
		if n := len(r.sdk.split(text)) - kept[name]; n > 0 {
			dropped = append(dropped, fmt.Sprintf("%s: Helm leaves out %d of the rendered objects: it does not know their helm.sh/hook", places[name], n))
		}
	}
	slices.Sort(dropped)
	r.warnings = append(r.warnings, dropped...)
}

// crds are the documents in the crds directories of the chart and its
// subcharts. They are not templates.
func (r *renderer) crds(c chart) ([]document, error) {
	if r.src.SkipCrds {
		return nil, nil
	}
	var docs []document
	for _, crd := range c.crds() {
		where := firstOf(r.origin[crd.id], path.Join(r.dir, crd.name))
		text := string(crd.data)
		if err := r.checkText(where, text); err != nil {
			return nil, err
		}
		docs = append(docs, document{where, text})
	}
	return docs, nil
}
