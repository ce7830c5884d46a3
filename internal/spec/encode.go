package spec

import (
	"bytes"
	"encoding/json"
	"fmt"

	"sigs.k8s.io/yaml"
)

// EncodeCandidate writes a marker of one document: the same candidate gives
// the same bytes, and decoding them gives the candidate.
func EncodeCandidate(c Candidate) ([]byte, error) {
	c.APIVersion, c.Kind = APIVersion, KindCandidate
	data, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("encode candidate: %w", err)
	}
	text, err := yaml.JSONToYAML(data)
	if err != nil {
		return nil, fmt.Errorf("encode candidate: %w", err)
	}
	return bytes.Join([][]byte{[]byte(SkipLine + "\n"), text}, nil), nil
}
