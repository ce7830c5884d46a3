package spec

import "sigs.k8s.io/kustomize/api/types"

// HelmSource mirrors Argo CD's ApplicationSourceHelm, less what a plugin has no
// use for (version, passCredentials). Source: argo-cd
// pkg/apis/application/v1alpha1/types.go.
type HelmSource struct {
	ReleaseName             string              `json:"releaseName,omitempty"`
	Namespace               string              `json:"namespace,omitempty"`
	ValueFiles              []string            `json:"valueFiles,omitempty"` // relative to the environment
	IgnoreMissingValueFiles bool                `json:"ignoreMissingValueFiles,omitempty"`
	Values                  string              `json:"values,omitempty"` // YAML text; after valueFiles
	ValuesObject            map[string]any      `json:"valuesObject,omitempty"`
	Parameters              []HelmParameter     `json:"parameters,omitempty"`     // --set and --set-string
	FileParameters          []HelmFileParameter `json:"fileParameters,omitempty"` // --set-file
	KubeVersion             string              `json:"kubeVersion,omitempty"`
	APIVersions             []string            `json:"apiVersions,omitempty"`
	SkipCrds                bool                `json:"skipCrds,omitempty"`
	SkipTests               bool                `json:"skipTests,omitempty"`
	SkipSchemaValidation    bool                `json:"skipSchemaValidation,omitempty"`

	// ImageValues says which value keys hold an image: image name to the
	// dotted paths of its parts. Needed for images in a marker.
	ImageValues map[string]ImageKeys `json:"imageValues,omitempty"`
}

// HelmParameter is one --set.
type HelmParameter struct {
	Name        string `json:"name"`
	Value       string `json:"value"`
	ForceString bool   `json:"forceString,omitempty"`
}

// HelmFileParameter is one --set-file.
type HelmFileParameter struct {
	Name string `json:"name"`
	Path string `json:"path"`
}

// ImageKeys are dotted paths into a chart's values.
type ImageKeys struct {
	Registry   string `json:"registry,omitempty"`
	Repository string `json:"repository,omitempty"`
	Tag        string `json:"tag,omitempty"`
	Digest     string `json:"digest,omitempty"`
	Image      string `json:"image,omitempty"` // one key that holds the whole reference
}

// KustomizeSource mirrors Argo CD's ApplicationSourceKustomize, less version.
type KustomizeSource struct {
	NamePrefix                string            `json:"namePrefix,omitempty"`
	NameSuffix                string            `json:"nameSuffix,omitempty"`
	Images                    []string          `json:"images,omitempty"` // [old=]new[:tag][@digest]
	CommonLabels              map[string]string `json:"commonLabels,omitempty"`
	CommonAnnotations         map[string]string `json:"commonAnnotations,omitempty"`
	CommonAnnotationsEnvsubst bool              `json:"commonAnnotationsEnvsubst,omitempty"`
	ForceCommonLabels         bool              `json:"forceCommonLabels,omitempty"`
	ForceCommonAnnotations    bool              `json:"forceCommonAnnotations,omitempty"`
	LabelWithoutSelector      bool              `json:"labelWithoutSelector,omitempty"`
	LabelIncludeTemplates     bool              `json:"labelIncludeTemplates,omitempty"`
	Namespace                 string            `json:"namespace,omitempty"`
	Replicas                  []types.Replica   `json:"replicas,omitempty"`
	Patches                   []types.Patch     `json:"patches,omitempty"`
	Components                []string          `json:"components,omitempty"`
	IgnoreMissingComponents   bool              `json:"ignoreMissingComponents,omitempty"`
	KubeVersion               string            `json:"kubeVersion,omitempty"`
	APIVersions               []string          `json:"apiVersions,omitempty"`
}

// DirectorySource mirrors Argo CD's ApplicationSourceDirectory, less jsonnet.
type DirectorySource struct {
	Recurse bool   `json:"recurse,omitempty"`
	Include string `json:"include,omitempty"` // a glob, or {a,b}
	Exclude string `json:"exclude,omitempty"`
}
