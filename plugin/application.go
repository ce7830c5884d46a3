package plugin

import (
	"strings"

	"github.com/assaydev/assay/internal/application"
)

// FromApplication is the call that Argo CD makes for an Application that uses the plugin.
func FromApplication(at application.Place) (Call, error) {
	return FromEnv(func(key string) (string, bool) {
		switch key {
		case envAppName:
			return at.Name, true
		case envNamespace:
			return at.Namespace, true
		case envParameters:
			return at.Parameters, at.Parameters != ""
		}
		plain, found := strings.CutPrefix(key, "ARGOCD_ENV_")
		value, ok := at.Env[plain]
		return value, found && ok
	})
}
