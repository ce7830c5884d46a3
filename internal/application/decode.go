package application

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"strings"
	"time"

	"github.com/assaydev/assay/internal/object"
)

// sent is as much of an Application as is read. Most of what a server sends is passed over while it
// is decoded: Applications are listed by the thousand, and their status is long.
type sent struct {
	Metadata struct {
		Name              string  `json:"name"`
		Namespace         string  `json:"namespace"`
		UID               string  `json:"uid"`
		ResourceVersion   string  `json:"resourceVersion"`
		CreationTimestamp string  `json:"creationTimestamp"`
		DeletionTimestamp *string `json:"deletionTimestamp"`
		OwnerReferences   []struct {
			Kind string `json:"kind"`
			Name string `json:"name"`
		} `json:"ownerReferences"`
	} `json:"metadata"`
	Spec   json.RawMessage `json:"spec"`
	Status struct {
		Resources      json.RawMessage `json:"resources"`
		OperationState json.RawMessage `json:"operationState"`
		History        json.RawMessage `json:"history"`
		Sync           json.RawMessage `json:"sync"`
	} `json:"status"`
}

// revised is a part of the status that names commits, of one source or of several.
type revised struct {
	Revision  string   `json:"revision"`
	Revisions []string `json:"revisions"`
}

func (r revised) list() []string {
	if r.Revision != "" {
		return []string{r.Revision}
	}
	return r.Revisions
}

// operationState is the part of the status about the last sync.
type operationState struct {
	Phase      string  `json:"phase"`
	Message    string  `json:"message"`
	StartedAt  string  `json:"startedAt"`
	SyncResult revised `json:"syncResult"`
	Operation  struct {
		Sync revised `json:"sync"`
	} `json:"operation"`
}

// Decode reads an Application that a cluster sent. One without a source that uses the plugin has no
// Places. A field of another type than Argo CD gives it counts as missing.
func Decode(data []byte) (Deployed, error) {
	d, from, err := outline(data)
	if err != nil {
		return Deployed{}, err
	}
	for _, owner := range from.Metadata.OwnerReferences {
		if owner.Kind == "ApplicationSet" {
			d.Generator = owner.Name
		}
	}
	spec := from.spec()
	d.Project = text(spec, "project")
	d.Created, _ = time.Parse(time.RFC3339, from.Metadata.CreationTimestamp)
	d.Ignored = ignored(d.Name, spec)
	d.Manages = managed(from.Status.Resources, text(spec, "destination", "namespace"))
	d.Operation = running(from.Status.OperationState)
	if !automated(spec) {
		d.RolledBack = rolledBack(from.Status.History)
	}
	return d, nil
}

// Outline is Decode less what only a look at the Application needs: Created, Ignored, Manages, Operation,
// RolledBack and Generator. Of an Application without a source that uses the plugin it keeps the name.
func Outline(data []byte) (Deployed, error) {
	d, _, err := outline(data)
	return d, err
}

// mostPlaces is how many sources of one Application may use the plugin. Each is an environment to look
// at whenever the Application changes.
const mostPlaces = 100

// seed makes the states of one process comparable, and unknown to others.
var seed = maphash.MakeSeed()

