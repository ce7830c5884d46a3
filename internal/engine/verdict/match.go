package verdict

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/digest"
	"github.com/assaydev/assay/internal/engine"
	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/object"
)

// judge is one object that must speak, and what the input holds of it.
type judge struct {
	key     object.Key
	engine  engine.Engine
	object  *unstructured.Unstructured // nil where it is missing
	digest  digest.Digest              // that it carries
	unbound string                     // why nothing binds it to an experiment; empty where its digest does
}

type matcher struct {
	objs    []*unstructured.Unstructured
	expect  Expect
	engines engine.Set
}

// ErrNamespace is wrapped by errors for an object that may or may not be the
// environment's: nobody said which namespace that is deployed to.
var ErrNamespace = errors.New("it is not known which namespace the environment is deployed to")

// judges finds every expected object by its name and namespace.
func (m matcher) judges() ([]judge, error) {
	var out []judge
	for _, key := range m.expect.Judges {
		eng, ok := m.engines.OfKind(schema.GroupKind{Group: key.Group, Kind: key.Kind})
		if !ok {
			return nil, m.unknownKind([]string{key.String()}, []string{key.Kind})
		}
		j := judge{key: key, engine: eng}
		for _, o := range m.objs {
			found, err := m.expect.names(key, key.Name, o)
			if err != nil {
				return nil, err
			}
			if found && j.object != nil { // one of them names no namespace
				return nil, fmt.Errorf("judge %s: %w, and two objects may be this one: pass the environment's alone", key, ErrNamespace)
			}
			if found {
				j.object = o
				j.digest, j.unbound = binding(o)
			}
		}
		if err := m.check(j); err != nil {
			return nil, err
		}
		out = append(out, j)
	}
	return out, nil
}

// binding is the digest that an object carries, or why it has none that counts.
// Its label and its name hold an ID alone, which is not proof.
func binding(o *unstructured.Unstructured) (digest.Digest, string) {
	label := o.GetLabels()[engine.ExperimentLabel]
	text, there := o.GetAnnotations()[digest.Annotation]
	if !there && label == "" {
		return "", fmt.Sprintf("it has neither the annotation %s nor the label %s, so that it does not run the candidate yet", digest.Annotation, engine.ExperimentLabel)
	}
	if !there {
		return "", fmt.Sprintf("it has no annotation %s, so that nothing says which candidate it judged", digest.Annotation)
	}
	d, err := digest.Parse(text)
	if err != nil {
		return "", fmt.Sprintf("its annotation %s: %v", digest.Annotation, err)
	}
	if label != "" && label != d.ID() {
		return "", fmt.Sprintf("its label %s is %s, and its annotation %s is of %s", engine.ExperimentLabel, excerpt.Of(label, longestWord), digest.Annotation, d.ID())
	}
	return d, ""
}

// apart names another experiment than the one under test so that both can be
// told from each other.
func (e Expect) apart(other digest.Digest) string {
	if other.ID() == e.Digest.ID() {
		return string(other)
	}
	return other.ID()
}

