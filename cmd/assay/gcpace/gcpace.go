// Package gcpace puts off garbage collection for a process that ends before
// collecting pays.
//
// It is a package of its own because Go initialises packages in the order of
// their paths once their imports are: this one comes before the libraries whose
// own start-up would otherwise be collected twice. See the Go specification,
// "Program initialization".
package gcpace

import "runtime/debug"

// percent lets the heap grow to nine times what is in use: a render of usual
// size ends before the first collection.
const percent = 800

var _ = debug.SetGCPercent(percent)

// Bound makes the collector work as hard as it must once the process has taken
// limit bytes, so that large environments stay within a container's memory.
func Bound(limit int64) { debug.SetMemoryLimit(limit) }
