package change

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/spec"
)

// helm sets the image through the value keys that the plan names for it.
func (t imageTask) helm() (string, error) {
	sources, err := t.sources()
	if err != nil {
		return "", err
	}
	name, imageKeys, err := t.imageKeys(sources)
	var unnamed *Paste
	if errors.As(err, &unnamed) {
		if done, failed := t.written(name); done || failed != nil {
			return name, failed
		}
	}
	if err != nil {
		return "", err
	}
	values, err := t.keyValues(name, imageKeys, sources)
	if err != nil {
		return "", err
	}
	for _, l := range values {
		if err := t.reserve(l); err != nil {
			return "", err
		}
		// A chart prints 1.5 and "1.5" alike.
		if current := effective(sources, l.names); current != nil && fmt.Sprint(current) == l.value {
			t.note("%s is %s already", strings.Join(l.names, "."), l.value)
			continue
		}
		if err := t.chooseFile(l); err != nil {
			return "", err
		}
	}
	return name, nil
}

// imageKeys finds the plan's entry for the image: by its name there, or by the
// name that its keys hold now, since a change may have renamed it.
func (t imageTask) imageKeys(sources []source) (string, spec.ImageKeys, error) {
	var known map[string]spec.ImageKeys
	if t.Plan != nil && t.Plan.Spec.Helm != nil {
		known = t.Plan.Spec.Helm.ImageValues
	}
	images := rendered(t.Baseline)
	declared := slices.Sorted(maps.Keys(known))
	if found := find(t.image.Name, declared); len(found) == 1 {
		return found[0], known[found[0]], nil
	} else if len(found) > 1 {
		return "", spec.ImageKeys{}, t.fault("name", "%s could be %s: write the whole name", t.image.Name, excerpt.Or(found))
	}
	if len(find(t.image.Name, images)) == 0 {
		images = slices.Compact(slices.Sorted(slices.Values(append(images, declared...))))
	}
	name, err := t.resolve(images)
	if err != nil {
		return "", spec.ImageKeys{}, err
	}
	for _, d := range declared {
		if d == name || currentName(sources, known[d]) == name {
			return name, known[d], nil
		}
	}
	entry, found := suggestion(name, sources)
	if !found {
		return name, spec.ImageKeys{}, t.fault("name", "no value is seen to hold %s: where a template has it, edit that on a branch, and put it under test with assay candidate from; where values do, say which in %s:%w", name, t.PlanFile, &Paste{entry})
	}
	return name, spec.ImageKeys{}, t.fault("name", "the plan does not say which values hold %s; add to %s:%w", name, t.PlanFile, &Paste{entry})
}

// currentName is the image name that the keys hold now.
func currentName(sources []source, k spec.ImageKeys) string {
	text := func(key string) string {
		names, err := splitKey(key)
		if v := effective(sources, names); key != "" && err == nil && v != nil {
			return fmt.Sprint(v)
		}
		return ""
	}
	if k.Image != "" {
		name, _, _ := object.SplitImage(text(k.Image))
		return name
	}
	if registry := text(k.Registry); registry != "" {
		return registry + "/" + text(k.Repository)
	}
	return text(k.Repository)
}

// keyValues are the values to write for the image.
func (t imageTask) keyValues(name string, k spec.ImageKeys, sources []source) ([]valuePath, error) {
	if k.Image != "" {
		l, err := t.keyPath(name, "image", k.Image, "")
		if err != nil {
			return nil, err
		}
		current := effective(sources, l.names)
		if current == nil {
			return nil, t.fault("name", "no value file has %s, which holds %s by spec.helm.imageValues in %s", k.Image, name, t.PlanFile)
		}
		l.value = updated(fmt.Sprint(current), t.image)
		return []valuePath{l}, nil
	}
	var out []valuePath
	add := func(part, key, value string) error {
		l, err := t.keyPath(name, part, key, value)
		out = append(out, l)
		return err
	}
	if err := t.nameValues(k, add); err != nil {
		return nil, err
	}
	return out, t.versionValues(k, sources, add)
}

// nameValues are those of newName.
func (t imageTask) nameValues(k spec.ImageKeys, add func(part, key, value string) error) error {
	name := t.image.NewName
	if name == "" {
		return nil
	}
	if k.Registry == "" {
		return add("repository", k.Repository, name)
	}
	registry, repository, ok := strings.Cut(name, "/")
	if !ok || !strings.ContainsAny(registry, ".:") && registry != "localhost" {
		return t.fault("newName", "needs a registry, as in docker.io/%s: the chart takes the registry from %s", name, k.Registry)
	}
	if err := add("registry", k.Registry, registry); err != nil {
		return err
	}
	return add("repository", k.Repository, repository)
}

// versionValues are those of tag and digest. A tag clears a digest; a digest
// leaves the tag, since charts that know digests print the tag before it.
func (t imageTask) versionValues(k spec.ImageKeys, sources []source, add func(part, key, value string) error) error {
	im := t.image
	if im.Digest != "" {
		if err := add("digest", k.Digest, im.Digest); err != nil {
			return err
		}
	} else if names, err := splitKey(k.Digest); err == nil && k.Digest != "" && (im.NewTag != "" || im.TagSuffix != "") {
		if current := effective(sources, names); current != nil && current != "" {
			if err := add("digest", k.Digest, ""); err != nil {
				return err
			}
		}
	}
	switch {
	case im.NewTag != "":
		return add("tag", k.Tag, im.NewTag)
	case im.TagSuffix != "":
		names, err := splitKey(k.Tag)
		if err != nil || k.Tag == "" {
			return add("tag", k.Tag, "")
		}
		current := effective(sources, names)
		if current == nil || current == "" {
			return t.fault("tagSuffix", "no value file has a tag at %s: use newTag", k.Tag)
		}
		return add("tag", k.Tag, suffixed(fmt.Sprint(current), im.TagSuffix))
	}
	return nil
}

// keyPath is the value for one part of the image.
func (t imageTask) keyPath(name, part, key, value string) (valuePath, error) {
	at := fmt.Sprintf("%s: spec.helm.imageValues[%s].%s", t.PlanFile, name, part)
	if key == "" {
		return valuePath{}, t.fault("name", "%s is missing: name the value key that holds the %s", at, part)
	}
	names, err := splitKey(key)
	if err != nil {
		return valuePath{}, t.fault("name", "%s: %w", at, err)
	}
	return valuePath{t.field, names, value}, nil
}

// splitKey splits a dotted path; a backslash keeps the dot after it.
func splitKey(key string) ([]string, error) {
	if strings.ContainsAny(key, "[]") {
		return nil, fmt.Errorf("%s: items of lists cannot be named: give the image a key of its own", key)
	}
	const dot = "\x00"
	names := strings.Split(strings.ReplaceAll(key, `\.`, dot), ".")
	for i := range names {
		if names[i] = strings.ReplaceAll(names[i], dot, "."); names[i] == "" {
			return nil, fmt.Errorf("%s: is not a dotted path of keys", key)
		}
	}
	return names, nil
}
