package candidate

import (
	"fmt"

	"helm.sh/helm/v3/pkg/chartutil"

	"github.com/assaydev/assay/internal/object"
)

// DecodeValues reads a Helm value file; none is no values.
func DecodeValues(name string, data []byte) (map[string]any, error) {
	values, err := chartutil.ReadValues(data)
	if err != nil {
		return nil, fmt.Errorf("%s is not a YAML mapping of values", name)
	}
	return values, nil
}

// valueChange is what has to be merged into before to get after: null deletes
// a key, and a list is replaced whole.
func valueChange(before, after map[string]any) map[string]any {
	out := map[string]any{}
	for key, v := range after {
		was, had := before[key]
		low, isMap := was.(map[string]any)
		high, alsoMap := v.(map[string]any)
		switch {
		case isMap && alsoMap:
			if inner := valueChange(low, high); len(inner) > 0 {
				out[key] = inner
			}
		case !had || !object.Equal(was, v):
			out[key] = v
		}
	}
	for key := range before {
		if _, kept := after[key]; !kept {
			out[key] = nil
		}
	}
	return out
}

// mergeValues lays values over others, as Helm does.
func mergeValues(below, above map[string]any) map[string]any {
	for key, v := range above {
		low, isMap := below[key].(map[string]any)
		high, aboveMap := v.(map[string]any)
		if isMap && aboveMap {
			v = mergeValues(low, high)
		}
		below[key] = v
	}
	return below
}
