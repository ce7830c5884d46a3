package main

import (
	"bytes"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// bom is the bill of materials, as CycloneDX writes it in JSON. It has no time
// and no serial number: the same binary gives the same bill.
func bom(found contents) ([]byte, error) {
	top := component(found.main)
	top.Type = cdx.ComponentTypeApplication
	parts := []cdx.Component{component(module{path: "std", version: "v" + found.goVersion})}
	for _, m := range found.modules {
		parts = append(parts, component(m))
	}
	refs := make([]string, len(parts))
	for i, part := range parts {
		refs[i] = part.BOMRef
	}
	bill := cdx.NewBOM()
	bill.Metadata = &cdx.Metadata{Component: &top}
	bill.Components = &parts
	bill.Dependencies = &[]cdx.Dependency{{Ref: top.BOMRef, Dependencies: &refs}}
	var out bytes.Buffer
	err := cdx.NewBOMEncoder(&out, cdx.BOMFileFormatJSON).SetPretty(true).SetEscapeHTML(false).Encode(bill)
	return out.Bytes(), err
}

// component is a module by its package URL, with the checksum that go.sum has.
// https://github.com/package-url/purl-spec/blob/main/types-doc/golang-definition.md
func component(m module) cdx.Component {
	url := "pkg:golang/" + strings.ToLower(m.path)
	if m.version != "" {
		url += "@" + strings.ReplaceAll(m.version, "+", "%2B")
	}
	c := cdx.Component{
		BOMRef: url, Type: cdx.ComponentTypeLibrary, Name: m.path, Version: m.version, PackageURL: url, Scope: cdx.ScopeRequired,
	}
	if m.sum != "" {
		c.Properties = &[]cdx.Property{{Name: "go:sum", Value: m.sum}}
	}
	return c
}
