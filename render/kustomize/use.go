package kustomize

// WithDefaultSchema runs use beside plain builds, and never while a build that
// sets a schema of its own is under way. It is for the users of Kustomize's
// filters and of kyaml's schema outside a build.
func WithDefaultSchema(use func() error) error {
	return shared(func(bool) error { return use() })
}
