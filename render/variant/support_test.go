package variant_test

import (
	"fmt"
	"sort"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// labelText writes labels as one sorted line.
func labelText(v any) string {
	m, _ := v.(map[string]any)
	var pairs []string
	for k, v := range m {
		pairs = append(pairs, fmt.Sprintf("%s:%v", k, v))
	}
	return sorted(strings.Join(pairs, " "))
}

func sorted(line string) string {
	words := strings.Fields(line)
	sort.Strings(words)
	return strings.Join(words, " ")
}

func objects(o ...*unstructured.Unstructured) []*unstructured.Unstructured { return o }
