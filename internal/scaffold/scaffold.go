// Package scaffold writes the first plan and experiment of an environment:
// files that the user then owns, and that render without further edits.
//
//  1. Survey reads a rendered environment: the workloads that a candidate may
//     replace, how to reach them, and what routes traffic to them.
//  2. ImageValues guesses which values of a chart hold an image.
//  3. Files fills the embedded templates for an engine and a load.
package scaffold

import (
	"bytes"
	"embed"
	"fmt"
	"path"
	"slices"
	"strings"
	"text/template"

	"github.com/assaydev/assay/internal/spec"
)

//go:embed templates
var templates embed.FS

// The engines that Files knows.
const (
	Iter8    = "iter8"
	Analysis = "argo-rollouts"
	Job      = "job"
	K6       = "k6"
)

// Load generators, by the names that Files knows.
const (
	Fortio = "fortio"
	None   = "none"
)

// Engines lists the engines, the first being the default.
func Engines() []string { return []string{Job, K6, Analysis, Iter8} }

// Loads lists the load generators.
func Loads() []string { return []string{Fortio, K6, None} }

// DefaultLoad is the load that an engine needs: a metrics verdict needs
// requests, and a Job makes its own.
func DefaultLoad(engine string) string {
	if engine == Iter8 || engine == Analysis {
		return Fortio
	}
	return None
}

// Options say what to write.
type Options struct {
	Environment string // its name for people
	Plan        string // the plan's file name
	Directory   string // of the resources, in the environment
	Engine      string
	Load        string
	Target      Target
	Traffic     string // isolated or shared
	URL         string // where the candidate answers
	Prometheus  string // address of a Prometheus, or empty: the candidate is asked itself
	Helm        *spec.HelmSource
}

// Files returns the contents of the plan and the experiment's resources, by
// their slash paths relative to the environment.
func Files(opt Options) (map[string][]byte, error) {
	if !slices.Contains(Engines(), opt.Engine) || !slices.Contains(Loads(), opt.Load) {
		return nil, fmt.Errorf("engine %q with load %q is not one that can be written", opt.Engine, opt.Load)
	}
	names := map[string]string{opt.Plan: "assay.yaml", path.Join(opt.Directory, resource(opt.Engine)): source(opt.Engine)}
	if opt.Load != None {
		names[path.Join(opt.Directory, loadFile)] = "load-" + opt.Load + ".yaml"
	}
	files := map[string][]byte{}
	for name, source := range names {
		data, err := fill(source, opt)
		if err != nil {
			return nil, err
		}
		files[name] = data
	}
	return files, nil
}

// loadFile is the file of a load.
const loadFile = "load.yaml.tmpl"

// resource is the file of an engine.
func resource(engine string) string { return source(engine) + ".tmpl" }

// source is the template of an engine.
func source(engine string) string {
	if engine == Analysis {
		return "analysisrun.yaml"
	}
	return engine + ".yaml"
}

// Wrote says of a file of resources whether it is as Files writes it and, by its name,
// whether it is an engine's.
func Wrote(name string, data []byte) (judges, unchanged bool, err error) {
	var sources []string
	for _, engine := range Engines() {
		if name == resource(engine) {
			sources, judges = append(sources, source(engine)), true
		}
	}
	if name == loadFile {
		sources = []string{"load-" + Fortio + ".yaml", "load-" + K6 + ".yaml"}
	}
	for _, source := range sources {
		for _, prometheus := range []string{"", "http://prometheus"} {
			text, err := fill(source, Options{Prometheus: prometheus})
			if err != nil {
				return false, false, err
			}
			unchanged = unchanged || bytes.Equal(text, data)
		}
	}
	return judges, unchanged, nil
}

// fill executes one embedded template. Its delimiters are [[ ]]: the text in
// between is a template itself.
func fill(name string, opt Options) ([]byte, error) {
	t, err := template.New(name).Delims("[[", "]]").Funcs(template.FuncMap{"quote": quote}).ParseFS(templates, "templates/*")
	if err != nil {
		return nil, fmt.Errorf("parse template %s: %w", name, err)
	}
	var out bytes.Buffer
	if err := t.Execute(&out, opt); err != nil {
		return nil, fmt.Errorf("fill template %s: %w", name, err)
	}
	return out.Bytes(), nil
}

// quote makes a YAML scalar of any text: plain where that is safe.
func quote(text string) string {
	plain := text != "" && strings.IndexFunc(text, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-._/", r)
	}) < 0
	switch strings.ToLower(text) {
	case "null", "true", "false", "yes", "no", "on", "off", "y", "n":
		plain = false
	}
	if plain && (text[0] >= 'a' && text[0] <= 'z' || text[0] >= 'A' && text[0] <= 'Z') {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", "''") + "'"
}
