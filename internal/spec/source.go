package spec

import "sigs.k8s.io/kustomize/api/types"

// HelmSource mirrors Argo CD's ApplicationSourceHelm, less what a plugin has no
// use for (version, passCredentials). Source: argo-cd
// pkg/apis/application/v1alpha1/types.go.
type HelmSource struct {
	Version                 string              `json:"version,omitempty" jsonschema:"enum=v3,enum=v4"` // of Helm: v3 (the default) is Argo CD's up to 3.4, v4 from 3.5 on
	ReleaseName             string              `json:"releaseName,omitempty"`                          // as helm template RELEASE
	Namespace               string              `json:"namespace,omitempty"`                            // as --namespace
	ValueFiles              []string            `json:"valueFiles,omitempty"`                           // relative to the environment, inside the repo
	IgnoreMissingValueFiles bool                `json:"ignoreMissingValueFiles,omitempty"`              // leave out value files that do not exist
	Values                  string              `json:"values,omitempty"`                               // YAML text, merged after valueFiles
	ValuesObject            map[string]any      `json:"valuesObject,omitempty"`                         // the same as a mapping; wins over values
	Parameters              []HelmParameter     `json:"parameters,omitempty"`                           // as --set and --set-string
	FileParameters          []HelmFileParameter `json:"fileParameters,omitempty"`                       // as --set-file
	KubeVersion             string              `json:"kubeVersion,omitempty"`                          // what charts see as Kubernetes' version
	APIVersions             []string            `json:"apiVersions,omitempty"`                          // what charts see as the cluster's API versions
	SkipCrds                bool                `json:"skipCrds,omitempty"`                             // leave out the chart's crds directory
	SkipTests               bool                `json:"skipTests,omitempty"`                            // leave out test hooks
	SkipSchemaValidation    bool                `json:"skipSchemaValidation,omitempty"`                 // do not check values against the chart's schema

	// which value keys hold an image, by image name; needed for images in a marker
	ImageValues map[string]ImageKeys `json:"imageValues,omitempty"`
}

// HelmParameter is one --set.
type HelmParameter struct {
	Name        string `json:"name" jsonschema:"minLength=1"` // the value's path, as a.b or a[0]
	Value       string `json:"value,omitempty"`               // the value, as text
	ForceString bool   `json:"forceString,omitempty"`         // as --set-string
}

// HelmFileParameter is one --set-file.
type HelmFileParameter struct {
	Name string `json:"name" jsonschema:"minLength=1"` // the value's path, as a.b or a[0]
	Path string `json:"path" jsonschema:"minLength=1"` // the file, relative to the environment, inside the repo
}

// ImageKeys are dotted paths into a chart's values.
type ImageKeys struct {
	Registry   string `json:"registry,omitempty"`   // key of the registry's host
	Repository string `json:"repository,omitempty"` // key of the name without registry, or the whole name
	Tag        string `json:"tag,omitempty"`        // key of the tag
	Digest     string `json:"digest,omitempty"`     // key of the digest
	Image      string `json:"image,omitempty"`      // one key that holds the whole reference; excludes the others
}

// KustomizeSource mirrors Argo CD's ApplicationSourceKustomize, less version.
type KustomizeSource struct {
	NamePrefix                string            `json:"namePrefix,omitempty"`                // put before names
	NameSuffix                string            `json:"nameSuffix,omitempty"`                // put after names
	Images                    []string          `json:"images,omitempty"`                    // as [old=]new[:tag][@digest]
	CommonLabels              map[string]string `json:"commonLabels,omitempty"`              // added to every object, and to selectors
	CommonAnnotations         map[string]string `json:"commonAnnotations,omitempty"`         // added to every object
	CommonAnnotationsEnvsubst bool              `json:"commonAnnotationsEnvsubst,omitempty"` // replace variables of Argo CD in commonAnnotations
	ForceCommonLabels         bool              `json:"forceCommonLabels,omitempty"`         // overwrite labels that exist
	ForceCommonAnnotations    bool              `json:"forceCommonAnnotations,omitempty"`    // overwrite annotations that exist
	LabelWithoutSelector      bool              `json:"labelWithoutSelector,omitempty"`      // keep commonLabels out of selectors
	LabelIncludeTemplates     bool              `json:"labelIncludeTemplates,omitempty"`     // with labelWithoutSelector: add them to pod templates
	Namespace                 string            `json:"namespace,omitempty"`                 // of every object
	Replicas                  []types.Replica   `json:"replicas,omitempty"`                  // as Kustomize's replicas
	Patches                   []types.Patch     `json:"patches,omitempty"`                   // as Kustomize's patches
	Components                []string          `json:"components,omitempty"`                // directories, relative to the environment
	IgnoreMissingComponents   bool              `json:"ignoreMissingComponents,omitempty"`   // leave out components that do not exist
	KubeVersion               string            `json:"kubeVersion,omitempty"`               // what inflated charts see as Kubernetes' version
	APIVersions               []string          `json:"apiVersions,omitempty"`               // what inflated charts see as the cluster's API versions
}

// DirectorySource mirrors Argo CD's ApplicationSourceDirectory, less jsonnet.
type DirectorySource struct {
	Recurse bool   `json:"recurse,omitempty"` // read subdirectories as well
	Include string `json:"include,omitempty"` // a glob of files to read, or {a,b}
	Exclude string `json:"exclude,omitempty"` // a glob of files to leave out, or {a,b}

	// read files of any extension, as Argo CD can from 3.6 on; include and exclude choose them
	DisableExtensionFilter bool `json:"disableExtensionFilter,omitempty"`
}
