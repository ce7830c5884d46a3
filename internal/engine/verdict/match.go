package verdict

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/assaydev/assay/internal/engine"
	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/object"
)

// judge is one object that must speak, and what the input holds of it.
type judge struct {
	key    object.Key
	engine engine.Engine
	object *unstructured.Unstructured // nil where it is missing
	id     string                     // of its label
}

type matcher struct {
	objs    []*unstructured.Unstructured
	expect  Expect
	engines engine.Set
}

// judges finds every expected object by its name.
func (m matcher) judges() ([]judge, error) {
	var out []judge
	for _, key := range m.expect.Judges {
		eng, ok := m.engines.OfKind(schema.GroupKind{Group: key.Group, Kind: key.Kind})
		if !ok {
			return nil, m.unknownKind([]string{key.String()}, []string{key.Kind})
		}
		j := judge{key: key, engine: eng}
		for _, o := range m.objs {
			if !names(key, key.Name, o) {
				continue
			}
			if j.object != nil {
				return nil, fmt.Errorf("judge %s: it is there in the namespaces %s and %s: pass that of the environment alone", key, excerpt.Of(j.object.GetNamespace(), longestWord), excerpt.Of(o.GetNamespace(), longestWord))
			}
			j.object, j.id = o, o.GetLabels()[engine.ExperimentLabel]
		}
		if err := m.check(j); err != nil {
			return nil, err
		}
		out = append(out, j)
	}
	return out, nil
}

// check refuses an object that cannot be read, or that nothing binds to an
// experiment although it was made for one.
func (m matcher) check(j judge) error {
	if j.object == nil {
		return nil
	}
	if j.id == "" && m.expect.owns(j.key.Name) {
		return fmt.Errorf("judge %s: it has no label %s, so that nothing says which candidate it judged: pass it as the cluster has it, with kubectl get -o yaml", j.key, engine.ExperimentLabel)
	}
	if version := j.object.GroupVersionKind().Version; !j.engine.Reads(version) {
		return fmt.Errorf("judge %s: the version %s of %s is not known: use %s", j.key, excerpt.Of(version, longestWord), j.engine.Name, j.engine.APIVersions())
	}
	return nil
}

// superseded looks at what is there when no expected object of this experiment
// is, nor one that may still come to be of it: the objects of an earlier one,
// or something else altogether.
func (m matcher) superseded(judges []judge) (Verdict, bool, error) {
	if slices.ContainsFunc(judges, func(j judge) bool { return j.object != nil && (j.id == m.expect.ID || j.id == "") }) {
		return Verdict{}, false, nil
	}
	var strangers []*unstructured.Unstructured
	for _, o := range m.objs {
		if !m.engines.Judges(o) {
			continue
		}
		id := o.GetLabels()[engine.ExperimentLabel]
		if id != "" && id != m.expect.ID && m.ofEarlier(o, id) {
			eng, _ := m.engines.Of(o)
			return Verdict{
				Outcome: Superseded, ID: excerpt.Of(id, longestWord), Engine: eng.Name, Objects: []string{excerpt.Of(object.KeyOf(o).String(), longestWord)},
				Message: fmt.Sprintf("it judged the experiment %s, and %s is under test now", excerpt.Of(id, longestWord), m.expect.ID),
			}, true, nil
		}
		strangers = append(strangers, o)
	}
	if len(strangers) > 0 {
		return Verdict{}, false, m.stranger(strangers[0])
	}
	titles, kinds := []string{}, []string{}
	for _, o := range m.objs {
		titles, kinds = append(titles, object.KeyOf(o).String()), append(kinds, o.GetKind())
	}
	return Verdict{}, false, m.unknownKind(titles, kinds)
}

// ofEarlier reports whether the object is an expected one as an experiment of
// another ID had it.
func (m matcher) ofEarlier(o *unstructured.Unstructured, id string) bool {
	return slices.ContainsFunc(m.expect.Judges, func(key object.Key) bool {
		return names(key, key.Name, o) || names(key, strings.ReplaceAll(key.Name, m.expect.ID, id), o)
	})
}

// names reports whether the object is the key's under that name. A namespace
// that is not known is any.
func names(key object.Key, name string, o *unstructured.Unstructured) bool {
	of := object.KeyOf(o)
	return of.Group == key.Group && of.Kind == key.Kind && of.Name == name &&
		(key.Namespace == "" || of.Namespace == "" || of.Namespace == key.Namespace)
}

func (m matcher) stranger(o *unstructured.Unstructured) error {
	title := excerpt.Of(object.KeyOf(o).String(), longestWord)
	id := o.GetLabels()[engine.ExperimentLabel]
	switch id {
	case "":
		return fmt.Errorf("judge %s: it has no label %s, and is none of this environment's: expected is %s", title, engine.ExperimentLabel, m.expected())
	case m.expect.ID:
		return fmt.Errorf("judge %s: this environment injects no such object, whatever its label says: expected is %s", title, m.expected())
	}
	return fmt.Errorf("judge %s: it belongs to the experiment %s of another environment: expected is %s", title, excerpt.Of(id, longestWord), m.expected())
}

func (m matcher) expected() string {
	var out []string
	for _, key := range m.expect.Judges {
		out = append(out, key.String())
	}
	return excerpt.List(out)
}

func (m matcher) unknownKind(titles, kinds []string) error {
	known := m.engines.Kinds()
	hint := "known are " + strings.Join(known, ", ")
	for _, kind := range kinds {
		if near := excerpt.DidYouMean(kind, kindsOnly(known)); near != "" {
			hint = near + " " + hint
			break
		}
	}
	if len(titles) == 0 {
		return fmt.Errorf("judge experiment: there is no object: expected is %s", m.expected())
	}
	return fmt.Errorf("judge %s: no engine is known that judges by it: %s; others are set under spec.experiment.engines of the plan", excerpt.List(titles), excerpt.Cut(hint, longestLine))
}

func kindsOnly(groupKinds []string) []string {
	var out []string
	for _, gk := range groupKinds {
		kind, _, _ := strings.Cut(gk, ".")
		out = append(out, kind)
	}
	return out
}
