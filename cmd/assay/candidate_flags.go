package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/kustomize/api/types"

	"github.com/assaydev/assay/internal/cli"
	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/promote/candidate"
)

// envFlag is --env: the name of an environment, or NAME=VALUE for a variable
// of the container under test, which may be given again.
type envFlag struct {
	name      *string
	variables *[]string
}

func (f envFlag) Set(text string) error {
	if !strings.Contains(text, "=") {
		*f.name = text
		return nil
	}
	name, _, _ := strings.Cut(text, "=")
	if problems := validation.IsEnvVarName(name); len(problems) > 0 {
		return cli.Usagef("%q is not a name of a variable", name)
	}
	if slices.ContainsFunc(*f.variables, func(other string) bool { return strings.HasPrefix(other, name+"=") }) {
		return cli.Usagef("%s is given twice: keep one", name)
	}
	*f.variables = append(*f.variables, text)
	return nil
}

func (f envFlag) String() string { return *f.name }

func (f envFlag) Type() string { return "name" }

// parsePatches reads --patch and --env.
func (a *app) parsePatches(ctx context.Context, opt candidateOptions, m *candidate.Marker) ([]types.Patch, error) {
	var patches []types.Patch
	for _, name := range opt.patches {
		data, err := a.input.Read(name)
		if err != nil {
			return nil, err
		}
		more, err := m.Patches(ctx, name, data)
		if err != nil {
			return nil, onlyOne("--patch with JSON patch operations", err)
		}
		patches = append(patches, more...)
	}
	if len(opt.variables) == 0 {
		return patches, nil
	}
	patch, err := m.Variables(ctx, opt.variables)
	if err != nil {
		return nil, onlyOne("--env NAME=VALUE", err)
	}
	return append(patches, patch), nil
}

// onlyOne says of a flag that it needs the only workload, or the only container.
func onlyOne(flag string, err error) error {
	var several *candidate.NotOnlyError
	switch {
	case errors.Is(err, candidate.ErrChart):
		return fmt.Errorf("%s changes manifests, and a chart has values: use --set or --values", flag)
	case !errors.As(err, &several):
		return err
	case several.What == "container":
		return fmt.Errorf("%s needs the only container, and %s has %d: use --patch", flag, several.Of, len(several.Names))
	case len(several.Names) == 0:
		return errors.New("no workload renders that could be changed")
	}
	return fmt.Errorf("%s needs the only workload under test, and there are %s: name the one under spec.targets of the plan, or give --patch with a target", flag, excerpt.List(several.Names))
}
