package spec

import (
	"fmt"
	"path"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/assaydev/assay/internal/excerpt"
)

// SkipLine is the first line of a file that Argo CD (from v3.2) leaves out.
const SkipLine = "# +argocd:skip-file-rendering"

// PlanFile is the plan's file in an environment's directory: assay.yaml, or
// assay.ENV.yaml for a named environment.
func PlanFile(env string) (string, error) { return fileName("assay", env) }

// CandidateFile is the marker's file: candidate.yaml, or candidate.ENV.yaml.
func CandidateFile(env string) (string, error) { return fileName("candidate", env) }

func fileName(stem, env string) (string, error) {
	if env == "" {
		return stem + ".yaml", nil
	}
	if len(validation.IsDNS1123Label(env)) > 0 {
		return "", fmt.Errorf("name environment %s: use at most 63 lower-case letters, digits and dashes, as in prod or eu-west", excerpt.Word(env, longestWord))
	}
	return stem + "." + env + ".yaml", nil
}

// directoryName is what an environment in dir is called by default.
func directoryName(dir string) string {
	switch base := path.Base(dir); base {
	case ".", "/", "..":
		return "environment"
	default:
		return base
	}
}
