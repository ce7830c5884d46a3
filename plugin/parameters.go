package plugin

import (
	"github.com/assaydev/assay/internal/spec"
)

// What a parameter holds, in Argo CD's words.
const (
	collectionString = "string"
	collectionArray  = "array"
	collectionMap    = "map"

	itemBoolean = "boolean"
	itemNumber  = "number"
)

// value is what a parameter holds: one field is in use, by its collection.
type value struct {
	text  string
	list  []string
	pairs map[string]string
}

// sources are the source options that parameters mirror.
type sources struct {
	environment string
	helm        spec.HelmSource
	kustomize   spec.KustomizeSource
	directory   spec.DirectorySource
}

// parameter is one row of the table: all that Assay knows of a parameter.
type parameter struct {
	name       string
	layout     spec.Layout // empty: every layout
	collection string
	item       string // empty: string
	option     string // Argo CD's own name for it
	title      string
	tooltip    string

	set func(s *sources, v value) error
	get func(s *sources) value
}

// parameters is the table. Parsing, the announcement and docs/parameters.md
// are made from it.
func parameters() []parameter {
	var all []parameter
	all = append(all, environmentParameters()...)
	all = append(all, helmParameters()...)
	all = append(all, kustomizeParameters()...)
	return append(all, directoryParameters()...)
}

func environmentParameters() []parameter {
	return []parameter{
		textRow("environment", "", "Environment", "", "Name of the environment where one directory serves several: assay.NAME.yaml, candidate.NAME.yaml.",
			func(s *sources) *string { return &s.environment }),
	}
}

func helmParameters() []parameter {
	const l = spec.Helm
	return []parameter{
		textRow("helm-version", l, "Helm version", "helm.version", "Version of Helm: v3, which Argo CD has up to 3.4, or v4. Default: what the sidecar was started with, else the plan's, else v3.",
			func(s *sources) *string { return &s.helm.Version }),
		textRow("helm-release-name", l, "Release name", "helm.releaseName", "Release name. Default: the Application's name.",
			func(s *sources) *string { return &s.helm.ReleaseName }),
		textRow("helm-namespace", l, "Namespace", "helm.namespace", "Namespace to template with. Default: the destination's.",
			func(s *sources) *string { return &s.helm.Namespace }),
		listRow("helm-value-files", l, "Value files", "helm.valueFiles", "Value files, relative to the Application's path; later ones win.",
			func(s *sources) *[]string { return &s.helm.ValueFiles }),
		boolRow("helm-ignore-missing-value-files", l, "Ignore missing value files", "helm.ignoreMissingValueFiles", "Leave out value files that do not exist.",
			func(s *sources) *bool { return &s.helm.IgnoreMissingValueFiles }),
		helmValues(),
		setParameters("helm-parameters", false, "Parameters", "Single values, as helm's --set takes them."),
		setParameters("helm-string-parameters", true, "String parameters", "Single values that stay strings, as helm's --set-string takes them."),
		helmFileParameters(),
		textRow("helm-kube-version", l, "Kubernetes version", "helm.kubeVersion", "Kubernetes version that charts see. Default: the cluster's.",
			func(s *sources) *string { return &s.helm.KubeVersion }),
		listRow("helm-api-versions", l, "API versions", "helm.apiVersions", "API versions that charts see, as [group/]version/kind. Default: the cluster's.",
			func(s *sources) *[]string { return &s.helm.APIVersions }),
		boolRow("helm-skip-crds", l, "Skip CRDs", "helm.skipCrds", "Leave out the chart's crds directory.",
			func(s *sources) *bool { return &s.helm.SkipCrds }),
		boolRow("helm-skip-tests", l, "Skip tests", "helm.skipTests", "Leave out test hooks.",
			func(s *sources) *bool { return &s.helm.SkipTests }),
		boolRow("helm-skip-schema-validation", l, "Skip schema validation", "helm.skipSchemaValidation", "Do not check values against values.schema.json.",
			func(s *sources) *bool { return &s.helm.SkipSchemaValidation }),
	}
}

