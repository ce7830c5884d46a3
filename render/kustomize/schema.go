package kustomize

import (
	"errors"
	"sync"

	"sigs.k8s.io/kustomize/kyaml/openapi"
)

// schema guards kyaml's OpenAPI schema, which is global to the process: once a
// build has set its own (`openapi:`), every later build uses it. Plain builds
// share the lock; a build that sets a schema holds it alone and cleans up.
// See https://github.com/kubernetes-sigs/kustomize/issues/4824.
var schema sync.RWMutex

// errAlone stops a build that turns out to set a schema.
var errAlone = errors.New("the build sets its own schema")

// withSchema runs build beside others, and again alone if it asks for that.
func withSchema(build func(alone bool) error) error {
	err := shared(build)
	if !errors.Is(err, errAlone) {
		return err
	}
	schema.Lock()
	defer schema.Unlock()
	// What earlier builds left half parsed would be parsed over the build's own
	// schema: begin as a new process does.
	openapi.ResetOpenAPI()
	defer openapi.ResetOpenAPI()
	return build(true)
}

func shared(build func(alone bool) error) error {
	schema.RLock()
	defer schema.RUnlock()
	return build(false)
}
