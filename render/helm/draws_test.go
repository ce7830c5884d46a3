package helm_test

import (
	"testing"

	"github.com/assaydev/assay/internal/spec"
)

// Whether a chart has to be rendered twice is told from its templates, and from the
// texts that they run as templates. It may be said too often, and never too seldom.
func TestDraws(t *testing.T) {
	helper := func(text string) map[string]string {
		return map[string]string{caseDir + "/templates/_helpers.tpl": `{{ define "a" }}` + text + `{{ end }}`}
	}
	const values = "text: {l: ['{{ randNumeric 3 }}']}\n"
	for name, test := range map[string]struct {
		template string
		files    map[string]string
		want     bool
	}{
		"plain":                  {`{{ .Release.Name }} values: now`, nil, false},
		"a password":             {`{{ randAlphaNum 5 }}`, nil, true},
		"the time":               {`{{ now | unixEpoch }}`, nil, true},
		"a certificate":          {`{{ (genSelfSignedCert "a" nil nil 1).Cert | sha256sum }}`, nil, true},
		"maps in no order":       {`{{ keys .Values | len }}`, nil, true},
		"addresses":              {`{{ .Chart | toString | sha256sum }}`, nil, true},
		"a field of the chart":   {`{{ .Chart.Name }}`, nil, false},
		"in a helper":            {`x`, helper(`{{ uuidv4 }}`), true},
		"not in a helper":        {`x`, helper(`{{ "uuid" }}`), false},
		"over lines":             {`x`, helper("{{-\n  uuidv4\n-}}"), true},
		"in a value that runs":   {`{{ tpl (first .Values.text.l) . }}`, nil, true},
		"in a value that stays":  {`{{ len .Values.text.l }}`, nil, false},
		"in a file that runs":    {`{{ tpl (.Files.Get "a.txt") . }}`, map[string]string{caseDir + "/a.txt": "{{ randNumeric 3 }}"}, true},
		"in a subchart's helper": {`x`, map[string]string{caseDir + "/charts/s/Chart.yaml": "apiVersion: v2\nname: s\nversion: 1.0.0\n", caseDir + "/charts/s/templates/_a.tpl": `{{ define "s" }}{{ htpasswd "a" "b" }}{{ end }}`}, true},
	} {
		eachVersion(t, name, func(t *testing.T, version string) {
			opt, got := options, false
			opt.Draws = &got
			show(t, test.template, test.files, spec.HelmSource{Version: version, Values: values}, opt)
			if got != test.want {
				t.Errorf("draws: %v, want %v", got, test.want)
			}
		})
	}
}
