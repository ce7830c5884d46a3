package adopt

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"

	"sigs.k8s.io/yaml"

	"github.com/assaydev/assay/internal/application"
	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/scaffold"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/render"
	"github.com/assaydev/assay/render/helm"
)

// Moved is an Application that uses the plugin, and what its environment needs for
// that.
type Moved struct {
	Application []byte // its file, with the plugin in place of the options
	PlanFile    string // path in the repository
	Plan        []byte // its new content; nil where it stays as it is
	Notes       []string
}

// move is an Application on its way to the plugin.
type move struct {
	Environment
	app *application.Application
}

// Move takes the options of an Application to the plan. The environment is the one that
// its path names. It renders to the same objects, or Move fails. A nil ask takes the
// defaults.
func Move(ctx context.Context, env Environment, app *application.Application, ask Ask) (*Moved, error) {
	m := move{env, app}
	m.AppName, m.Namespace = app.Name, app.Namespace
	m.Env = map[string]string{"ARGOCD_APP_NAME": app.Name, "ARGOCD_APP_NAMESPACE": app.Namespace, "ARGOCD_APP_SOURCE_PATH": app.Path}
	if err := m.movable(); err != nil {
		return nil, err
	}
	name, err := spec.PlanFile(m.Name)
	if err != nil {
		return nil, err
	}
	out := &Moved{PlanFile: m.at(name), Notes: app.Notes}
	layout, err := m.layout()
	if err != nil {
		return nil, err
	}
	if layout == spec.Helm {
		if err := m.chooseHelm(out, ask); err != nil {
			return nil, err
		}
	}
	if out.Plan, err = m.plan(ctx, layout, out.PlanFile); err != nil {
		return nil, err
	}
	if out.Application, err = app.WithPlugin(m.Name); err != nil {
		return nil, err
	}
	return out, m.rendersAlike(ctx, out)
}

// movable refuses an environment whose options Argo CD takes from elsewhere too, and one
// with a candidate under test.
func (m move) movable() error {
	for _, name := range []string{".argocd-source.yaml", ".argocd-source-" + m.AppName + ".yaml"} {
		if _, err := m.FS.Stat(m.at(name)); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s overrides options of the Application: move them into it, and remove the file", m.at(name))
		}
	}
	name, err := spec.CandidateFile(m.Name)
	if err != nil {
		return err
	}
	marker := m.at(name)
	if data, err := m.read(marker); err != nil || data != nil && spec.IsOwn(marker, data) {
		return fmt.Errorf("%s: a candidate is under test: move the Application once it is decided", marker)
	}
	return nil
}

// layout is what Argo CD renders the environment as.
func (m move) layout() (spec.Layout, error) {
	if m.app.Layout != "" {
		return m.app.Layout, nil
	}
	layout, _, err := render.Inspect(m.Request)
	return layout, err
}

// chooseHelm decides with which version of Helm the chart is rendered: as the
// Application says, a plan that is there, or the caller; else it asks.
func (m *move) chooseHelm(out *Moved, ask Ask) error {
	if version, ok := m.app.Options["version"].(string); ok {
		m.HelmVersion = version
		return nil
	}
	data, err := m.read(out.PlanFile)
	if err != nil {
		return err
	}
	if data != nil {
		plan, err := spec.DecodePlan(out.PlanFile, data)
		if err != nil {
			return err
		}
		if plan.Spec.Helm != nil && plan.Spec.Helm.Version != "" {
			m.HelmVersion = plan.Spec.Helm.Version
			return nil
		}
	}
	if m.HelmVersion == "" && ask == nil {
		out.Notes = append(out.Notes, "helm.version in the plan is "+helm.Version3+", which Argo CD renders with up to 3.4: set it to "+helm.Version4+" for 3.5 and later")
	}
	return ask.fill(&m.HelmVersion, helmQuestion())
}

// plan adds the options to the plan, which may be there already. It is nil where the
// plan stays as it is.
func (m move) plan(ctx context.Context, layout spec.Layout, file string) (_ []byte, err error) {
	options := m.app.Options
	if layout == spec.Helm {
		if options, err = m.chartOptions(ctx, file); err != nil {
			return nil, err
		}
	}
	if options == nil {
		return nil, nil
	}
	before, err := m.read(file)
	if err != nil {
		return nil, err
	}
	return planWith(file, m.Title, before, section(layout), options)
}

// chartOptions are those of the Application, and what Argo CD takes from
// elsewhere in it. Images need to know the values that hold them.
func (m move) chartOptions(ctx context.Context, plan string) (map[string]any, error) {
	options := map[string]any{"releaseName": m.app.Name, "version": m.HelmVersion}
	if m.Namespace != "" {
		options["namespace"] = m.Namespace
	}
	maps.Copy(options, m.app.Options)
	req, err := m.withoutPlugin(plan)
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
	source.Version = m.HelmVersion
	values, err := helm.Values(ctx, m.FS, m.Dir, source, helm.Options{AppName: m.app.Name, Namespace: m.Namespace})
	if err != nil {
		return nil, err
	}
	images := scaffold.ImageValues(values, scaffold.Images(res.Baseline))
	if len(images) == 0 {
		return options, nil
	}
	var plain any
	data, err := yaml.Marshal(images)
	if err == nil {
		err = yaml.Unmarshal(data, &plain)
	}
	if err != nil {
		return nil, fmt.Errorf("encode plan: %w", err)
	}
	options["imageValues"] = plain
	return options, nil
}

// withoutPlugin is the request for what Argo CD renders by itself: no plan of ours,
// and the Application's options.
func (m move) withoutPlugin(planFile string) (render.Request, error) {
	req := m.with(map[string][]byte{planFile: nil}).Request
	if m.app.Layout == "" {
		return req, nil
	}
	at := section(m.app.Layout)
	text, err := newPlan("", at, m.app.Options)
	if err != nil {
		return req, err
	}
	plan, err := spec.DecodePlan(m.app.File, text)
	if err != nil {
		return req, err
	}
	req.Helm, req.Kustomize, req.Directory = plan.Spec.Helm, plan.Spec.Kustomize, plan.Spec.Directory
	empty, err := newPlan("", at, map[string]any{})
	if err != nil {
		return req, err
	}
	req.FS = req.FS.With(map[string][]byte{planFile: empty}) // names the layout, as the options do
	return req, nil
}

// rendersAlike proves that the plugin, with the plan, renders what Argo CD
// does. What is random in both is not a difference.
func (m move) rendersAlike(ctx context.Context, out *Moved) error {
	native, err := m.withoutPlugin(out.PlanFile)
	if err != nil {
		return err
	}
	moved := m.Request
	if out.Plan != nil {
		moved = m.with(map[string][]byte{out.PlanFile: out.Plan}).Request
	}
	var results [3]*render.Result
	for i, req := range []render.Request{native, moved, native} {
		if results[i], err = render.Environment(ctx, req); err != nil {
			return err
		}
	}
	before, after, again := object.Applied(results[0].Baseline), object.Applied(results[1].Baseline), object.Applied(results[2].Baseline)
	unstable := object.Diff(before, again)
	for _, d := range object.Diff(before, after) {
		if !slices.ContainsFunc(unstable, func(u object.Difference) bool { return u.Key == d.Key }) {
			return fmt.Errorf("%s: with the plugin %s would differ from what Argo CD renders: nothing is written; see what else renders it, such as a plan that is there already", m.app.File, d.Key)
		}
	}
	return nil
}
