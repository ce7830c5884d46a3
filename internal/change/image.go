package change

import (
	"regexp"
	"strings"

	"sigs.k8s.io/kustomize/api/types"

	"github.com/assaydev/assay/internal/object"
)

// imageTask is one entry of spec.images.
type imageTask struct {
	*maker
	field string
	image types.Image
}

func (t imageTask) fault(field, format string, args ...any) error {
	return t.maker.fault(t.field+"."+field, format, args...)
}

// longestTag is the limit of the OCI distribution specification.
const longestTag = 128

// Lengths are checked apart: a counted repetition makes a large program, at
// every start of the process.
var (
	imageName   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:/-]*$`)
	imageTag    = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*$`)
	imageSuffix = regexp.MustCompile(`^[A-Za-z0-9_.-]+$`)
	imageDigest = regexp.MustCompile(`^[a-z0-9]+:[A-Za-z0-9]+$`)
)

// valid checks the entry by itself.
func (t imageTask) valid() error {
	im := t.image
	_, tag, digest := object.SplitImage(im.NewName)
	switch {
	case im.Name == "":
		return t.fault("name", "missing: name the image to change")
	case im.NewName == "" && im.NewTag == "" && im.Digest == "" && im.TagSuffix == "":
		return t.fault("name", "nothing to change: add newTag, digest or newName")
	case im.TagSuffix != "" && (im.NewTag != "" || im.Digest != ""):
		return t.fault("tagSuffix", "excludes newTag and digest: keep one of them")
	case tag != "" || digest != "":
		return t.fault("newName", "holds a tag or digest: write them as newTag and digest")
	case im.NewName != "" && !imageName.MatchString(im.NewName):
		return t.fault("newName", "is not an image name")
	case im.NewTag != "" && (!imageTag.MatchString(im.NewTag) || len(im.NewTag) > longestTag):
		return t.fault("newTag", "is not a tag: letters, digits, '_', '.' and '-', at most 128")
	case im.TagSuffix != "" && (!imageSuffix.MatchString(im.TagSuffix) || len(im.TagSuffix) >= longestTag):
		return t.fault("tagSuffix", "is not part of a tag: letters, digits, '_', '.' and '-'")
	case im.Digest != "" && !imageDigest.MatchString(im.Digest):
		return t.fault("digest", "is not a digest: write it as sha256:...")
	}
	return nil
}

// updated is a reference with the change made, by Kustomize's rule: a tag
// clears a digest and the other way round, unless both are given. A suffix that
// the tag already has is not added again.
func updated(ref string, im types.Image) string {
	name, tag, digest := object.SplitImage(ref)
	if im.NewName != "" {
		name = im.NewName
	}
	switch {
	case im.NewTag != "" || im.Digest != "":
		tag, digest = im.NewTag, im.Digest
	case im.TagSuffix != "":
		tag, digest = suffixed(tag, im.TagSuffix), ""
	}
	if tag != "" {
		name += ":" + tag
	}
	if digest != "" {
		name += "@" + digest
	}
	return name
}

func suffixed(tag, suffix string) string {
	if strings.HasSuffix(tag, suffix) {
		return tag
	}
	return tag + suffix
}
