package visible

import (
	"encoding/json"
	"fmt"
)

// MarshalJSON is a result as indented JSON, which does not steer a terminal.
func MarshalJSON(v any) ([]byte, error) {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode result: %w", err)
	}
	return append(JSON(data), '\n'), nil
}
