package plugin

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/spec"
)

// given is one parameter as Argo CD encodes it.
type given struct {
	Name   string             `json:"name"`
	String *string            `json:"string"`
	Array  *[]string          `json:"array"`
	Map    *map[string]string `json:"map"`
}

// decode reads the parameters into the call. Argo CD sends `null` or nothing
// where an Application has none.
func (c *Call) decode(text string) error {
	if strings.TrimSpace(text) == "" {
		return nil
	}
	list, err := decodeGiven([]byte(text))
	if err != nil {
		return err
	}
	table := map[string]parameter{}
	for _, p := range parameters() {
		table[p.name] = p
	}
	var got sources
	seen := map[string]bool{}
	layouts := map[spec.Layout]bool{}
	for _, g := range list {
		p, known := table[g.Name]
		switch {
		case !known:
			return unknown(g.Name)
		case seen[g.Name]:
			return fmt.Errorf("parameter %s is given twice: keep one", g.Name)
		}
		v, err := p.accept(g)
		if err != nil {
			return fmt.Errorf("parameter %s %w", g.Name, err)
		}
		if err := p.set(&got, v); err != nil {
			return fmt.Errorf("parameter %s %w", g.Name, err)
		}
		if p.item == itemBoolean && p.get(&got).text == "false" {
			c.off = append(c.off, p)
		}
		seen[g.Name] = true
		layouts[p.layout] = true
	}
	c.take(got, layouts)
	return nil
}

// take keeps the sources that a parameter was given for.
func (c *Call) take(got sources, layouts map[spec.Layout]bool) {
	c.Environment = got.environment
	if layouts[spec.Helm] {
		c.Helm = &got.helm
	}
	if layouts[spec.Kustomize] {
		c.Kustomize = &got.kustomize
	}
	if layouts[spec.Flat] {
		c.Directory = &got.directory
	}
}

func decodeGiven(data []byte) ([]given, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	var list []given
	if err := decoder.Decode(&list); err != nil {
		return nil, fmt.Errorf("%s is not Argo CD's list of parameters, each with name and one of string, array, map", envParameters)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s holds more than one list: Argo CD sends one", envParameters)
	}
	return list, nil
}

// accept checks that exactly the field of the parameter's collection is set.
func (p parameter) accept(g given) (value, error) {
	var v value
	var have []string
	if g.String != nil {
		have, v.text = append(have, collectionString), *g.String
	}
	if g.Array != nil {
		have, v.list = append(have, collectionArray), *g.Array
	}
	if g.Map != nil {
		have, v.pairs = append(have, collectionMap), *g.Map
	}
	if len(have) == 1 && have[0] == p.collection {
		return v, nil
	}
	if len(have) == 0 {
		return value{}, fmt.Errorf("has no value: set its field %q", p.collection)
	}
	return value{}, fmt.Errorf("takes the field %q, not %s", p.collection, strings.Join(have, " and "))
}

func unknown(name string) error {
	var names []string
	for _, p := range parameters() {
		names = append(names, p.name)
	}
	hint := cmp.Or(excerpt.DidYouMean(name, names), "docs/parameters.md lists those that exist")
	return fmt.Errorf("unknown parameter %q: %s", excerpt.Cut(name, 60), hint)
}
