package application

import "strings"

// Target is a cluster that Applications deploy to: as one names it, by server or name, or as it is
// known, by both.
type Target struct{ Server, Name string }

// What Argo CD calls the cluster that it runs in, where no Secret gives it another name.
const (
	InClusterName = "in-cluster"
	InCluster     = "https://kubernetes.default.svc"
)

// String is the target for people.
func (t Target) String() string {
	if t.Name != "" {
		return t.Name
	}
	return t.Server
}

// targetOf reads spec.destination. A trailing slash of the server says nothing.
func targetOf(root map[string]any) Target {
	return Target{Server: strings.TrimRight(text(root, "spec", "destination", "server"), "/"), Name: text(root, "spec", "destination", "name")}
}

// destination is the cluster that the Application deploys to; empty for the one
// that Argo CD runs in, by the name and the URL that Argo CD has for it.
func destination(root map[string]any) string {
	for _, field := range []string{"name", "server"} {
		switch at := text(root, "spec", "destination", field); at {
		case "", InClusterName, InCluster:
		default:
			return at
		}
	}
	return ""
}
