package kustomize

// WithDefaultSchema runs use beside plain builds, and never while a build that
// sets a schema of its own is under way. It is for the users of Kustomize's
// filters and of kyaml's schema outside a build. use must not call Render:
// it could wait for itself.
func WithDefaultSchema(use func() error) error {
	return shared(func(bool) error { return use() })
}
