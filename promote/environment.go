package promote

import (
	"path"

	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/render"
)

// IsEnvironment reports whether a directory, which renders to a result, is an environment: it has a
// plan or a marker, or renders objects.
func IsEnvironment(req render.Request, res *render.Result) bool {
	return len(res.Baseline) > 0 || res.Marker != nil || hasPlan(req)
}

// hasPlan reports whether there is a plan: the environment may have no objects yet.
func hasPlan(req render.Request) bool {
	name, err := spec.PlanFile(req.Name)
	if err != nil {
		return false
	}
	_, err = req.FS.Lstat(path.Join(req.Dir, name))
	return err == nil
}
