package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/assaydev/assay/internal/cli"
	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/promote/candidate"
)

// envFlag is --env: the name of an environment, or NAME=VALUE for a variable
// of the container under test, which may be given again.
type envFlag struct {
	name   *string
	change *candidate.Change
}

func (f envFlag) Set(text string) error {
	if !strings.Contains(text, "=") {
		*f.name = text
		return nil
	}
	if err := f.change.AddVariable(text); err != nil {
		return cli.Usagef("%s", err)
	}
	return nil
}

func (f envFlag) String() string { return *f.name }

func (f envFlag) Type() string { return "name" }

// explainChange says of which flag an error of the change is, and which helps, in the
// environment where.
func (o candidateOptions) explainChange(where string, err error) error {
	var syntax *candidate.SyntaxError
	var part *candidate.PartError
	switch {
	case errors.As(err, &syntax):
		return cli.Usagef("--%s", syntax)
	case !errors.As(err, &part):
		return err
	case part.Part == candidate.PartTag:
		return o.onlyImage(where, part.Err)
	case part.Part == candidate.PartPatch:
		return onlyOne("--patch with JSON patch operations", part.Err)
	default:
		return onlyOne("--env NAME=VALUE", part.Err)
	}
}

// onlyImage says of --tag that it needs the only image.
func (o candidateOptions) onlyImage(where string, err error) error {
	var several *candidate.NotOnlyError
	switch {
	case !errors.As(err, &several):
		return err
	case len(several.Names) == 0:
		return fmt.Errorf("no workload under test in %s runs an image that --tag could change: check the directory and the plan's targets, or name the change with --image or --set", where)
	}
	return fmt.Errorf("--tag needs the only image, and there are %s: choose one with --image NAME:%s", excerpt.List(several.Names), o.Tag)
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
