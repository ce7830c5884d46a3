package spec

import (
	"path"
	"reflect"
	"strings"
)

// DecodePlan reads a plan and fills in its defaults; the file is its
// repo-relative path, whose directory names the plan unless it names itself. The
// result is nil for a file of another apiVersion. Errors name file, line and field.
func DecodePlan(file string, data []byte) (*Plan, error) {
	docs, err := parse(file, data)
	if err != nil || len(docs) == 0 {
		return nil, err
	}
	if len(docs) > 1 {
		p := problems{file: file, document: 2}
		p.add(docs[1].root.Line, "", "a plan is one document: remove this one")
		return nil, p.err()
	}
	var plan Plan
	w, err := docs[0].decode(KindPlan, &plan)
	if err != nil {
		return nil, err
	}
	w.checkPlan(&plan)
	if err := w.err(); err != nil {
		return nil, err
	}
	plan.setDefaults(directoryName(path.Dir(file)))
	return &plan, nil
}

// DecodeCandidates reads a marker: the first candidate is under test, the
// others wait. There are none in a file of another apiVersion. Errors name
// file, line, document and field.
func DecodeCandidates(file string, data []byte) ([]Candidate, error) {
	docs, err := parse(file, data)
	if err != nil {
		return nil, err
	}
	var out []Candidate
	for _, doc := range docs {
		var c Candidate
		w, err := doc.decode(KindCandidate, &c)
		if err != nil {
			return nil, err
		}
		w.checkCandidate(&c)
		if err := w.err(); err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

// decode walks the document into out, unless it is of another kind.
func (d document) decode(kind string, out any) (*walker, error) {
	w := &walker{problems: d.problems, lines: map[string]int{}}
	found, _ := scalarAt(d.root, "kind")
	switch {
	case !isOwn(d.root):
		w.add(d.root.Line, "", "this document is not a %s: move it to a file of its own", kind)
	case found != kind && (found == KindPlan || found == KindCandidate):
		w.add(d.root.Line, "kind", "this is a %s, and the file's name is that of a %s: move it to a file called %s",
			found, kind, map[string]string{KindPlan: "assay.yaml", KindCandidate: "candidate.yaml"}[found])
	default:
		w.value(d.root, reflect.ValueOf(out).Elem(), "")
	}
	return w, w.err()
}

// jsonName returns a field's name in the file, and whether it is required.
func jsonName(f reflect.StructField) (name string, required, inline bool) {
	name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name, !strings.Contains(options, "omitempty"), f.Anonymous && name == ""
}
