package spec

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/kustomize/api/types"

	"github.com/assaydev/assay/internal/repourl"
)

// at adds a problem on the line of the field, or of the nearest parent that the file has.
func (w *walker) at(field, format string, args ...any) {
	w.add(w.lineOf(field), field, format, args...)
}

func (w *walker) lineOf(field string) int {
	for {
		if line, ok := w.lines[field]; ok {
			return line
		}
		field = field[:max(strings.LastIndexAny(field, ".["), 0)]
	}
}

func (w *walker) checkMetadata(m Metadata) {
	if len(m.Name) > validation.DNS1123SubdomainMaxLength || strings.ContainsFunc(m.Name, isControl) {
		w.at("metadata.name", "must be one line of at most %d bytes", validation.DNS1123SubdomainMaxLength)
	}
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

func (w *walker) checkCandidate(c *Candidate) {
	w.checkMetadata(c.Metadata)
	s := c.Spec
	if len(s.Images) == 0 && len(s.Values) == 0 && len(s.Patches) == 0 && strings.TrimSpace(s.Diff) == "" && len(w.list) == 0 {
		w.at("spec", "it changes nothing: set at least one of images, values, patches, diff")
	}
	if s.Attempt < 0 {
		w.at("spec.attempt", "must be 0 or more")
	}
	names := map[string]bool{}
	for i, image := range s.Images {
		at := fmt.Sprintf("spec.images[%d]", i)
		w.checkImage(image, at)
		if names[image.Name] {
			w.at(child(at, "name"), "is named twice: write one item for an image")
		}
		names[image.Name] = true
	}
	w.checkPatches(s.Patches, "spec.patches")
}

// What a reference may hold, by the OCI distribution specification. Lengths are
// checked apart: a counted repetition makes a large program, at every start.
const (
	longestTag   = 128
	sha256Length = len("sha256:") + 64
)

var (
	imageName   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._/-]*(:[0-9]+/[A-Za-z0-9._/-]+)?$`)
	imageTag    = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*$`)
	imageDigest = regexp.MustCompile(`^sha256:[a-f0-9]+$`)
)

// checkImage holds Kustomize's fields to what a reference may be. Kustomize
// itself takes the name for a regular expression.
func (w *walker) checkImage(image types.Image, at string) {
	name := func(field, value string) {
		if !imageName.MatchString(value) {
			w.at(child(at, field), "must be an image's name without tag and digest, as in registry.example.com/shop/web")
		}
	}
	if image.Name == "" {
		w.at(child(at, "name"), "is missing: name the image that changes")
	} else {
		name("name", image.Name)
	}
	if image.NewName != "" {
		name("newName", image.NewName)
	}
	if image.NewTag != "" && (!imageTag.MatchString(image.NewTag) || len(image.NewTag) > longestTag) {
		w.at(child(at, "newTag"), "must be a tag: at most 128 letters, digits, dots, dashes and underscores")
	}
	if image.Digest != "" && (!imageDigest.MatchString(image.Digest) || len(image.Digest) != sha256Length) {
		w.at(child(at, "digest"), "must be sha256: and 64 hex digits")
	}
	switch {
	case image.TagSuffix != "":
		w.at(child(at, "tagSuffix"), "is not known to a candidate: write the whole tag in newTag")
	case image.NewName == "" && image.NewTag == "" && image.Digest == "":
		w.at(at, "changes nothing: set newName, newTag or digest")
	}
}

func (w *walker) checkPatches(patches []types.Patch, at string) {
	for i, p := range patches {
		at := fmt.Sprintf("%s[%d]", at, i)
		switch {
		case p.Path == "" && strings.TrimSpace(p.Patch) == "":
			w.at(at, "is empty: set patch or path")
		case p.Path != "" && p.Patch != "":
			w.at(at, "has both patch and path: keep one")
		}
	}
}

func (w *walker) checkPlan(p *Plan) {
	w.checkMetadata(p.Metadata)
	w.checkVariant(p.Spec.Candidate, len(p.Spec.Targets))
	w.checkExperiment(p.Spec.Experiment)
	w.checkSources(p.Spec)
	for i, d := range p.Spec.Promotion.To {
		if _, err := PlanFile(d.Environment); err != nil {
			w.at(fmt.Sprintf("spec.promotion.to[%d].environment", i), "%v", err)
		}
		w.checkRepo(d.Repo, fmt.Sprintf("spec.promotion.to[%d].repo", i))
	}
	if strings.ContainsFunc(p.Spec.Promotion.Title, isControl) {
		w.at("spec.promotion.title", "must be one line")
	}
	w.checkWindows(p.Spec.Promotion.Windows)
}

