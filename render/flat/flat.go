// Package flat renders plain manifests as Argo CD's directory source does.
//
//  1. Files lists what Argo CD would read: by extension, recurse, include and
//     exclude, links to files inside the repo followed (files.go).
//  2. Render reads them on all cores, passes over those with the skip line,
//     decodes them (internal/object/manifest), flattens lists and keeps the order.
//
// Argo CD ignores a YAML file that is not a manifest and refuses a broken one:
// read tells them apart by the same rule.
// Source: argo-cd v3.2 reposerver/repository/repository.go, findManifests.
package flat

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path"
	"runtime"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/object/manifest"
)

// Render returns the objects of the files, in order. Two objects of one
// identity both stay, as in Argo CD. lim.Documents holds for all files together.
func Render(ctx context.Context, fsys *envfs.FS, files []string, lim manifest.Limits) ([]*unstructured.Unstructured, error) {
	lim = lim.WithDefaults()
	results := make([][]*unstructured.Unstructured, len(files))
	faults := make([]error, len(files))
	var failed atomic.Int64 // the first file with a fault, so far
	failed.Store(int64(len(files)))
	var total atomic.Int64
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, file := range files {
		if ctx.Err() != nil {
			break
		}
		group.Go(func() error {
			if int64(i) > failed.Load() || total.Load() > int64(lim.Documents) {
				return nil
			}
			faults[i] = manifest.Guard(file, func() (err error) {
				results[i], err = read(ctx, fsys, file, lim)
				return err
			})
			total.Add(int64(len(results[i])))
			if faults[i] != nil {
				lower(&failed, int64(i))
			}
			return nil
		})
	}
	_ = group.Wait()
	if ctx.Err() != nil {
		return nil, fmt.Errorf("render %d files: %w", len(files), context.Cause(ctx))
	}
	if total.Load() > int64(lim.Documents) {
		return nil, fmt.Errorf("%s: more than %d documents; split the environment, or raise the limit", path.Dir(files[0]), lim.Documents)
	}
	if i := failed.Load(); i < int64(len(files)) {
		return nil, faults[i]
	}
	objs := make([]*unstructured.Unstructured, 0, total.Load())
	for _, r := range results {
		objs = append(objs, r...)
	}
	return objs, nil
}

// lower stores i unless a lower index is there.
func lower(first *atomic.Int64, i int64) {
	for {
		if old := first.Load(); i >= old || first.CompareAndSwap(old, i) {
			return
		}
	}
}

// read returns the objects of one file.
func read(ctx context.Context, fsys *envfs.FS, file string, lim manifest.Limits) ([]*unstructured.Unstructured, error) {
	data, err := fsys.ReadFile(file)
	if err != nil {
		return nil, err
	}
	if manifest.Skipped(data) {
		return nil, nil
	}
	if strings.HasSuffix(file, ".json") {
		o, err := manifest.DecodeJSON(file, data, lim)
		if err != nil {
			return nil, err
		}
		return manifest.Flatten(file, []*unstructured.Unstructured{o})
	}
	objs, err := manifest.DecodeKnown(ctx, file, data, lim)
	if err != nil && !ignored(file, data, objs, err, lim) {
		return nil, err
	}
	return manifest.Flatten(file, objs)
}

// ignored reports whether Argo CD takes a file that does not decode for
// something else than a manifest: nothing before the fault decoded, and the
// fields of a manifest are not all in it.
func ignored(file string, data []byte, objs []*unstructured.Unstructured, err error, lim manifest.Limits) bool {
	var fault *manifest.Error
	if errors.As(err, &fault) && fault.Refused {
		// Argo CD reads bytes that are not UTF-8 as U+FFFD.
		objs, err = manifest.Decode(file, bytes.ToValidUTF8(data, []byte("\ufffd")), lim)
		if err == nil || errors.As(err, &fault) && fault.Refused {
			return err == nil && len(objs) == 0
		}
	}
	return len(objs) == 0 &&
		(!bytes.Contains(data, []byte("apiVersion:")) || !bytes.Contains(data, []byte("kind:")) || !bytes.Contains(data, []byte("metadata:")))
}
