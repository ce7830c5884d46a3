package yamledit

import (
	"fmt"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// largeValues is a value file of about 5 MB, commented as charts are.
func largeValues() []byte {
	var b strings.Builder
	for i := 0; b.Len() < 5<<20; i++ {
		fmt.Fprintf(&b, `# -- service %[1]d of the shop
service%[1]d:
  image:
    repository: registry.example.com/shop/service-%[1]d
    tag: "v1.2.%[1]d" # set by CI
    pullPolicy: IfNotPresent
  replicas: %[1]d
  resources:
    limits: {cpu: 100m, memory: 128Mi}
  env:
    - name: LOG_LEVEL
      value: 'info'
    - name: ENDPOINT
      value: http://service-%[1]d.shop.svc:8080

`, i)
	}
	return []byte(b.String())
}

func BenchmarkParserToNodes(b *testing.B) {
	data := largeValues()
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		var n yaml.Node
		if err := yaml.Unmarshal(data, &n); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParserToValues(b *testing.B) {
	data := largeValues()
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		var v any
		if err := yaml.Unmarshal(data, &v); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEdit(b *testing.B) {
	data := largeValues()
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		f, err := Parse("values.yaml", data)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := f.Apply(Edit{Path: dotted("service7000.image.tag"), Value: "v2.0.0"}); err != nil {
			b.Fatal(err)
		}
	}
}
