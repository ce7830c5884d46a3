// Package manifest turns the bytes of a YAML or JSON file into Kubernetes
// objects, exactly as Argo CD's repo-server does, only faster and with limits.
//
//  1. The text is checked: UTF-8, no byte order mark left (text.go).
//  2. It is cut into documents by the rule of Kubernetes' YAML reader (split.go).
//  3. Aliases are weighed before anything is decoded (alias.go).
//  4. Each document is decoded by YAML 1.1 rules, as kubectl does (yaml.go),
//     and converted to the types that unstructured objects hold: string, bool,
//     int64, float64, nil, maps and slices (convert.go).
package manifest

import (
	"fmt"
	"runtime"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Limits bound what one file may hold. A zero field means its default.
type Limits struct {
	Documents int // documents in the file, default 50,000
	Depth     int // nesting of one document, default 100
}

// WithDefaults fills in zero fields.
func (l Limits) WithDefaults() Limits {
	if l.Documents == 0 {
		l.Documents = 50_000
	}
	if l.Depth == 0 {
		l.Depth = 100
	}
	return l
}

// Error says what is wrong with a file, and where.
type Error struct {
	File   string // slash path relative to the repo
	Line   int    // 1-based; 0 when it is not known
	Reason string

	// Refused: Kubernetes' own decoder takes the file, and only we do not.
	Refused bool
}

func (e *Error) Error() string {
	if e.Line > 0 {
		return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Reason)
	}
	return e.File + ": " + e.Reason
}

// Decode returns the objects of a YAML file of any number of documents, or of
// a stream of JSON objects, in order. Empty documents are passed over; `kind:
// List` is one object (see Flatten). Every object has a kind.
//
// On error, a *Error, the objects before the faulty document are returned too.
func Decode(file string, data []byte, lim Limits) ([]*unstructured.Unstructured, error) {
	return decode(file, data, lim, nil)
}

// decode takes the documents that a session knows from it; it may be nil.
func decode(file string, data []byte, lim Limits, s *session) ([]*unstructured.Unstructured, error) {
	lim = lim.WithDefaults()
	data, err := text(file, data)
	if err != nil {
		return nil, err
	}
	if startsWithBrace(data) {
		return decodeJSONStream(file, data, lim)
	}
	docs, splitErr := split(file, data)
	if len(docs) > lim.Documents {
		return nil, tooMany(file, docs[lim.Documents].line, lim)
	}
	if err := checkAliases(file, data, docs); err != nil {
		return nil, err
	}
	objs, err := decodeAll(file, docs, lim, s)
	if err == nil {
		err = splitErr
	}
	return objs, err
}

// batch is how many documents one goroutine decodes at a time.
const batch = 64

// decodeAll decodes documents on all cores and keeps their order.
func decodeAll(file string, docs []document, lim Limits, s *session) ([]*unstructured.Unstructured, error) {
	objs := make([]*unstructured.Unstructured, len(docs))
	faults := make([]error, (len(docs)+batch-1)/batch)
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i := range faults {
		from, to := i*batch, min((i+1)*batch, len(docs))
		work := func() error {
			faults[i] = Guard(file, func() error { return decodeBatch(file, docs[from:to], objs[from:to], lim, s) })
			return nil
		}
		if len(faults) == 1 {
			_ = work()
			continue
		}
		group.Go(work)
	}
	_ = group.Wait()
	kept := objs[:0]
	for i, fault := range faults {
		for _, o := range objs[i*batch : min((i+1)*batch, len(docs))] {
			if o != nil {
				kept = append(kept, o)
			}
		}
		if fault != nil {
			return kept, fault
		}
	}
	return kept, nil
}

// decodeBatch fills objs and stops at the first fault.
func decodeBatch(file string, docs []document, objs []*unstructured.Unstructured, lim Limits, s *session) error {
	c := converter{depth: lim.Depth, keys: map[string]string{}}
	for i, doc := range docs {
		o, err := s.document(doc.data, lim.Depth, func() (*unstructured.Unstructured, error) { return decodeDocument(file, doc, &c) })
		if err != nil {
			return err
		}
		objs[i] = o
	}
	return nil
}

func tooMany(file string, line int, lim Limits) error {
	return &Error{file, line, fmt.Sprintf("more than %d documents; split the environment, or raise the limit", lim.Documents), true}
}

// object wraps a decoded document. Nil stays nil: an empty document.
func object(file string, line int, value any) (*unstructured.Unstructured, error) {
	if value == nil {
		return nil, nil
	}
	m, ok := value.(map[string]any)
	if !ok {
		return nil, &Error{File: file, Line: line, Reason: "not a Kubernetes object: the document is " + describe(value) + ", want a mapping with apiVersion and kind"}
	}
	o := &unstructured.Unstructured{Object: m}
	if o.GroupVersionKind().Kind == "" {
		return nil, &Error{File: file, Line: line, Reason: missingKind(o)}
	}
	return o, nil
}

// Object wraps values that are typed already. It refuses, as Kubernetes'
// decoder does, what has no kind.
func Object(file string, values map[string]any) (*unstructured.Unstructured, error) {
	return object(file, 0, values)
}

func missingKind(o *unstructured.Unstructured) string {
	if o.GetKind() == "" {
		return "not a Kubernetes object: no kind; add apiVersion and kind, or exclude the file"
	}
	return fmt.Sprintf("apiVersion %q of %s is not GROUP/VERSION", o.GetAPIVersion(), o.GetKind())
}

func describe(value any) string {
	switch value.(type) {
	case []any:
		return "a list"
	case string:
		return "a string"
	case bool:
		return "a boolean"
	}
	return "a number"
}
