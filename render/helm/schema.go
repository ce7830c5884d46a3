package helm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"helm.sh/helm/v4/pkg/chart/common"

	"github.com/assaydev/assay/internal/excerpt"
)

const (
	schemaFile = "values.schema.json"
	schemaURL  = "file:///" + schemaFile
	maxFaults  = 5 // named in one message
)

// validate checks the values against the schema of the chart and of each
// subchart, as the SDK does, with one difference: nothing outside the schema's
// own file is loaded.
func (r *renderer) validate(ctx context.Context, c chart, values map[string]any) error {
	if err := stopped(ctx, r.dir); err != nil {
		return err
	}
	if schema := c.schema(); schema != nil {
		if err := validateOne(r.schemaPath(c), schema, values, refs{r.sdk}); err != nil {
			return err
		}
	}
	for _, child := range c.subcharts() {
		name := child.about().name
		table, err := common.Values(values).Table(name)
		if err != nil {
			return fmt.Errorf("%s: the values of subchart %q are not a mapping", r.dir, name)
		}
		if err := r.validate(ctx, child, table); err != nil {
			return err
		}
	}
	return nil
}

func (r *renderer) schemaPath(c chart) string {
	for _, f := range c.files() {
		if f.name == schemaFile {
			return r.origin[f.id]
		}
	}
	return path.Join(r.dir, schemaFile)
}

// refs loads nothing but what the SDK takes for a schema that allows everything.
type refs struct{ sdk sdk }

func (l refs) Load(url string) (any, error) {
	if l.sdk.anything(url) {
		return true, nil
	}
	return nil, errors.New("not inside the schema")
}

func validateOne(file string, schema []byte, values map[string]any, local refs) error {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema))
	if err != nil {
		return fmt.Errorf("%s: is not JSON: %s", file, excerpt.Cut(masked(err.Error()), 200))
	}
	compiler := jsonschema.NewCompiler()
	compiler.UseLoader(local)
	if err := compiler.AddResource(schemaURL, doc); err != nil {
		return schemaError(file, err)
	}
	validator, err := compiler.Compile(schemaURL)
	if err != nil {
		return schemaError(file, err)
	}
	err = validator.Validate(values)
	var invalid *jsonschema.ValidationError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &invalid):
		return fmt.Errorf("%s: the values do not meet the schema: %s", file, faults(invalid))
	}
	return fmt.Errorf("%s: validate the values: %s", file, excerpt.Cut(masked(err.Error()), 300))
}

func schemaError(file string, err error) error {
	var outside *jsonschema.LoadURLError
	if errors.As(err, &outside) {
		return fmt.Errorf("%s: refers to %q, and nothing is fetched while rendering: copy the definition into the schema, or set helm.skipSchemaValidation",
			file, excerpt.Cut(withoutUser(strings.TrimPrefix(outside.URL, "file:///")), 200))
	}
	var invalid *jsonschema.ValidationError
	if errors.As(err, &invalid) {
		return fmt.Errorf("%s: is not a valid JSON Schema: %s", file, faults(invalid))
	}
	var nested *jsonschema.SchemaValidationError
	if errors.As(err, &nested) && errors.As(nested.Err, &invalid) {
		return fmt.Errorf("%s: is not a valid JSON Schema: %s", file, faults(invalid))
	}
	return fmt.Errorf("%s: is not a valid JSON Schema: %s", file, excerpt.Cut(masked(err.Error()), 300))
}

// faults names the places in the values and what is wrong there, never a value.
func faults(err *jsonschema.ValidationError) string {
	var out []string
	more := 0
	var walk func(*jsonschema.ValidationError)
	walk = func(e *jsonschema.ValidationError) {
		for _, c := range e.Causes {
			walk(c)
		}
		switch {
		case len(e.Causes) > 0:
		case len(out) == maxFaults:
			more++
		default:
			out = append(out, excerpt.Cut("/"+strings.Join(e.InstanceLocation, "/")+" "+fault(e.ErrorKind), 200))
		}
	}
	walk(err)
	if more > 0 {
		out = append(out, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(out, "; ")
}

func fault(k jsonschema.ErrorKind) string {
	switch k := k.(type) {
	case *kind.Type:
		return "is of type " + k.Got + ", not " + strings.Join(k.Want, " or ")
	case *kind.Required:
		return "lacks " + strings.Join(k.Missing, ", ")
	case *kind.AdditionalProperties:
		return "has the unknown key " + strings.Join(k.Properties, ", ")
	}
	if keyword := strings.Join(k.KeywordPath(), "/"); keyword != "" {
		return "fails " + keyword
	}
	return "is not allowed"
}
