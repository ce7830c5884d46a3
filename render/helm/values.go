package helm

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"helm.sh/helm/v4/pkg/strvals"
	"sigs.k8s.io/yaml"

	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/object/manifest"
	"github.com/assaydev/assay/internal/spec"
)

// Values returns the values that the chart in dir has in files and in the
// source: its own values.yaml, and laid over it value files, values or
// valuesObject. Parameters and the subcharts' own values are not among them. A
// null stands for a value that templates do not see.
func Values(ctx context.Context, fsys *envfs.FS, dir string, src spec.HelmSource, opt Options) (map[string]any, error) {
	r, err := newRenderer(fsys, dir, src, opt)
	if err != nil {
		return nil, err
	}
	over, err := r.layers(ctx)
	if err != nil {
		return nil, err
	}
	name := path.Join(dir, "values.yaml")
	data, err := fsys.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return over, nil
	}
	if err != nil {
		return nil, err
	}
	own, err := r.overlayYAML(nil, name, bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")))
	if err != nil {
		return nil, err
	}
	return Overlay(own, over), nil
}

// Merged returns the values that the templates of the chart in dir see, those of
// its subcharts among them. Numbers are float64.
func Merged(ctx context.Context, fsys *envfs.FS, dir string, src spec.HelmSource, opt Options) (merged map[string]any, err error) {
	defer recovered(dir, &err)
	r, err := newRenderer(fsys, dir, src, opt)
	if err != nil {
		return nil, err
	}
	_, _, values, err := r.values(ctx)
	if err != nil {
		return nil, err
	}
	return plainCopy(dir, values)
}

// plainCopy is a copy in plain maps, which shares nothing.
func plainCopy(dir string, values map[string]any) (map[string]any, error) {
	text, err := json.Marshal(values)
	if err != nil {
		return nil, fmt.Errorf("%s: the values are not representable as JSON", dir)
	}
	out := map[string]any{}
	return out, json.Unmarshal(text, &out)
}

// mergeValues lays over each other, the last wins: value files, values or
// valuesObject, parameters, those forced to strings, file parameters, and
// Options.Over. It is the order of Argo CD's command line for helm template.
func (r *renderer) mergeValues(ctx context.Context) (map[string]any, error) {
	values, err := r.layers(ctx)
	if err != nil {
		return nil, err
	}
	if err := r.setParameters(values); err != nil {
		return nil, err
	}
	if err := r.setFileParameters(values); err != nil {
		return nil, err
	}
	return Overlay(values, r.opt.Over), nil
}

// layers are the value files, and values or valuesObject over them.
func (r *renderer) layers(ctx context.Context) (map[string]any, error) {
	values := map[string]any{}
	files, err := r.valueFiles()
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		if err := stopped(ctx, r.dir); err != nil {
			return nil, err
		}
		data, err := r.fsys.ReadFile(file)
		if err != nil {
			return nil, err
		}
		if values, err = r.overlayYAML(values, file, data); err != nil {
			return nil, err
		}
	}
	return r.inlineValues(values)
}

// inlineValues adds valuesObject, or else values. Argo CD hands the object over
// as YAML, which makes every number a float64, as in any value file.
func (r *renderer) inlineValues(values map[string]any) (map[string]any, error) {
	text, name := []byte(r.src.Values), r.dir+": helm.values"
	if r.src.ValuesObject != nil {
		var err error
		name = r.dir + ": helm.valuesObject"
		if text, err = json.Marshal(r.src.ValuesObject); err != nil {
			return nil, fmt.Errorf("%s: not representable as JSON", name)
		}
	}
	return r.overlayYAML(values, name, text)
}

func (r *renderer) overlayYAML(base map[string]any, name string, data []byte) (map[string]any, error) {
	docs, err := r.documents(name, data)
	if err != nil {
		return nil, err
	}
	for _, doc := range docs {
		over := map[string]any{}
		if err := yaml.Unmarshal(doc, &over); err != nil {
			if fault := manifest.CheckText(name, data); fault != nil {
				return nil, fault
			}
			return nil, fmt.Errorf("%s: parse values: %s", name, yamlReason(err))
		}
		base = Overlay(base, over)
	}
	return base, nil
}

