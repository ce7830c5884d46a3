package main

import (
	"fmt"
	"runtime"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/assaydev/assay/internal/yamledit"
)

// editRuns is how often the edit and the parser run in turn.
const editRuns = 9

// editFigure compares one edit of a value file of 5 MB with parsing it. Both
// run in this process.
func editFigure() (result, error) {
	data := largeValues()
	var edits, parses []sample
	for range editRuns + warmUps {
		runtime.GC()
		start := time.Now()
		file, err := yamledit.Parse("values.yaml", data)
		if err != nil {
			return result{}, err
		}
		if _, err := file.Apply(yamledit.Edit{Path: yamledit.Path{yamledit.Key("service7000"), yamledit.Key("image"), yamledit.Key("tag")}, Value: "v2.0.0"}); err != nil {
			return result{}, err
		}
		edits = append(edits, sample{wall: time.Since(start)})
		runtime.GC()
		start = time.Now()
		var node yaml.Node
		if err := yaml.Unmarshal(data, &node); err != nil {
			return result{}, err
		}
		parses = append(parses, sample{wall: time.Since(start)})
	}
	edit, parse := median(edits[warmUps:], wall), median(parses[warmUps:], wall)
	return result{
		name: "yamledit-5mb", bar: 2, ratio: edit / parse,
		detail: fmt.Sprintf("yamledit-5mb: edit %.1f ms, parse %.1f ms, %d runs each", edit, parse, editRuns),
	}, nil
}

// largeValues is a value file of about 5 MB, commented as charts are.
func largeValues() []byte {
	var b strings.Builder
	for i := 0; b.Len() < 5<<20; i++ {
		fmt.Fprintf(&b, `# -- service %[1]d of the shop
service%[1]d:
  image:
    repository: registry.example.com/shop/service-%[1]d
    tag: "v1.2.%[1]d" # set by CI
  replicas: %[1]d
  resources:
    limits: {cpu: 100m, memory: 128Mi}
  env:
    - name: LOG_LEVEL
      value: 'info'

`, i)
	}
	return []byte(b.String())
}
