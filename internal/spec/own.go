package spec

import (
	"path"
	"regexp"
	"strings"
)

// ownName matches the plans and markers of every environment of a directory.
const ownName = `^(assay|candidate)(\.[a-z0-9-]+)?\.yaml$`

// KindByName returns which kind a file of this name would hold: KindPlan,
// KindCandidate, or "" for any other file.
func KindByName(name string) string {
	base := path.Base(name)
	if !strings.HasPrefix(base, "assay") && !strings.HasPrefix(base, "candidate") {
		return "" // as most files of a chart, each of which is asked for
	}
	m := regexp.MustCompile(ownName).FindStringSubmatch(base)
	switch {
	case m == nil:
		return ""
	case m[1] == "candidate":
		return KindCandidate
	default:
		return KindPlan
	}
}

// IsOwn tells a plan or a marker by its content. A broken one is one too, if
// it names our API group: it is never a manifest.
func IsOwn(name string, data []byte) bool {
	docs, err := parse(name, data)
	return err != nil || len(docs) > 0
}
