package main

import (
	"strings"

	"sigs.k8s.io/kustomize/api/types"

	"github.com/assaydev/assay/internal/cli"
	"github.com/assaydev/assay/internal/object"
)

// parseImage reads one --image as `kustomize edit set image` does:
// NAME:TAG, NAME@DIGEST, NAME=NEWNAME, NAME=NEWNAME:TAG or NAME=NEWNAME@DIGEST.
func parseImage(text string) (types.Image, error) {
	const forms = "give NAME:TAG, NAME@DIGEST or NAME=NEWNAME[:TAG|@DIGEST]"
	name, ref, renamed := strings.Cut(text, "=")
	if !renamed {
		ref = text
	}
	newName, tag, digest := object.SplitImage(ref)
	if !renamed {
		name = newName
	}
	image := types.Image{Name: name, NewTag: tag, Digest: digest}
	if renamed && newName != name {
		image.NewName = newName
	}
	switch {
	case name == "" || newName == "" || strings.ContainsAny(text, " \t\n*"):
		return image, cli.Usagef("--image %q: %s", text, forms)
	case tag != "" && digest != "":
		return image, cli.Usagef("--image %q has both a tag and a digest: give one", text)
	case tag == "" && digest == "" && image.NewName == "":
		return image, cli.Usagef("--image %q names no tag or digest: %s", text, forms)
	}
	return image, nil
}