// documents are those of a text of values, each within the limits.
func (r *renderer) documents(name string, data []byte) ([][]byte, error) {
	docs, err := r.sdk.documents(data)
	if err != nil {
		return nil, fmt.Errorf("%s: parse values: %s", name, yamlReason(err))
	}
	for _, doc := range docs {
		if err := r.checkAliases(doc); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return docs, nil
}

// Overlay merges mappings and replaces everything else, as Helm does with one
// value file after the other. A null stays: it deletes the chart's default later
// on. Neither argument is changed.
func Overlay(base, over map[string]any) map[string]any {
	out := make(map[string]any, len(base)+len(over))
	maps.Copy(out, base)
	for key, value := range over {
		if table, ok := value.(map[string]any); ok {
			if below, ok := out[key].(map[string]any); ok {
				out[key] = Overlay(below, table)
				continue
			}
		}
		out[key] = value
	}
	return out
}

func (r *renderer) setParameters(values map[string]any) error {
	for _, forced := range []bool{false, true} {
		parse := strvals.ParseInto
		if forced {
			parse = strvals.ParseIntoString
		}
		for _, p := range lastOfEach(r.src.Parameters, forced) {
			value, err := r.expand("helm parameter "+p.Name, p.Value)
			if err != nil {
				return err
			}
			if err := parse(p.Name+"="+escapeCommas(value), values); err != nil {
				return r.parameterError("parameter", p.Name)
			}
		}
	}
	return nil
}

// lastOfEach returns the parameters that are, or are not, forced to be strings.
// Of several with one name, the last counts.
func lastOfEach(all []spec.HelmParameter, forced bool) []spec.HelmParameter {
	var out []spec.HelmParameter
	for _, p := range all {
		if p.ForceString != forced {
			continue
		}
		out = slices.DeleteFunc(out, func(q spec.HelmParameter) bool { return q.Name == p.Name })
		out = append(out, p)
	}
	return out
}

func (r *renderer) setFileParameters(values map[string]any) error {
	for i, p := range r.src.FileParameters {
		name, err := r.locate(option("fileParameters", i), p.Path)
		if err != nil {
			return err
		}
		data, err := r.fsys.ReadFile(name)
		if err != nil {
			return fmt.Errorf("%s: read helm file parameter %q: %w", r.dir, excerpt.Cut(p.Name, 100), err)
		}
		content := func([]rune) (any, error) { return string(data), nil }
		if err := strvals.ParseIntoFile(p.Name+"=file", values, content); err != nil {
			return r.parameterError("file parameter", p.Name)
		}
	}
	return nil
}

// parameterError says what is wrong with a parameter. The parser's own message
// may quote the value, so the name is tried again on its own.
func (r *renderer) parameterError(what, name string) error {
	if _, err := strvals.ParseString(name + "=x"); err != nil {
		return fmt.Errorf("%s: helm %s: its name %q is not a path as helm's --set takes it: %s", r.dir, what, excerpt.Cut(name, 100), excerpt.Cut(err.Error(), 200))
	}
	return fmt.Errorf("%s: helm %s %q: its value is not one that helm's --set takes, or does not fit the values that it is set in: close every brace and escape commas", r.dir, what, excerpt.Cut(name, 100))
}

// escapeCommas escapes commas for --set, as Argo CD does: not in a {list}, and
// not where a backslash does so already.
func escapeCommas(value string) string {
	if strings.HasPrefix(value, "{") && strings.HasSuffix(value, "}") {
		return value
	}
	var out strings.Builder
	var before rune
	for _, char := range value {
		if char == ',' && before != '\\' {
			out.WriteByte('\\')
		}
		out.WriteRune(char)
		before = char
	}
	return out.String()
}
