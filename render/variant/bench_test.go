package variant_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/assaydev/assay/render/variant"
)

// One image changes in an environment of many objects, one changed ConfigMap
// makes references follow, and a strategic merge loads Kustomize's schema.
func BenchmarkBuild(b *testing.B) {
	config := using(web, "{configMapRef: {name: settings}}") + settings + webService
	const merge = `candidate: {patches: [{patch: '{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {paused: true}}'}]}`
	for _, bc := range []struct {
		name, plan string
		others     int
		edit       string
	}{
		{"image", ``, 0, "web:v1"},
		{"config", ``, 0, "red"},
		{"merge", merge, 0, "web:v1"},
		{"image-1000", ``, 1000, "web:v1"},
		{"config-1000", ``, 1000, "red"},
		{"all-300", ``, 300, ":v1"},
	} {
		env := config
		for i := range bc.others {
			env += "---\n" + strings.ReplaceAll(web+webService, "web", fmt.Sprintf("other-%d", i))
		}
		in := input(b, bc.plan, env, bc.edit, "changed")
		b.Run(bc.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := variant.Build(context.Background(), in); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
