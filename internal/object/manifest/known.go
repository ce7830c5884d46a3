package manifest

import (
	"context"
	"crypto/sha256"
	"encoding/binary"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/cache"
)

// Known keeps what texts decode to, for a process that decodes the same ones again. Whoever
// decodes under it must not change the objects. It is safe for concurrent use.
type Known struct {
	decoded *cache.Cache[[sha256.Size]byte, []*unstructured.Unstructured]
}

// leastKept is what even the smallest object takes, with its key.
const leastKept = 512

// NewKnown keeps objects of about so many bytes.
func NewKnown(bytes int64) *Known {
	return &Known{cache.New[[sha256.Size]byte, []*unstructured.Unstructured](bytes)}
}

type knownKey struct{}

// In is a context under which DecodeKnown uses it.
func (k *Known) In(ctx context.Context) context.Context {
	return context.WithValue(ctx, knownKey{}, k)
}

// DecodeKnown is Decode, or what it returned for the same text before under the context's
// Known. An error is never kept.
func DecodeKnown(ctx context.Context, file string, data []byte, lim Limits) ([]*unstructured.Unstructured, error) {
	k, ok := ctx.Value(knownKey{}).(*Known)
	if !ok {
		return Decode(file, data, lim)
	}
	lim = lim.WithDefaults()
	sum := sha256.New()
	var head [16]byte
	binary.BigEndian.PutUint64(head[:], uint64(lim.Documents)) //nolint:gosec // any bits will do
	binary.BigEndian.PutUint64(head[8:], uint64(lim.Depth))    //nolint:gosec // any bits will do
	_, _ = sum.Write(head[:])
	_, _ = sum.Write(data)
	key := [sha256.Size]byte(sum.Sum(nil))
	if objs, ok := k.decoded.Get(key); ok {
		return append([]*unstructured.Unstructured(nil), objs...), nil
	}
	objs, err := Decode(file, data, lim)
	if err == nil {
		size := int64(leastKept)
		for _, o := range objs {
			size += sizeOf(o.Object)
		}
		k.decoded.Put(key, append([]*unstructured.Unstructured(nil), objs...), size)
	}
	return objs, err
}

// Bytes is what is kept.
func (k *Known) Bytes() int64 { return k.decoded.Bytes() }
