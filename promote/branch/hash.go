package branch

import (
	"crypto/sha256"
	"encoding/hex"
)

// hash is the SHA-256 of a content.
func hash(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
