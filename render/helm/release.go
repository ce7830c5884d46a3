package helm

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"
	"k8s.io/apimachinery/pkg/util/version"

	"github.com/assaydev/assay/internal/excerpt"
)

// release is what templates see as .Release and .Capabilities.
type release struct {
	name, namespace string
	kube            string // as 1.33.0
	apiVersions     []string
}

func (r *renderer) release() (release, error) {
	name, err := r.releaseName()
	if err != nil {
		return release{}, err
	}
	kube, err := r.kubeVersion()
	if err != nil {
		return release{}, err
	}
	given := r.src.APIVersions
	if len(given) == 0 {
		given = r.opt.APIVersions
	}
	return release{
		name:        name,
		namespace:   firstOf(r.src.Namespace, r.opt.Namespace, "default"),
		kube:        kube,
		apiVersions: slices.Concat(r.sdk.apiVersions(), given), // as under `helm template`
	}, nil
}

// releaseName is the source's, the Application's, or what `helm template` takes
// when it is given none. The name of an Application in any namespace comes as
// NAMESPACE_NAME, of which Argo CD takes NAME. Argo CD does not shorten it.
func (r *renderer) releaseName() (string, error) {
	app := r.opt.AppName
	if _, name, ok := strings.Cut(app, "_"); ok {
		app = name
	}
	name := firstOf(r.src.ReleaseName, app, "release-name")
	if err := chartutil.ValidateReleaseName(name); err != nil {
		return "", fmt.Errorf("%s: release name %q is invalid: it needs at most 53 lower-case letters, digits, '-' and '.'; set helm.releaseName in the plan", r.dir, excerpt.Cut(name, 80))
	}
	return name, nil
}

// kubeVersion is the one that charts see.
func (r *renderer) kubeVersion() (string, error) {
	given := firstOf(r.src.KubeVersion, r.opt.KubeVersion)
	v, err := KubeVersion(given)
	if err != nil {
		return "", fmt.Errorf("%s: Kubernetes version %q %w: set helm.kubeVersion in the plan to one like 1.33.0", r.dir, excerpt.Cut(given, 40), err)
	}
	return v, nil
}

// KubeVersion is a version of Kubernetes as charts see it. A suffix such as -gke.1 or +k3s1 is
// dropped, as by Argo CD from v3.2 on: charts compare versions.
func KubeVersion(given string) (string, error) {
	v, err := version.ParseGeneric(given)
	if err != nil {
		return "", errors.New("is not a version")
	}
	if len(v.Components()) > 3 {
		return "", errors.New("is not a semantic version")
	}
	return v.String(), nil
}

// expand replaces $NAME and ${NAME} as Argo CD does in parameters and file
// names: $$ is a dollar sign and an unknown name is empty.
func (r *renderer) expand(what, text string) (string, error) {
	var refused string
	out := os.Expand(text, func(name string) string {
		if strings.HasPrefix(name, "ARGOCD_APP_REVISION") {
			refused = name
		}
		return r.variable(name)
	})
	if refused != "" {
		return "", fmt.Errorf("%s: %s uses $%s: the revision must not reach the output, since Argo CD's cache outlives it", r.dir, what, refused)
	}
	return out, nil
}

func (r *renderer) variable(name string) string {
	if value, ok := r.opt.Env[name]; ok {
		return value
	}
	switch name {
	case "$":
		return "$"
	case "ARGOCD_APP_NAME":
		return r.opt.AppName
	case "ARGOCD_APP_NAMESPACE":
		return r.opt.Namespace
	}
	return ""
}

func firstOf(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}
