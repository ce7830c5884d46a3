package experiment

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig/v3"
)

// functions are what templates may call: sprig's hermetic set, less what it
// leaves in that depends on time, chance or the machine.
func functions(g *guard) template.FuncMap {
	out := sprig.HermeticTxtFuncMap()
	for name := range refused() {
		delete(out, name)
	}
	// The built-in ones that can grow a value, so that they are bounded too.
	out["print"], out["printf"], out["println"] = fmt.Sprint, fmt.Sprintf, fmt.Sprintln
	out["html"], out["js"], out["urlquery"] = template.HTMLEscaper, template.JSEscaper, template.URLQueryEscaper
	// Sprig's own follow the random order of Go's maps.
	out["keys"], out["values"] = sortedKeys, sortedValues
	for name, fn := range out {
		out[name] = g.bounded(name, fn)
	}
	seq, _ := out["seq"].(func(...int) (string, error))
	maps.Copy(out, g.amplifiers(seq))
	out[guardFunction], out[showFunction] = g.step, g.show
	return out
}

func sortedKeys(dicts ...map[string]any) []string {
	var out []string
	for _, d := range dicts {
		out = append(out, slices.Sorted(maps.Keys(d))...)
	}
	return out
}

func sortedValues(dict map[string]any) []any {
	var out []any
	for _, k := range slices.Sorted(maps.Keys(dict)) {
		out = append(out, dict[k])
	}
	return out
}

// refused are functions that people know from sprig or Helm and that a
// template must not call, with the reason.
func refused() map[string]string {
	out := map[string]string{}
	for reason, names := range map[string]string{
		"it depends on the time": "now ago date dateInZone date_in_zone dateModify date_modify mustDateModify must_date_modify " +
			"htmlDate htmlDateInZone toDate mustToDate unixEpoch",
		"its result is random": "randAlphaNum randAlpha randAscii randNumeric randBytes randInt uuidv4 shuffle " +
			"bcrypt htpasswd encryptAES genPrivateKey genCA genCAWithKey genSelfSignedCert genSelfSignedCertWithKey genSignedCert genSignedCertWithKey",
		"it reads the machine's environment":                   "env expandenv",
		"it uses the network":                                  "getHostByName",
		"it asks the cluster":                                  "lookup",
		"it runs a command":                                    "exec shell",
		"it depends on the machine":                            "osBase osClean osDir osExt osIsAbs",
		"it is too slow to run at every sync":                  "derivePassword buildCustomCert",
		"use toJson: JSON is YAML too":                         "toYaml toYamlPretty mustToYaml",
		"use fromJson, or read .Parameters":                    "fromYaml fromYamlArray mustFromYaml",
		"use {{ template }}: its output cannot be piped":       "include tpl",
		"a missing key is an error by itself":                  "required",
		"files cannot be read: put the text into the resource": "readFile file",
	} {
		for name := range strings.FieldsSeq(names) {
			out[name] = reason
		}
	}
	return out
}