// check refuses an object that cannot be read.
func (m matcher) check(j judge) error {
	if j.object == nil {
		return nil
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
	if slices.ContainsFunc(judges, func(j judge) bool { return j.object != nil && (j.unbound != "" || j.digest == m.expect.Digest) }) {
		return Verdict{}, false, nil
	}
	var strangers []*unstructured.Unstructured
	for _, o := range m.objs {
		if !m.engines.Judges(o) {
			continue
		}
		earlier, err := m.ofEarlier(o)
		if err != nil {
			return Verdict{}, false, err
		}
		if earlier {
			return m.earlier(o), true, nil
		}
		strangers = append(strangers, o)
	}
	if len(strangers) > 0 {
		nearest := max(0, slices.IndexFunc(strangers, func(o *unstructured.Unstructured) bool { return m.elsewhere(o) != "" }))
		return Verdict{}, false, m.stranger(strangers[nearest])
	}
	titles, kinds := []string{}, []string{}
	for _, o := range m.objs {
		titles, kinds = append(titles, object.KeyOf(o).String()), append(kinds, o.GetKind())
	}
	return Verdict{}, false, m.unknownKind(titles, kinds)
}

// earlier is the verdict on an object of another experiment: it is superseded,
// or hold where nothing says which experiment that is.
func (m matcher) earlier(o *unstructured.Unstructured) Verdict {
	eng, _ := m.engines.Of(o)
	d, unbound := binding(o)
	v := Verdict{Outcome: decision.Superseded, Digest: d, Engine: eng.Name, Objects: []string{excerpt.Of(object.KeyOf(o).String(), longestWord)}}
	if unbound != "" {
		v.Outcome, v.Message = decision.Hold, excerpt.Of(fmt.Sprintf("%s: %s", v.Objects[0], unbound), longestLine)
		return v
	}
	under := m.expect.Digest.ID()
	if d.ID() == under {
		under = string(m.expect.Digest)
	}
	v.Message = fmt.Sprintf("it judged the experiment %s, and %s is under test now", m.expect.apart(d), under)
	return v
}

// ofEarlier reports whether the object is an expected one as an experiment of
// another digest had it.
func (m matcher) ofEarlier(o *unstructured.Unstructured) (bool, error) {
	id := o.GetLabels()[engine.ExperimentLabel]
	if id == "" {
		return false, nil
	}
	for _, key := range m.expect.Judges {
		for _, name := range []string{key.Name, strings.ReplaceAll(key.Name, m.expect.Digest.ID(), id)} {
			if found, err := m.expect.names(key, name, o); found || err != nil {
				return found, err
			}
		}
	}
	return false, nil
}

// namespaceOf is where an object is: one that names no namespace is in the
// environment's.
func (e Expect) namespaceOf(o *unstructured.Unstructured) string {
	return cmp.Or(o.GetNamespace(), e.Namespace)
}

// names reports whether the object is the key's under that name. Where it is not
// known which namespace the environment is deployed to, an object without one
// counts as there, and one with a namespace is an error.
func (e Expect) names(key object.Key, name string, o *unstructured.Unstructured) (bool, error) {
	of := object.KeyOf(o)
	if of.Group != key.Group || of.Kind != key.Kind || of.Name != name {
		return false, nil
	}
	want, got := cmp.Or(key.Namespace, e.Namespace), e.namespaceOf(o)
	if want == "" && got != "" {
		return false, fmt.Errorf("judge %s: %w, and this one is in %s", key, ErrNamespace, excerpt.Of(got, longestWord))
	}
	return got == want || got == "", nil
}

func (m matcher) stranger(o *unstructured.Unstructured) error {
	title := excerpt.Of(object.KeyOf(o).String(), longestWord)
	if want := m.elsewhere(o); want != "" {
		return fmt.Errorf("judge %s: it is not in the namespace %s, where this environment's is: expected %s", title, excerpt.Of(want, longestWord), m.expected())
	}
	id := o.GetLabels()[engine.ExperimentLabel]
	switch id {
	case "":
		return fmt.Errorf("judge %s: it has no label %s, and does not belong to this environment: expected %s", title, engine.ExperimentLabel, m.expected())
	case m.expect.Digest.ID():
		return fmt.Errorf("judge %s: this environment injects no such object, whatever its label says: expected %s", title, m.expected())
	}
	return fmt.Errorf("judge %s: it belongs to the experiment %s of another environment: expected %s", title, excerpt.Of(id, longestWord), m.expected())
}

// elsewhere is the namespace where an object would judge that is in another one;
// empty for any other object.
func (m matcher) elsewhere(o *unstructured.Unstructured) string {
	for _, key := range m.expect.Judges {
		of := object.KeyOf(o)
		if of.Group == key.Group && of.Kind == key.Kind && of.Name == key.Name {
			return cmp.Or(key.Namespace, m.expect.Namespace)
		}
	}
	return ""
}

func (m matcher) expected() string {
	var out []string
	for _, key := range m.expect.Judges {
		key.Namespace = cmp.Or(key.Namespace, m.expect.Namespace)
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
		return fmt.Errorf("judge experiment: there is no object: expected %s", m.expected())
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
