package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"

	"sigs.k8s.io/yaml"
	goyaml "sigs.k8s.io/yaml/goyaml.v2"

	"github.com/assaydev/assay/internal/application"
	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/scaffold"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/internal/yamledit"
	"github.com/assaydev/assay/plugin"
	"github.com/assaydev/assay/render"
	"github.com/assaydev/assay/render/helm"
)

// initApp moves an Application to Assay: its options into the plan, and the
// plugin into their place. The environment renders to the same objects, or
// nothing is written.
func (a *app) initApp(ctx context.Context, opt initOptions, args []string) error {
	data, err := a.readInput(opt.app)
	if err != nil {
		return err
	}
	name := opt.app
	if name == "-" {
		name = "stdin"
	}
	moved, err := application.Read(name, data)
	if err != nil {
		return err
	}
	p, err := opt.openApp(moved, args)
	if err != nil {
		return err
	}
	defer p.close()
	if err := p.ordinary(); err != nil {
		return err
	}
	plan, err := p.movePlan(ctx, moved)
	if err != nil {
		return err
	}
	out, err := moved.WithPlugin(p.Name)
	if err != nil {
		return err
	}
	if err := p.rendersAlike(ctx, moved, plan); err != nil {
		return err
	}
	if plan.data != nil {
		if err := a.writeOwn(ctx, p, map[string][]byte{path.Base(plan.file): plan.data}); err != nil {
			return err
		}
		a.notef("wrote %s", p.on(plan.file))
	}
	a.data(out)
	for _, note := range moved.Notes {
		a.notef("note: %s", note)
	}
	a.notef("the environment renders to the same objects with the plugin")
	a.notef("next: commit the plan, then apply the Application that is printed")
	back := "the way back: apply " + name + " as it was"
	if plan.data != nil {
		back += ", and remove what was added to " + p.on(plan.file)
	}
	a.notef("%s", back)
	return nil
}

// openApp opens the environment that the Application's path names.
func (o initOptions) openApp(moved *application.Application, args []string) (*place, error) {
	dir := dirArg(args)
	env := o.environment
	if len(args) == 0 {
		root, _, err := env.locate(".", "")
		if err != nil {
			return nil, err
		}
		dir = filepath.Join(root, filepath.FromSlash(moved.Path))
		if env.root == "" {
			env.root = root
		}
	}
	p, err := env.open(dir, plugin.Call{})
	if err != nil {
		return nil, err
	}
	if p.Dir != path.Clean(moved.Path) {
		p.close()
		return nil, fmt.Errorf("%s: spec.source.path is %s, and %s is %s of this repository: name the directory of the same path, or the repository with --root", moved.File, moved.Path, dir, p.Dir)
	}
	if len(args) == 0 {
		p.arg = filepath.FromSlash(moved.Path)
	}
	p.AppName, p.Namespace = moved.Name, moved.Namespace
	p.Env = map[string]string{"ARGOCD_APP_NAME": moved.Name, "ARGOCD_APP_NAMESPACE": moved.Namespace, "ARGOCD_APP_SOURCE_PATH": moved.Path}
	return p, nil
}

// ordinary refuses an environment whose options Argo CD takes from elsewhere too.
func (p *place) ordinary() error {
	for _, name := range []string{".argocd-source.yaml", ".argocd-source-" + p.AppName + ".yaml"} {
		file := path.Join(p.Dir, name)
		if _, err := p.FS.Stat(file); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s overrides options of the Application: move them into it, and remove the file", file)
		}
	}
	m, err := p.markerFile()
	if err != nil {
		return err
	}
	if data, err := readIfExists(p.FS, m); err != nil || data != nil && spec.IsOwn(m, data) {
		return fmt.Errorf("%s: a candidate is under test: move the Application once it is decided", m)
	}
	return nil
}

// planEdit is the plan as it will be; data is nil where it stays as it is.
type planEdit struct {
	file string
	data []byte
}

// movePlan adds the options to the plan, which may be there already.
func (p *place) movePlan(ctx context.Context, moved *application.Application) (planEdit, error) {
	name, err := spec.PlanFile(p.Name)
	if err != nil {
		return planEdit{}, err
	}
	e := planEdit{file: path.Join(p.Dir, name)}
	layout, _, err := render.Inspect(p.Request)
	if err != nil {
		return e, err
	}
	if moved.Layout != "" {
		layout = moved.Layout
	}
	options := maps.Clone(moved.Options)
	if layout == spec.Helm {
		if options, err = p.chartOptions(ctx, moved); err != nil {
			return e, err
		}
	}
	if options == nil {
		return e, nil
	}
	section := map[spec.Layout]string{spec.Helm: "helm", spec.Kustomize: "kustomize", spec.Flat: "directory"}[layout]
	before, err := readIfExists(p.FS, e.file)
	if err != nil {
		return e, err
	}
	if before == nil {
		e.data, err = newPlan(p.base(), section, options)
	} else {
		e.data, err = addToPlan(e.file, before, section, options)
	}
	if err == nil {
		_, err = spec.DecodePlan(e.file, e.data)
	}
	if bytes.Equal(e.data, before) {
		e.data = nil
	}
	return e, err
}