func kustomizeParameters() []parameter {
	const l = spec.Kustomize
	return []parameter{
		textRow("kustomize-name-prefix", l, "Name prefix", "kustomize.namePrefix", "Prefix for the names of all resources.",
			func(s *sources) *string { return &s.kustomize.NamePrefix }),
		textRow("kustomize-name-suffix", l, "Name suffix", "kustomize.nameSuffix", "Suffix for the names of all resources.",
			func(s *sources) *string { return &s.kustomize.NameSuffix }),
		listRow("kustomize-images", l, "Images", "kustomize.images", "Image overrides, as [old=]new[:tag][@digest].",
			func(s *sources) *[]string { return &s.kustomize.Images }),
		mapRow("kustomize-common-labels", l, "Common labels", "kustomize.commonLabels", "Labels for all resources.",
			func(s *sources) *map[string]string { return &s.kustomize.CommonLabels }),
		mapRow("kustomize-common-annotations", l, "Common annotations", "kustomize.commonAnnotations", "Annotations for all resources.",
			func(s *sources) *map[string]string { return &s.kustomize.CommonAnnotations }),
		boolRow("kustomize-common-annotations-envsubst", l, "Substitute variables in annotations", "kustomize.commonAnnotationsEnvsubst", "Replace $ARGOCD_APP_NAME and the like in common annotations.",
			func(s *sources) *bool { return &s.kustomize.CommonAnnotationsEnvsubst }),
		boolRow("kustomize-force-common-labels", l, "Force common labels", "kustomize.forceCommonLabels", "Let common labels replace those of the kustomization.",
			func(s *sources) *bool { return &s.kustomize.ForceCommonLabels }),
		boolRow("kustomize-force-common-annotations", l, "Force common annotations", "kustomize.forceCommonAnnotations", "Let common annotations replace those of the kustomization.",
			func(s *sources) *bool { return &s.kustomize.ForceCommonAnnotations }),
		boolRow("kustomize-label-without-selector", l, "Labels without selectors", "kustomize.labelWithoutSelector", "Keep common labels out of selectors.",
			func(s *sources) *bool { return &s.kustomize.LabelWithoutSelector }),
		boolRow("kustomize-label-include-templates", l, "Labels in templates", "kustomize.labelIncludeTemplates", "Put common labels into pod templates too, where selectors are left alone.",
			func(s *sources) *bool { return &s.kustomize.LabelIncludeTemplates }),
		textRow("kustomize-namespace", l, "Namespace", "kustomize.namespace", "Namespace for all resources.",
			func(s *sources) *string { return &s.kustomize.Namespace }),
		kustomizeReplicas(),
		kustomizePatches(),
		listRow("kustomize-components", l, "Components", "kustomize.components", "Components to add, relative to the Application's path.",
			func(s *sources) *[]string { return &s.kustomize.Components }),
		boolRow("kustomize-ignore-missing-components", l, "Ignore missing components", "kustomize.ignoreMissingComponents", "Leave out components that do not exist.",
			func(s *sources) *bool { return &s.kustomize.IgnoreMissingComponents }),
		textRow("kustomize-kube-version", l, "Kubernetes version", "kustomize.kubeVersion", "Kubernetes version that charts inflated by Kustomize see. Default: the cluster's.",
			func(s *sources) *string { return &s.kustomize.KubeVersion }),
		listRow("kustomize-api-versions", l, "API versions", "kustomize.apiVersions", "API versions that charts inflated by Kustomize see. Default: the cluster's.",
			func(s *sources) *[]string { return &s.kustomize.APIVersions }),
	}
}

func directoryParameters() []parameter {
	const l = spec.Flat
	return []parameter{
		boolRow("directory-recurse", l, "Recurse", "directory.recurse", "Read manifests in subdirectories too.",
			func(s *sources) *bool { return &s.directory.Recurse }),
		textRow("directory-include", l, "Include", "directory.include", "Glob of the files to read, or {a,b}.",
			func(s *sources) *string { return &s.directory.Include }),
		textRow("directory-exclude", l, "Exclude", "directory.exclude", "Glob of the files to leave out, or {a,b}.",
			func(s *sources) *string { return &s.directory.Exclude }),
		boolRow("directory-disable-extension-filter", l, "Any extension", "directory.disableExtensionFilter", "Read files of any extension that include and exclude choose.",
			func(s *sources) *bool { return &s.directory.DisableExtensionFilter }),
	}
}
