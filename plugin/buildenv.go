package plugin

// buildEnv is what $NAME means in source options: the part of Argo CD's build
// environment that output may depend on. The revision is not part of it, since
// Argo CD carries cached output over to new revisions. The sidecar's own
// environment is not the repository's to read.
func buildEnv(lookup func(string) (string, bool)) map[string]string {
	var env map[string]string
	for _, name := range []string{
		envAppName, envNamespace, envSourcePath,
		"ARGOCD_APP_PROJECT_NAME", "ARGOCD_APP_SOURCE_REPO_URL", "ARGOCD_APP_SOURCE_TARGET_REVISION",
	} {
		if value, ok := lookup(name); ok {
			if env == nil {
				env = map[string]string{}
			}
			env[name] = value
		}
	}
	return env
}
