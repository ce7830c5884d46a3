package scaffold

import (
	"slices"
	"strings"

	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/spec"
)

// ImageValues guesses which keys of a chart's values hold the images that it
// renders: a mapping with a repository (and registry, tag, digest) that
// compose to the image, or one key that holds the whole reference. An image
// that two places compose to is left out: the guess would be a coin toss.
func ImageValues(values map[string]any, images []string) map[string]spec.ImageKeys {
	found := map[string][]spec.ImageKeys{}
	walkValues("", values, func(name string, keys spec.ImageKeys) {
		if i := slices.IndexFunc(images, func(image string) bool { return sameImage(name, image) }); i >= 0 {
			found[images[i]] = append(found[images[i]], keys)
		}
	})
	guess := map[string]spec.ImageKeys{}
	for image, places := range found {
		if len(places) == 1 {
			guess[image] = places[0]
		}
	}
	return guess
}

// sameImage compares two names, with Docker Hub's left out.
func sameImage(a, b string) bool {
	short := func(name string) string {
		name = strings.TrimPrefix(name, "docker.io/")
		return strings.TrimPrefix(name, "library/")
	}
	return short(a) == short(b)
}

// walkValues visits every place in the values that may hold an image.
func walkValues(at string, values map[string]any, visit func(name string, keys spec.ImageKeys)) {
	text := func(key string) string {
		s, _ := values[key].(string)
		return s
	}
	path := func(key string) string {
		if at == "" {
			return key
		}
		return at + "." + key
	}
	repository := ""
	for _, key := range []string{"repository", "name", "image"} {
		_, hasTag := values["tag"]
		if text(key) != "" && hasTag {
			repository = key
			break
		}
	}
	if repository != "" {
		keys := spec.ImageKeys{Repository: path(repository), Tag: path("tag")}
		name := text(repository)
		if registry := text("registry"); registry != "" {
			keys.Registry = path("registry")
			name = registry + "/" + name
		}
		if _, ok := values["digest"]; ok {
			keys.Digest = path("digest")
		}
		visit(name, keys)
	}
	for key, v := range values {
		switch v := v.(type) {
		case map[string]any:
			if !strings.Contains(key, ".") {
				walkValues(path(key), v, visit)
			}
		case string:
			name, tag, digest := object.SplitImage(v)
			if key != repository && (tag != "" || digest != "") && !strings.Contains(key, ".") {
				visit(name, spec.ImageKeys{Image: path(key)})
			}
		}
	}
}
