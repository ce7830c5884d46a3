package change

import (
	"fmt"
	"strings"
	"testing"
)

// TestCopiesAreBounded: each operation of a patch doubles the object.
func TestCopiesAreBounded(t *testing.T) {
	var ops []any
	for i := range 40 {
		ops = append(ops, map[string]any{"op": "copy", "from": "/data", "path": fmt.Sprintf("/data/c%d", i)})
	}
	_, err := operate(map[string]any{"kind": "ConfigMap", "data": map[string]any{"text": "x"}}, ops)
	if err == nil || !strings.Contains(err.Error(), "makes an object of more than 4 MiB") {
		t.Errorf("error %v", err)
	}
}
