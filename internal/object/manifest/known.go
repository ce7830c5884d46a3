package manifest

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/cache"
)

// Known keeps what texts decode to, for a process that decodes the same ones again, and what
// else is made of them. Whoever decodes under it must not change the objects. It is safe for
// concurrent use.
type Known struct {
	made *cache.Cache[textKey, any]
}

type textKey [sha256.Size]byte

const (
	// leastKept is what even the smallest object takes, with its key.
	leastKept = 512
	// jsonFactor is how much larger an object's JSON may be than its text.
	jsonFactor = 2
)

// NewKnown keeps what takes about so many bytes.
func NewKnown(bytes int64) *Known {
	return &Known{cache.New[textKey, any](bytes)}
}

// kept is an object of a document, nil where that is empty, and its JSON once asked for.
type kept struct {
	object *unstructured.Unstructured
	json   atomic.Pointer[[]byte]
}

// session is one use of a Known.
type session struct {
	*Known

	mu      sync.Mutex
	objects map[*unstructured.Unstructured]*kept // that were decoded in it
}

type sessionKey struct{}

// In is a context under which DecodeKnown, JSON and Remember use it.
func (k *Known) In(ctx context.Context) context.Context {
	return context.WithValue(ctx, sessionKey{}, &session{Known: k, objects: map[*unstructured.Unstructured]*kept{}})
}

func sessionOf(ctx context.Context) *session {
	s, _ := ctx.Value(sessionKey{}).(*session)
	return s
}

// DecodeKnown is Decode, or what it returned for the same documents before under the context's
// Known. An error is never kept.
func DecodeKnown(ctx context.Context, file string, data []byte, lim Limits) ([]*unstructured.Unstructured, error) {
	s := sessionOf(ctx)
	switch {
	case s == nil:
		return Decode(file, data, lim)
	case startsWithBrace(data) || mark(data, '&') && mark(data, '*'):
		return s.stream(file, data, lim.WithDefaults()) // it is not read document by document
	}
	return decode(file, data, lim, s)
}

// stream decodes a file as a whole.
func (s *session) stream(file string, data []byte, lim Limits) ([]*unstructured.Unstructured, error) {
	key := keyOf("stream", []byte(fmt.Sprint(lim.Documents, " ", lim.Depth)), data)
	if known, ok := s.made.Get(key); ok {
		objs, _ := known.([]*unstructured.Unstructured)
		return append([]*unstructured.Unstructured(nil), objs...), nil
	}
	objs, err := Decode(file, data, lim)
	if err == nil {
		size := int64(leastKept)
		for _, o := range objs {
			size += sizeOf(o.Object)
		}
		s.made.Put(key, append([]*unstructured.Unstructured(nil), objs...), size)
	}
	return objs, err
}

// Bytes is what is kept.
func (k *Known) Bytes() int64 { return k.made.Bytes() }

// document returns what create made of a document before. Without a session nothing is kept.
func (s *session) document(data []byte, depth int, create func() (*unstructured.Unstructured, error)) (*unstructured.Unstructured, error) {
	if s == nil {
		return create()
	}
	key := keyOf("document", binary.BigEndian.AppendUint64(nil, uint64(depth)), data) //nolint:gosec // any bits will do
	value, _ := s.made.Get(key)
	known, ok := value.(*kept)
	if !ok {
		object, err := create()
		if err != nil {
			return nil, err
		}
		known = &kept{object: object}
		size := leastKept + jsonFactor*int64(len(data))
		if object != nil {
			size += sizeOf(object.Object)
		}
		s.made.Put(key, known, size)
	}
	if known.object != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.objects[known.object] = known
	}
	return known.object, nil
}

// JSON is what an object holds, as JSON on one line. It is kept with the object under the
// context's Known, and must not be changed.
func JSON(ctx context.Context, o *unstructured.Unstructured) ([]byte, error) {
	if data := KnownJSON(ctx, o); data != nil {
		return data, nil
	}
	data, err := json.Marshal(o.Object)
	if at := sessionOf(ctx).find(o); at != nil && err == nil {
		at.json.Store(&data)
	}
	return data, err
}

// KnownJSON is what JSON made of the object before; nil where that is not kept.
func KnownJSON(ctx context.Context, o *unstructured.Unstructured) []byte {
	if at := sessionOf(ctx).find(o); at != nil {
		if data := at.json.Load(); data != nil {
			return *data
		}
	}
	return nil
}

func (s *session) find(o *unstructured.Unstructured) *kept {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.objects[o]
}

// Remember returns what create made of the same texts before under the context's Known, for
// the use that is named. It must not be changed. What create does not want kept, and what
// failed, is made again.
func Remember(ctx context.Context, use string, texts [][]byte, create func() (made []byte, keep bool, err error)) ([]byte, error) {
	s := sessionOf(ctx)
	if s == nil {
		made, _, err := create()
		return made, err
	}
	key := keyOf(use, texts...)
	if known, ok := s.made.Get(key); ok {
		made, _ := known.([]byte)
		return made, nil
	}
	made, keep, err := create()
	if keep && err == nil {
		s.made.Put(key, made, leastKept+int64(len(made)))
	}
	return made, err
}

// keyOf is a hash of the texts in this order.
func keyOf(use string, texts ...[]byte) textKey {
	sum := sha256.New()
	_, _ = io.WriteString(sum, use)
	for _, text := range texts {
		_, _ = fmt.Fprintf(sum, ":%d:", len(text))
		_, _ = sum.Write(text)
	}
	return textKey(sum.Sum(nil))
}
