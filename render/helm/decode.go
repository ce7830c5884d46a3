package helm

import (
	"context"
	"errors"
	"fmt"
	"strings"

	yaml2 "go.yaml.in/yaml/v2"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/object/manifest"
)

// decode turns rendered documents into objects by Argo CD's rules: empty
// documents are dropped, and lists are flattened once.
func (r *renderer) decode(ctx context.Context, docs []document) ([]*unstructured.Unstructured, error) {
	var objs []*unstructured.Unstructured
	for _, doc := range docs {
		if err := stopped(ctx, r.dir); err != nil {
			return nil, err
		}
		found, err := r.decodeOne(ctx, doc)
		if err != nil {
			return nil, err
		}
		if objs = append(objs, found...); len(objs) > r.opt.Limits.Documents {
			return nil, fmt.Errorf("%s: the chart renders more than %d objects: make it render less, or raise the limit", r.dir, r.opt.Limits.Documents)
		}
	}
	return objs, nil
}

func (r *renderer) decodeOne(ctx context.Context, doc document) ([]*unstructured.Unstructured, error) {
	// As in Helm's output, a separator stands before the document, so that JSON
	// is read as YAML, and a newline after it, which a block scalar keeps.
	text := []byte("---\n" + doc.text + "\n")
	lim := manifest.Limits{Documents: r.opt.Limits.Documents, Depth: r.opt.Limits.Depth}
	objs, err := manifest.DecodeKnown(ctx, doc.where, text, lim)
	var fault *manifest.Error
	if errors.As(err, &fault) {
		// Its line is not one of the template.
		return nil, fmt.Errorf("%s: rendered: %s", doc.where, masked(fault.Reason))
	}
	if objs, err = manifest.Flatten(doc.where, objs); err != nil {
		return nil, err
	}
	for _, o := range objs {
		if field := missing(o); field != "" {
			return nil, fmt.Errorf("%s: a rendered object (%s) has no %s, or one that is not a string", doc.where, excerpt.Cut(o.GetKind()+"/"+o.GetName(), 100), field)
		}
	}
	return objs, nil
}

// missing returns the first field that o needs and lacks.
func missing(o *unstructured.Unstructured) string {
	switch {
	case o.GetKind() == "":
		return "kind"
	case o.GetAPIVersion() == "":
		return "apiVersion"
	case o.GetName() == "" && o.GetGenerateName() == "":
		return "metadata.name"
	}
	return ""
}

// maxAnchors is how many possible anchors are worth a look.
const maxAnchors = 1000

// mayAlias reports whether YAML could hold an anchor and an alias of one name.
// It is quick, and may say so of a text that only looks like it.
func mayAlias(text string) bool {
	rest := text
	for range maxAnchors {
		_, after, found := strings.Cut(rest, "&")
		if !found {
			return false
		}
		rest = strings.TrimLeftFunc(after, inAnchor)
		if name := after[:len(after)-len(rest)]; name != "" && strings.Contains(text, "*"+name) {
			return true
		}
	}
	return true
}

// inAnchor is the parser's rule for the names of anchors.
func inAnchor(r rune) bool {
	return r == '-' || r == '_' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
}

// checkAliases refuses a YAML document whose aliases expand beyond the output
// limit. The parser bounds how many it follows, but not how long a text they
// repeat, and the SDK writes it all out as JSON.
func (r *renderer) checkAliases(doc []byte) error {
	if !mayAlias(string(doc)) {
		return nil
	}
	var value any
	if err := yaml2.Unmarshal(doc, &value); err != nil {
		return nil //nolint:nilerr // what reads the document next says what is wrong with it
	}
	if left(value, r.opt.Limits.OutputBytes) < 0 {
		return fmt.Errorf("YAML aliases expand to more than %d bytes: write the content out, or raise the limit", r.opt.Limits.OutputBytes)
	}
	return nil
}

// left is what is left of budget once value is written out. Below 0, it does
// not fit.
func left(value any, budget int64) int64 {
	budget -= 4
	switch value := value.(type) {
	case string:
		budget -= int64(len(value))
	case []any:
		for _, v := range value {
			if budget = left(v, budget); budget < 0 {
				return budget
			}
		}
	case map[any]any:
		for k, v := range value {
			if budget = left(v, left(k, budget)); budget < 0 {
				return budget
			}
		}
	}
	return budget
}
