package helm

import (
	"bytes"
	"math"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"
	"helm.sh/helm/v4/pkg/chart/common"
)

// The two versions of Helm are built with two of the TOML library, which print
// numbers otherwise, and a module has one of a library: that of Helm 3, whose engine
// takes no functions of ours. Helm 4's engine takes these.
func functions4() map[string]any {
	return map[string]any{
		"toToml": func(v any) string {
			text, err := toml4(v)
			if err != nil {
				return err.Error()
			}
			return text
		},
		"mustToToml": toml4,
	}
}

func toml4(v any) (string, error) {
	var out bytes.Buffer
	err := toml.NewEncoder(&out).Encode(floats4(v))
	return out.String(), err
}

// floats4 has every number of a value print as the later library does.
func floats4(v any) any {
	switch v := v.(type) {
	case float64:
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			return float4(v)
		}
	case common.Values:
		return floats4(map[string]any(v))
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, value := range v {
			out[key] = floats4(value)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, value := range v {
			out[i] = floats4(value)
		}
		return out
	}
	return v
}

// float4 prints with an exponent from a million on.
type float4 float64

func (f float4) MarshalTOML() ([]byte, error) {
	text := strconv.FormatFloat(float64(f), 'g', -1, 64)
	if !strings.ContainsAny(text, ".e") {
		text += ".0"
	}
	return []byte(text), nil
}
