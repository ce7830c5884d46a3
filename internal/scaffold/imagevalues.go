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

// nameKeys are what charts call the name of an image, and those of them beside which a tag
// is usual even where the values have none, as with a default of the chart's appVersion.
var (
	nameKeys   = []string{"repository", "repo", "name", "image", "imageRepository", "imageName"}
	tagIsUsual = map[string]string{"repository": "tag", "repo": "tag", "imageRepository": "imageTag"}
	tagKeys    = []string{"tag", "version", "imageTag"}
)

// walkValues visits every place in the values that may hold an image.
func walkValues(at string, values map[string]any, visit func(name string, keys spec.ImageKeys)) {
	global, _ := values["global"].(map[string]any)
	registry, _ := global["imageRegistry"].(string)
	walkBelow(at, values, func(name string, keys spec.ImageKeys) {
		visit(name, keys)
		if registry != "" && keys.Registry == "" && keys.Image == "" {
			keys.Registry = join(at, "global.imageRegistry")
			visit(registry+"/"+name, keys)
		}
	})
}

func walkBelow(at string, values map[string]any, visit func(name string, keys spec.ImageKeys)) {
	own, isImage := imageOf(values)
	if isImage {
		name, _ := values[own.Repository].(string)
		if own.Registry != "" {
			registry, _ := values[own.Registry].(string)
			name = registry + "/" + name
		}
		visit(name, spec.ImageKeys{Registry: join(at, own.Registry), Repository: join(at, own.Repository), Tag: join(at, own.Tag), Digest: join(at, own.Digest)})
	}
	for key, v := range values {
		if strings.Contains(key, ".") {
			continue
		}
		switch v := v.(type) {
		case map[string]any:
			walkBelow(join(at, key), v, visit)
		case string:
			name, tag, digest := object.SplitImage(v)
			if key != own.Repository && (tag != "" || digest != "") {
				visit(name, spec.ImageKeys{Image: join(at, key)})
			}
		}
	}
}

// imageOf are the keys of a mapping that hold an image in parts.
func imageOf(values map[string]any) (keys spec.ImageKeys, ok bool) {
	has := func(key string) bool { _, ok := values[key]; return ok }
	tag := slices.IndexFunc(tagKeys, has)
	for _, key := range nameKeys {
		name, _ := values[key].(string)
		if name == "" || tag < 0 && tagIsUsual[key] == "" {
			continue
		}
		keys = spec.ImageKeys{Repository: key, Tag: tagIsUsual[key]}
		if tag >= 0 {
			keys.Tag = tagKeys[tag]
		}
		if registry, _ := values["registry"].(string); registry != "" {
			keys.Registry = "registry"
		}
		if has("digest") {
			keys.Digest = "digest"
		}
		return keys, true
	}
	return spec.ImageKeys{}, false
}

// join is a key below another one; empty where it is empty.
func join(at, key string) string {
	if at == "" || key == "" {
		return key
	}
	return at + "." + key
}
