package candidate

import (
	"fmt"

	"helm.sh/helm/v3/pkg/chartutil"
)

// DecodeValues reads a Helm value file; without one there are no values.
func DecodeValues(name string, data []byte) (map[string]any, error) {
	values, err := chartutil.ReadValues(data)
	if err != nil {
		return nil, fmt.Errorf("%s is not a YAML mapping of values", name)
	}
	return values, nil
}
