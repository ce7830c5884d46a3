package kustomize

import (
	"fmt"
	"os"
	"strings"

	"sigs.k8s.io/kustomize/api/pkg/util"
	"sigs.k8s.io/kustomize/api/types"
)

// keep stands for the value that the kustomization has.
const keep = "*"

// images sets images by name, and sorts the list, as `kustomize edit set image`.
func (e *edits) images(k *types.Kustomization) error {
	if len(e.src.Images) == 0 {
		return nil
	}
	byName := map[string]types.Image{}
	for _, arg := range e.src.Images {
		image, err := parseImage(e.substitute(arg))
		if err != nil {
			return err
		}
		byName[image.Name] = image
	}
	for _, old := range k.Images {
		if set, ok := byName[old.Name]; ok {
			byName[old.Name] = kept(set, old)
			continue
		}
		byName[old.Name] = old
	}
	for name, image := range byName {
		byName[name] = kept(image, types.Image{})
	}
	k.Images = sortedValues(byName)
	return nil
}

// kept fills every * of an image from the old entry.
func kept(image, old types.Image) types.Image {
	if image.NewName == keep {
		image.NewName = old.NewName
	}
	if image.NewTag == keep {
		image.NewTag = old.NewTag
	}
	if image.Digest == keep {
		image.Digest = old.Digest
	}
	return image
}

// parseImage reads [old=]new[:tag][@digest].
func parseImage(arg string) (types.Image, error) {
	old, value, renamed := strings.Cut(arg, "=")
	if !renamed {
		value = arg
	}
	name, tag, digest := util.SplitImageName(value)
	switch {
	case name == arg:
		return types.Image{}, fmt.Errorf("images: %q has no tag, digest or new name; write NAME:TAG, NAME@DIGEST or OLD=NEW", display(arg))
	case !renamed || old == "":
		return types.Image{Name: name, NewTag: tag, Digest: digest}, nil
	}
	return types.Image{Name: old, NewName: name, NewTag: tag, Digest: digest}, nil
}

// substitute replaces $NAME and ${NAME} by what Argo CD gives them; $$ is a
// dollar. The revision is noted, for apply to refuse it.
func (e *edits) substitute(value string) string {
	return os.Expand(value, func(name string) string {
		if name == "$" {
			return "$"
		}
		if strings.HasPrefix(name, "ARGOCD_APP_REVISION") {
			e.revision = name
		}
		return e.env[name]
	})
}