func outline(data []byte) (Deployed, sent, error) {
	var from sent
	if err := lenient(data, &from); err != nil {
		return Deployed{}, from, fmt.Errorf("read Application: %w", err)
	}
	m := from.Metadata
	d := Deployed{Name: Name{Namespace: m.Namespace, Name: m.Name}, UID: m.UID, Version: m.ResourceVersion, Deleting: m.DeletionTimestamp != nil}
	if !bytes.Contains(from.Spec, []byte(`"plugin"`)) {
		return d, from, nil // as most are
	}
	root := map[string]any{"metadata": map[string]any{"name": m.Name}, "spec": from.spec()}
	d.Project = text(root, "spec", "project")
	d.Places, d.Problems = places(root, d.Name)
	if n := len(d.Places); n > mostPlaces {
		d.Excess = fmt.Errorf("%s: %d of its sources use the plugin, and at most %d may: split it", d.Name, n, mostPlaces)
		d.Problems = append(d.Problems, d.Excess)
	}
	var state maphash.Hash
	state.SetSeed(seed)
	for _, part := range []json.RawMessage{from.Spec, from.Status.Resources, from.Status.OperationState, from.Status.History, from.Status.Sync} {
		_, _ = state.Write(part)
		_ = state.WriteByte(0)
	}
	if d.Deleting {
		_ = state.WriteByte(1)
	}
	d.State = state.Sum64()
	return d, from, nil
}

// places are where the environments of the sources are that use the plugin.
func places(root map[string]any, name Name) (list []Place, problems []error) {
	a := &Application{File: name.String()}
	for _, source := range pluginSources(root) {
		p, err := a.place(root, source)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		list = append(list, p)
	}
	return list, problems
}

// lenient decodes what has the right type, and leaves the rest. What is not JSON is an error.
func lenient(data []byte, into any) error {
	err := json.Unmarshal(data, into)
	var other *json.UnmarshalTypeError
	if errors.As(err, &other) {
		return nil
	}
	return err
}

// part decodes a part of an Application, which is JSON as the whole is.
func part[T any](data json.RawMessage) T {
	var into T
	if len(data) > 0 {
		_ = lenient(data, &into)
	}
	return into
}

// spec keeps numbers as they are written: parameters of the plugin are passed on.
func (s sent) spec() map[string]any {
	var spec map[string]any
	if len(s.Spec) > 0 {
		d := json.NewDecoder(bytes.NewReader(s.Spec))
		d.UseNumber()
		_ = d.Decode(&spec)
	}
	return spec
}

// managed lists the objects of status.resources.
func managed(resources json.RawMessage, namespace string) []object.Key {
	var out []object.Key
	for _, r := range part[[]struct {
		Group     string `json:"group"`
		Kind      string `json:"kind"`
		Namespace string `json:"namespace"`
		Name      string `json:"name"`
	}](resources) {
		key := object.Key{Group: r.Group, Kind: r.Kind, Namespace: r.Namespace, Name: r.Name}
		if key.Namespace == "" {
			key.Namespace = namespace
		}
		out = append(out, key)
	}
	return out
}

// running is the operation of status.operationState.
func running(status json.RawMessage) *Operation {
	state := part[operationState](status)
	if state.Phase != "Running" {
		return nil
	}
	op := &Operation{Revisions: state.SyncResult.list(), Message: state.Message}
	if len(op.Revisions) == 0 {
		op.Revisions = state.Operation.Sync.list()
	}
	op.Started, _ = time.Parse(time.RFC3339, state.StartedAt)
	return op
}

// automated reports whether Argo CD syncs by itself. From v3.1 on, the field enabled turns
// it off and leaves the rest of the policy.
func automated(spec map[string]any) bool {
	policy, _ := spec["syncPolicy"].(map[string]any)
	settings, on := policy["automated"].(map[string]any)
	if enabled, said := settings["enabled"].(bool); said {
		return enabled
	}
	return on
}

// rolledBack is the revision that is deployed, if a later one was deployed before it: that
// is what a rollback leaves in status.history. A revision is later than another if it came
// there after it.
func rolledBack(history json.RawMessage) string {
	var deployed []string
	for _, entry := range part[[]revised](history) {
		if r := strings.Join(entry.list(), " "); r != "" {
			deployed = append(deployed, r)
		}
	}
	if len(deployed) == 0 {
		return ""
	}
	now := deployed[len(deployed)-1]
	first := slices.Index(deployed, now)
	for _, r := range deployed[first:] {
		if slices.Index(deployed, r) > first {
			return now
		}
	}
	return ""
}
