package helm

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/object/manifest"
)

// maxMessage bounds what of a chart's own message (fail, required) is shown.
const maxMessage = 1000

// templateError turns the engine's error, a chain of template names, into the
// place in the repo where it happened and its cause. Text that values can reach
// is left out; what a chart says with fail or required is the chart's own.
func templateError(dir string, places map[string]string, err error) error {
	text := err.Error()
	if m := regexp.MustCompile(`(?s)^(parse|execution) error (?:at|in) \((.+?)(?::(\d+))?(?::\d+)?\): (.*)$`).FindStringSubmatch(text); m != nil {
		return located(dir, places, m[2], m[3], excerpt.Cut(m[4], maxMessage))
	}
	chain := regexp.MustCompile(`(?s)template: ([^:]+):(\d+)(?::\d+)?: executing "[^"]*" at <(.*?)>: `).FindAllStringSubmatchIndex(text, -1)
	if chain == nil {
		return fmt.Errorf("%s: render the templates: %s", dir, excerpt.Cut(masked(text), maxMessage))
	}
	last := chain[len(chain)-1]
	reason := fmt.Sprintf("%s at <%s>", cause(text[last[1]:]), excerpt.Cut(text[last[6]:last[7]], 100))
	for i := len(chain) - 1; i >= 0; i-- {
		name := text[chain[i][2]:chain[i][3]]
		if _, known := places[name]; known {
			return located(dir, places, name, text[chain[i][4]:chain[i][5]], reason)
		}
	}
	return fmt.Errorf("%s: render the templates: %s", dir, reason)
}

func located(dir string, places map[string]string, name, line, reason string) error {
	where := firstOf(places[name], path.Join(dir, name))
	if line != "" {
		where += ":" + line
	}
	return errors.New(where + ": " + reason)
}

// cause is the innermost reason of a template's failure. A function may repeat
// its arguments in its error, so only the template language's own are shown,
// and none in quotes; so may range.
func cause(text string) string {
	function, reason, called := strings.Cut(strings.TrimPrefix(text, "error calling "), ": ")
	switch {
	case strings.HasPrefix(text, "range can't iterate over "):
		return "range can't iterate over this value"
	case !called || !strings.HasPrefix(text, "error calling "):
		return excerpt.Cut(text, 300)
	case strings.HasPrefix(reason, tooMuch):
		return "error calling " + function + ": " + excerpt.Cut(reason, 300)
	case function == "include" && strings.HasPrefix(reason, "template: no template "):
		return excerpt.Cut(strings.TrimPrefix(reason, "template: "), 300)
	case slices.Contains([]string{"call", "eq", "ge", "gt", "include", "index", "le", "len", "lt", "ne", "slice", "tpl"}, function):
		return excerpt.Cut("error calling "+function+": "+masked(reason), 300)
	}
	return "error calling " + function + ": it cannot handle its arguments"
}

var mismatch = regexp.MustCompile(`type mismatch on ([^:]+):`)

// mergeReason is what is wrong with values that cannot be merged, without them.
func mergeReason(err error) string {
	if m := mismatch.FindStringSubmatch(err.Error()); m != nil {
		return fmt.Sprintf("the values of subchart %q are not a mapping", excerpt.Cut(m[1], 100))
	}
	return excerpt.Cut(masked(err.Error()), 300)
}

var quoted = regexp.MustCompile("(?s)\"(?:[^\"\\\\]|\\\\.)*\"|`[^`]*`|'[^']*'")

// masked replaces everything in quotes, where libraries put values.
func masked(text string) string { return quoted.ReplaceAllString(text, `"..."`) }

// yamlReason is what is wrong with a YAML document, without its content.
func yamlReason(err error) string {
	text := err.Error()
	for _, prefix := range []string{"cannot unmarshal yaml document: ", "error converting YAML to JSON: ", "error unmarshaling JSON: ", "while decoding JSON: ", "yaml: "} {
		text = strings.TrimPrefix(text, prefix)
	}
	if strings.HasPrefix(text, "unsupported map key") {
		return "a mapping has a null key: quote it"
	}
	return excerpt.Cut(masked(text), 300)
}

// loadError names the file that the chart loader could not read, and the line
// if its text is at fault.
func loadError(where string, files []file, err error) error {
	text := err.Error()
	if text == "Chart.yaml file is missing" {
		return fmt.Errorf("%s: not found, so this is not a Helm chart: add it, or remove the directory", path.Join(where, "Chart.yaml"))
	}
	if m := regexp.MustCompile(`(?s)^cannot load (\S+): (.*)$`).FindStringSubmatch(text); m != nil {
		for _, f := range files {
			if fault := manifest.CheckText(f.path, f.data); f.name == m[1] && fault != nil {
				return fault
			}
		}
		return fmt.Errorf("%s: %s", path.Join(where, m[1]), yamlReason(errors.New(m[2])))
	}
	return fmt.Errorf("%s: %s", path.Join(where, "Chart.yaml"), excerpt.Cut(strings.TrimPrefix(text, "validation: "), 300))
}