// checkRepo keeps credentials out of plans. Their text reaches no message.
func (w *walker) checkRepo(repo, at string) {
	if repo == "" {
		return
	}
	u, err := repourl.Parse(repo)
	switch {
	case strings.ContainsFunc(repo, isControl):
		w.at(at, "must be one line")
	case u.IsHTTP() && (u.User != "" || u.HasPassword):
		w.at(at, "holds a user, which may be a token: leave it out, and give the credentials to whoever promotes")
	case u.HasPassword:
		w.at(at, "holds a password: leave it out, and give the credentials to whoever promotes")
	case err != nil:
		w.at(at, "is not a URL of a repository: %v: write it as https://git.example.com/shop/envs.git", err)
	}
}

var nameSuffix = regexp.MustCompile(`^[a-z0-9-]*[a-z0-9]$`)

func (w *walker) checkVariant(v Variant, targets int) {
	const at = "spec.candidate"
	switch {
	case v.Name != "" && v.NameSuffix != "":
		w.at(at+".name", "excludes nameSuffix: keep one of them")
	case v.Name != "" && len(validation.IsDNS1123Subdomain(v.Name)) > 0:
		w.at(at+".name", "must be an object's name: lower-case letters, digits, dashes and dots")
	case v.Name != "" && targets > 1:
		w.at(at+".name", "names one object, and there are %d targets: use nameSuffix", targets)
	case v.NameSuffix != "" && (!nameSuffix.MatchString(v.NameSuffix) || len(v.NameSuffix) > validation.LabelValueMaxLength):
		w.at(at+".nameSuffix", "must be at most %d lower-case letters, digits and dashes, and end in a letter or digit", validation.LabelValueMaxLength)
	}
	if v.Replicas != nil && *v.Replicas < 0 {
		w.at(at+".replicas", "must be 0 or more")
	}
	w.checkLabels(v.Labels, at+".labels")
	w.checkPatches(v.Patches, at+".patches")
}

func (w *walker) checkLabels(labels map[string]string, at string) {
	for key, value := range labels {
		if len(validation.IsQualifiedName(key)) > 0 {
			w.at(child(at, key), "is not a valid label name: use letters, digits, dashes, dots and underscores, as in example.com/track")
		}
		if len(validation.IsValidLabelValue(value)) > 0 {
			w.at(child(at, key), "is not a valid label value: use at most %d letters, digits, dashes, dots and underscores", validation.LabelValueMaxLength)
		}
	}
}

func (w *walker) checkExperiment(e Experiment) {
	const at = "spec.experiment"
	if e.Delimiters != nil && (len(e.Delimiters) != 2 || e.Delimiters[0] == "" || e.Delimiters[1] == "") {
		w.at(at+".delimiters", `must be two strings that are not empty, as in ["[[", "]]"]`)
	}
	for i, pattern := range e.Resources {
		if pattern == "" {
			w.at(fmt.Sprintf("%s.resources[%d]", at, i), "is empty: name files relative to the environment, as in experiment/*")
		}
	}
	w.checkEngines(e.Engines)
	if e.Deadline == "" {
		return
	}
	if d, err := time.ParseDuration(string(e.Deadline)); err != nil || d < 0 {
		w.at(at+".deadline", "must be a duration, as in 90s, 30m or 24h, or 0 for none")
	}
}

func (w *walker) checkSources(s PlanSpec) {
	var given []string
	for _, source := range s.sources() {
		if !source.empty {
			given = append(given, source.name)
		}
	}
	if len(given) > 1 {
		w.at("spec."+given[1], "an environment has one layout, and the plan sets %s: keep one", strings.Join(given, " and "))
	}
	if s.Kustomize != nil {
		w.checkLabels(s.Kustomize.CommonLabels, "spec.kustomize.commonLabels")
		w.checkPatches(s.Kustomize.Patches, "spec.kustomize.patches")
	}
	if s.Helm != nil {
		w.checkImageValues(s.Helm.ImageValues)
	}
}

func (w *walker) checkImageValues(images map[string]ImageKeys) {
	for name, keys := range images {
		at := child("spec.helm.imageValues", name)
		switch {
		case keys == ImageKeys{}:
			w.at(at, "is empty: name the value keys that hold the image, as in {repository: image.repository, tag: image.tag}")
		case keys.Image != "" && keys != ImageKeys{Image: keys.Image}:
			w.at(child(at, "image"), "holds the whole reference: leave the other keys out")
		}
	}
}
