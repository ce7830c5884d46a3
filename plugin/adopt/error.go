package adopt

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/scaffold"
)

// ErrNoWorkload is returned for an environment in which there is nothing to test.
var ErrNoWorkload = errors.New("the environment renders no workload that a candidate could replace: name another directory")

// ExistsError is returned for a file that would be written over.
type ExistsError struct{ Path string } // in the repository

func (e *ExistsError) Error() string {
	return e.Path + " exists: edit it, or remove it"
}

// OthersError is returned for resources that would judge beside those of the engine.
type OthersError struct{ Paths []string } // in the repository

func (e *OthersError) Error() string {
	return excerpt.List(e.Paths) + " may judge too: remove it, so that only the engine that is asked for judges"
}

// TargetError is returned where the options choose none of the workloads.
type TargetError struct {
	Given     string // empty: there are several, and none was named
	Workloads []string
}

func (e *TargetError) Error() string {
	if e.Given == "" {
		return fmt.Sprintf("there are %d workloads: choose one", len(e.Workloads))
	}
	hint := cmp.Or(excerpt.DidYouMean(e.Given, e.Workloads), "there is "+excerpt.List(e.Workloads))
	return fmt.Sprintf("%s: no such workload; %s", e.Given, hint)
}

// AddressError is returned for a target whose candidate has no known address.
type AddressError struct{ Target scaffold.Target }

func (e *AddressError) Error() string {
	return fmt.Sprintf("no Service selects %s, so its candidate has no address: give one", e.Target)
}

// ErrPrometheus is returned for a Prometheus that the engine would not ask.
var ErrPrometheus = fmt.Errorf("a Prometheus is for the engine %s alone", scaffold.Analysis)
