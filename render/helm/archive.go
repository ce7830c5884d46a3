package helm

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"path"

	"helm.sh/helm/v4/pkg/chart/loader/archive"

	"github.com/assaydev/assay/internal/excerpt"
)

// unpack reads a packed chart. Its content is measured first, without being
// kept, and counted for all archives of the render together: archives may hold
// archives, and a tar of empty files is a bomb as well.
func (r *renderer) unpack(where string, data []byte) ([]file, error) {
	size, err := unpackedSize(data, r.opt.Limits.ChartBytes-r.unpacked)
	if err != nil {
		return nil, fmt.Errorf("%s: is not a packed chart: %s", where, excerpt.Cut(err.Error(), 200))
	}
	if r.unpacked += size; r.unpacked > r.opt.Limits.ChartBytes {
		return nil, fmt.Errorf("%s: packed charts unpack to more than %d bytes: remove what the chart does not need, or raise the limit", where, r.opt.Limits.ChartBytes)
	}
	buffered, err := archive.LoadArchiveFiles(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("%s: unpack the chart: %s", where, excerpt.Cut(err.Error(), 200))
	}
	files := make([]file, len(buffered))
	for i, b := range buffered {
		files[i] = file{name: b.Name, path: path.Join(where, b.Name), data: b.Data}
	}
	return files, nil
}

// unpackedSize returns the size of gzipped data, or limit+1 if it is larger
// than limit.
func unpackedSize(data []byte, limit int64) (int64, error) {
	zip, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return 0, err
	}
	return io.Copy(io.Discard, io.LimitReader(zip, limit+1))
}
