package branch

import (
	"crypto/sha256"
	"encoding/hex"
)

// digest is the SHA-256 of a content.
func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