// chartOptions are those of the Application, and what Argo CD takes from
// elsewhere in it. Images need to know the values that hold them.
func (p *place) chartOptions(ctx context.Context, moved *application.Application) (map[string]any, error) {
	options := map[string]any{"releaseName": moved.Name}
	if moved.Namespace != "" {
		options["namespace"] = moved.Namespace
	}
	maps.Copy(options, moved.Options)
	req, err := p.native(moved)
	if err != nil {
		return nil, err
	}
	res, err := render.Environment(ctx, req)
	if err != nil {
		return nil, err
	}
	source := spec.HelmSource{}
	if req.Helm != nil {
		source = *req.Helm
	}
	values, err := helm.Values(ctx, p.FS, p.Dir, source, helm.Options{AppName: moved.Name, Namespace: moved.Namespace})
	if err != nil {
		return nil, err
	}
	if images := scaffold.ImageValues(values, scaffold.Images(res.Baseline)); len(images) > 0 {
		var plain any
		data, err := yaml.Marshal(images)
		if err == nil {
			err = yaml.Unmarshal(data, &plain)
		}
		if err != nil {
			return nil, fmt.Errorf("encode plan: %w", err)
		}
		options["imageValues"] = plain
	}
	return options, nil
}

func newPlan(name, section string, options map[string]any) ([]byte, error) {
	data, err := goyaml.Marshal(goyaml.MapSlice{
		{Key: "apiVersion", Value: spec.APIVersion},
		{Key: "kind", Value: spec.KindPlan},
		{Key: "metadata", Value: map[string]any{"name": name}},
		{Key: "spec", Value: map[string]any{section: options}},
	})
	if err != nil {
		return nil, fmt.Errorf("encode plan: %w", err)
	}
	return append([]byte(spec.SkipLine+"\n"), data...), nil
}

// addToPlan adds options to a plan, and keeps what it says already.
func addToPlan(name string, data []byte, section string, options map[string]any) ([]byte, error) {
	file, err := yamledit.Parse(name, data)
	if err != nil {
		return nil, err
	}
	root, _ := file.Value(0).(map[string]any)
	body, hasBody := root["spec"].(map[string]any)
	if !hasBody {
		op := yamledit.Insert
		if _, null := root["spec"]; null {
			op = yamledit.Set
		}
		return file.Apply(yamledit.Edit{Op: op, Path: yamledit.Path{yamledit.Key("spec")}, Value: map[string]any{section: options}})
	}
	at := yamledit.Path{yamledit.Key("spec"), yamledit.Key(section)}
	existing, _ := body[section].(map[string]any)
	if len(existing) == 0 {
		op := yamledit.Insert
		if _, empty := body[section]; empty {
			op = yamledit.Set
		}
		return file.Apply(yamledit.Edit{Op: op, Path: at, Value: options})
	}
	var edits []yamledit.Edit
	for _, key := range slices.Sorted(maps.Keys(options)) {
		was, has := existing[key]
		switch {
		case !has:
			edits = append(edits, yamledit.Edit{Op: yamledit.Insert, Path: append(slices.Clone(at), yamledit.Key(key)), Value: options[key]})
		case key != "imageValues" && !object.Equal(was, options[key]):
			return nil, fmt.Errorf("%s: spec.%s.%s says something else than the Application: make them the same", name, section, key)
		}
	}
	return file.Apply(edits...)
}

// native is the request for what Argo CD renders by itself: no plan of ours,
// and the Application's options.
func (p *place) native(moved *application.Application) (render.Request, error) {
	req := p.Request
	planName, err := spec.PlanFile(p.Name)
	if err != nil {
		return req, err
	}
	file := path.Join(p.Dir, planName)
	req.FS = req.FS.With(map[string][]byte{file: nil})
	if moved.Layout == "" {
		return req, nil
	}
	section := map[spec.Layout]string{spec.Helm: "helm", spec.Kustomize: "kustomize", spec.Flat: "directory"}[moved.Layout]
	text, err := newPlan("", section, moved.Options)
	if err != nil {
		return req, err
	}
	plan, err := spec.DecodePlan(moved.File, text)
	if err != nil {
		return req, err
	}
	req.Helm, req.Kustomize, req.Directory = plan.Spec.Helm, plan.Spec.Kustomize, plan.Spec.Directory
	empty, err := newPlan("", section, map[string]any{})
	if err != nil {
		return req, err
	}
	req.FS = req.FS.With(map[string][]byte{file: empty}) // names the layout, as the options do
	return req, nil
}

// rendersAlike proves that the plugin, with the plan, renders what Argo CD
// does.
func (p *place) rendersAlike(ctx context.Context, moved *application.Application, plan planEdit) error {
	native, err := p.native(moved)
	if err != nil {
		return err
	}
	before, err := render.Environment(ctx, native)
	if err != nil {
		return err
	}
	req := p.Request
	if plan.data != nil {
		req.FS = req.FS.With(map[string][]byte{plan.file: plan.data})
	}
	after, err := render.Environment(ctx, req)
	if err != nil {
		return err
	}
	again, err := render.Environment(ctx, native)
	if err != nil {
		return err
	}
	unstable := object.Diff(before.Baseline, again.Baseline)
	for _, d := range object.Diff(before.Baseline, after.Baseline) {
		if slices.ContainsFunc(unstable, func(u object.Difference) bool { return u.Key == d.Key }) {
			continue
		}
		return fmt.Errorf("%s: with the plugin %s would differ from what Argo CD renders: nothing is written; see what else renders it, such as a plan that is there already", moved.File, d.Key)
	}
	return nil
}
