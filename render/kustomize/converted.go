package kustomize

import (
	"crypto/sha256"
	"sync"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Converted are objects by the text that they are read from. The zero value is
// empty.
type Converted struct {
	mu   sync.Mutex
	objs map[[sha256.Size]byte]*unstructured.Unstructured
}

func (c *Converted) find(text string) *unstructured.Unstructured {
	if c == nil {
		return nil
	}
	sum := sha256.Sum256([]byte(text))
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.objs[sum]
}

func (c *Converted) add(text string, o *unstructured.Unstructured) {
	if c == nil {
		return
	}
	sum := sha256.Sum256([]byte(text))
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.objs == nil {
		c.objs = map[[sha256.Size]byte]*unstructured.Unstructured{}
	}
	c.objs[sum] = o
}
