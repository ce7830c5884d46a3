package spec

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"github.com/assaydev/assay/internal/excerpt"
)

// Environment says which environment: a directory of the repository, and a name
// where it serves several.
type Environment struct {
	Dir  string `json:"directory"`             // relative to the repository's root, which is "."
	Name string `json:"environment,omitempty"` // of assay.NAME.yaml and candidate.NAME.yaml
}

// String is the environment as trailers name it, on one line. No two
// environments have the same: a directory that looks like one with a name, that a line
// cannot hold, or that a forge would take for an order, is quoted.
func (e Environment) String() string {
	dir := e.Dir
	if quoted := strconv.Quote(dir); quoted != `"`+dir+`"` || dir == "" || strings.HasSuffix(dir, ")") || dir != excerpt.Line(dir) {
		dir = strings.ReplaceAll(quoted, " ", `\x20`)
	}
	if excerpt.Inert(dir) != dir {
		dir = orders.Replace(strings.ReplaceAll(strconv.Quote(e.Dir), " ", `\x20`))
	}
	if e.Name == "" {
		return dir
	}
	return dir + " (" + e.Name + ")"
}

// orders are the characters without which no text is an order (excerpt.Inert).
var orders = strings.NewReplacer("@", `\x40`, "#", `\x23`, "!", `\x21`, "[", `\x5b`, "*", `\x2a`, "-", `\x2d`, ":", `\x3a`, "/", `\x2f`)

// ParseEnvironment reverses String.
func ParseEnvironment(text string) (Environment, error) {
	dir, name := text, ""
	if rest, found := strings.CutSuffix(text, ")"); found {
		i := strings.LastIndex(rest, " (")
		if i < 0 {
			return Environment{}, fmt.Errorf("%q names no environment", text)
		}
		dir, name = rest[:i], rest[i+2:]
	}
	if strings.HasPrefix(dir, `"`) {
		var err error
		if dir, err = strconv.Unquote(dir); err != nil {
			return Environment{}, fmt.Errorf("%q names no environment", text)
		}
	}
	return Environment{Dir: dir, Name: name}, nil
}

// Compare orders environments by directory, then by name.
func (e Environment) Compare(other Environment) int {
	return cmp.Or(strings.Compare(e.Dir, other.Dir), strings.Compare(e.Name, other.Name))
}
