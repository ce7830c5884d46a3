package promote

import (
	"io/fs"

	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/render"
)

// View is how an environment is read from any tree of its repository.
type View struct {
	Request render.Request // without a tree
	Files   envfs.Limits   // of one reading of a tree
}

// In is the environment in a tree.
func (v View) In(tree fs.FS) render.Request {
	req := v.Request
	req.FS = envfs.New(tree, v.Files)
	return req
}

// At is the environment in a directory of this machine. The caller closes its
// tree.
func (v View) At(root string) (render.Request, error) {
	req := v.Request
	var err error
	req.FS, err = envfs.OpenDir(root, v.Files)
	return req, err
}
