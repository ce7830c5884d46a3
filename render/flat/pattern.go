package flat

import (
	"fmt"

	"github.com/gobwas/glob"
)

// pattern is a glob as Argo CD reads it: * and ** match slashes too.
type pattern struct {
	field, text string
	glob        glob.Glob
}

// compile returns nil for no pattern. Argo CD takes a broken include for
// "nothing" and renders an empty environment; here it is an error.
func compile(field, text string) (p *pattern, err error) {
	if text == "" {
		return nil, nil
	}
	p = &pattern{field: field, text: text}
	defer p.rescue(&err)
	if p.glob, err = glob.Compile(text); err != nil {
		return nil, p.broken()
	}
	return p, nil
}

// match reports whether name matches, or what holds without a pattern.
func (p *pattern) match(name string, without bool) (ok bool, err error) {
	if p == nil {
		return without, nil
	}
	defer p.rescue(&err)
	return p.glob.Match(name), nil
}

// rescue makes an error of a panic: the library has them for some patterns
// with a brace that is left open, such as "a{".
func (p *pattern) rescue(err *error) {
	if recover() != nil {
		*err = p.broken()
	}
}

func (p *pattern) broken() error {
	return fmt.Errorf("directory.%s: %q is not a valid glob; write *.yaml, or {a.yaml,b/*} for several", p.field, p.text)
}
