// Package examples holds one small shop in the three layouts, each with a
// plan, an experiment, a candidate and recorded verdicts. The demo runs on it, and golden files
// under golden/ hold what it renders to.
package examples

import (
	"embed"
	"io/fs"

	"github.com/assaydev/assay/internal/spec"
)

//go:embed all:flat all:helm all:kustomize candidates verdicts
var files embed.FS

// FS is the env repo that holds the environments.
func FS() fs.FS { return files }

// Environment is one example.
type Environment struct {
	Layout    spec.Layout
	Dir       string // the environment's directory in FS
	Candidate string // the file in FS to copy to Dir/candidate.yaml
	Engine    string // what judges the candidate
	Won, Lost string // files in FS with the status of what judges, once it has concluded
}

// All lists the examples, one for each layout.
func All() []Environment {
	return []Environment{
		{spec.Flat, "flat", "candidates/flat.yaml", "Iter8 Experiment, load by fortio", "verdicts/flat.won.yaml", "verdicts/flat.lost.yaml"},
		{spec.Helm, "helm", "candidates/helm.yaml", "k6 Job", "verdicts/helm.won.yaml", "verdicts/helm.lost.yaml"},
		{spec.Kustomize, "kustomize/prod", "candidates/kustomize.yaml", "Argo Rollouts AnalysisRun, load by fortio", "verdicts/kustomize.won.yaml", "verdicts/kustomize.lost.yaml"},
	}
}
