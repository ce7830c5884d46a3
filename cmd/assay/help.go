package main

// Headings of flags in the help.
const (
	environmentGroup = "Flags for the environment"
	clusterGroup     = "Flags for the cluster"
	serverGroup      = "Flags for a branch on a server, with --repo or --app"
	renderGroup      = "Flags for rendering, and its limits"
)

// headings are those of the help, in its order.
func headings() []string {
	return []string{environmentGroup, clusterGroup, serverGroup, renderGroup}
}
