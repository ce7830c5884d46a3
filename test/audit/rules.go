package main

import (
	"fmt"
	"strings"

	"golang.org/x/mod/semver"
)

// rule is what a module that ships must keep to.
type rule struct {
	path  string // of the module, or of all below it
	floor string // the oldest version that may ship; "" for none
	why   string
}

// rules hold where a later version of go.mod, or an import more, would undo a fix.
func rules() []rule {
	return []rule{
		{"github.com/argoproj/argo-cd", "", "version 2 gets no fixes (CVE-2026-55797): it is for tests"},
		{"github.com/argoproj/gitops-engine", "", "it gets no fixes (CVE-2026-45738): it is for tests"},
		{"golang.org/x/crypto", "v0.56.0", "fixes of ssh and knownhosts (GO-2026-5005 to 5033, 6355)"},
		{"golang.org/x/net", "v0.55.0", "fixes of GO-2026-4918 and 5025 to 5030"},
		{"google.golang.org/grpc", "v1.79.3", "a fix of GO-2026-4762"},
		{"helm.sh/helm/v3", "v3.18.6", "the version whose output is held against Argo CD's"},
	}
}

// faults are the modules that break a rule, each with the reason.
func faults(modules []module) []string {
	var out []string
	for _, m := range modules {
		for _, r := range rules() {
			if m.path != r.path && !strings.HasPrefix(m.path, r.path+"/") {
				continue
			}
			switch {
			case r.floor == "":
				out = append(out, fmt.Sprintf("%s %s is linked: %s", m.path, m.version, r.why))
			case !semver.IsValid(m.version):
				out = append(out, fmt.Sprintf("%s has no version (%q), and needs at least %s: %s", m.path, m.version, r.floor, r.why))
			case semver.Compare(m.version, r.floor) < 0:
				out = append(out, fmt.Sprintf("%s %s is older than %s: %s", m.path, m.version, r.floor, r.why))
			}
		}
	}
	return out
}
