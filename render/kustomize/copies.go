package kustomize

import jsonpatch "gopkg.in/evanphx/json-patch.v4"

// mostCopied is how many bytes the operations of one JSON patch may copy: each may
// double an object.
const mostCopied = 4 << 20

// The library asks for the limit of the process. It is set before any patch is read,
// and never again.
var _ = boundCopies()

func boundCopies() bool {
	jsonpatch.AccumulatedCopySizeLimit = mostCopied
	return true
}
