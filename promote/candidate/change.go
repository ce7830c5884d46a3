package candidate

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"helm.sh/helm/v3/pkg/strvals"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/kustomize/api/types"

	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/object/manifest"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/render/helm"
)

// Change is what people want tested, in the words of the tools that they know.
type Change struct {
	Images     []string // as kustomize edit set image takes them
	Tag        string   // of the only image, instead
	ValueFiles []string // Helm values, laid over each other
	Settings   []string // and over them, as helm --set takes them
	Patches    []string // files of what Kustomize takes
	Variables  []string // NAME=VALUE, of the only container

	// Read reads a file that is named here.
	Read func(name string) ([]byte, error)
}

// SyntaxError says that a text of a change is not written as it has to be. It begins with
// what it is: image or set.
type SyntaxError struct{ message string }

func (e *SyntaxError) Error() string { return e.message }

func syntaxf(format string, args ...any) error { return &SyntaxError{fmt.Sprintf(format, args...)} }

// Derive makes the candidate. What needs the only one of something, and finds another
// number, is a PartError.
func (c Change) Derive(ctx context.Context, m *Marker) (Derived, error) {
	out := Derived{Candidate: spec.Candidate{APIVersion: spec.APIVersion, Kind: spec.KindCandidate}}
	var err error
	if out.Spec.Images, err = c.images(ctx, m); err != nil {
		return out, err
	}
	if out.Spec.Values, err = c.values(ctx, m); err != nil {
		return out, err
	}
	if out.Spec.Patches, err = c.patches(ctx, m); err != nil {
		return out, err
	}
	if len(out.Spec.Images) == 0 && len(c.Variables) > 0 {
		out.Metadata.Name = excerpt.Of(strings.Join(c.Variables, ", "), 100)
	}
	return out, nil
}

// Part is a part of a change.
type Part int

// The parts that need the only one of something.
const (
	PartTag       Part = iota // the only image
	PartPatch                 // the only workload
	PartVariables             // the only container of the only workload
)

// PartError says of which part of a change an error is.
type PartError struct {
	Part Part
	Err  error
}

func (e *PartError) Error() string { return e.Err.Error() }

func (e *PartError) Unwrap() error { return e.Err }

// images reads the images, or finds the one that the tag is for.
func (c Change) images(ctx context.Context, m *Marker) ([]types.Image, error) {
	if c.Tag != "" {
		images, err := m.OnlyImage(ctx, c.Tag)
		if err != nil {
			return nil, &PartError{PartTag, err}
		}
		return images, nil
	}
	var images []types.Image
	for _, text := range c.Images {
		image, err := parseImage(text)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(images, func(other types.Image) bool { return other.Name == image.Name }) {
			return nil, syntaxf("image names %s twice: keep one", image.Name)
		}
		images = append(images, image)
	}
	return images, nil
}

// values merges the value files and the settings as Helm does in the environment.
func (c Change) values(ctx context.Context, m *Marker) (map[string]any, error) {
	if len(c.ValueFiles)+len(c.Settings) == 0 {
		return nil, nil
	}
	values := map[string]any{}
	for _, name := range c.ValueFiles {
		data, err := c.Read(name)
		if err != nil {
			return nil, err
		}
		if err := manifest.CheckAliases(name, data); err != nil {
			return nil, err
		}
		more, err := DecodeValues(name, data)
		if err != nil {
			return nil, err
		}
		values = helm.Overlay(values, more)
	}
	for _, text := range c.Settings {
		if _, err := strvals.Parse(text); err != nil {
			key, _, _ := strings.Cut(text, "=") // the value may be secret
			return nil, syntaxf("set %s: give KEY=VALUE[,KEY=VALUE]", key)
		}
	}
	return m.Values(ctx, values, c.Settings)
}

// patches reads the patches, and makes one of the variables.
func (c Change) patches(ctx context.Context, m *Marker) ([]types.Patch, error) {
	var patches []types.Patch
	for _, name := range c.Patches {
		data, err := c.Read(name)
		if err != nil {
			return nil, err
		}
		more, err := m.Patches(ctx, name, data)
		if err != nil {
			return nil, &PartError{PartPatch, err}
		}
		patches = append(patches, more...)
	}
	if len(c.Variables) == 0 {
		return patches, nil
	}
	patch, err := m.Variables(ctx, c.Variables)
	if err != nil {
		return nil, &PartError{PartVariables, err}
	}
	return append(patches, patch), nil
}

// AddVariable adds a variable, as NAME=VALUE. A name that is given twice is an error.
func (c *Change) AddVariable(text string) error {
	name, _, _ := strings.Cut(text, "=")
	if problems := validation.IsEnvVarName(name); len(problems) > 0 {
		return fmt.Errorf("%q is not a name of a variable", name)
	}
	if slices.ContainsFunc(c.Variables, func(other string) bool { return strings.HasPrefix(other, name+"=") }) {
		return fmt.Errorf("%s is given twice: keep one", name)
	}
	c.Variables = append(c.Variables, text)
	return nil
}
