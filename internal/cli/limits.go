package cli

import (
	"github.com/spf13/pflag"

	"github.com/assaydev/assay/internal/envfs"
)

// BindLimits adds the flags that limit what one render may take. Zero stands for the default.
func BindLimits(f *pflag.FlagSet, files *envfs.Limits, documents, depth *int, output *int64) {
	f.Var((*ByteSize)(&files.FileBytes), "max-file-bytes", "largest file that is read (default 32Mi)")
	f.Var((*ByteSize)(&files.TotalBytes), "max-total-bytes", "bytes that are read in all (default 256Mi)")
	f.Var((*Count)(&files.Files), "max-files", "files that are read in all (default 50000)")
	f.Var((*Count)(documents), "max-documents", "YAML documents that are read (default 50000)")
	f.Var((*Count)(depth), "max-depth", "nesting of a YAML document (default 100)")
	f.Var((*ByteSize)(output), "max-output-bytes", "bytes of output (default 128Mi)")
}
