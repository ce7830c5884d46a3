package object

import (
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/visible"
)

// DefaultOutput is how many bytes are printed of one environment where nothing else is
// asked for.
const DefaultOutput = 128 << 20

// TooLargeError says that more would be printed than the limit allows. It is
// ErrTooLarge.
type TooLargeError struct {
	Where string // the environment, for people
	Limit int64
}

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("%s: the output is larger than %d bytes: make the environment smaller, or raise the limit", e.Where, e.Limit)
}

func (e *TooLargeError) Unwrap() error { return ErrTooLarge }

// Printer prints objects of one environment, up to a number of bytes in all.
type Printer struct {
	where       string
	limit, left int64
}

// NewPrinter starts counting what is printed of the environment that people know as
// where. No limit is DefaultOutput.
func NewPrinter(where string, limit int64) *Printer {
	if limit == 0 {
		limit = DefaultOutput
	}
	return &Printer{where, limit, limit}
}

// Limit is how much may be printed in all.
func (p *Printer) Limit() int64 { return p.limit }

// Take counts n bytes that others printed.
func (p *Printer) Take(n int) error {
	if p.left -= int64(n); p.left < 0 {
		return p.Exceeded()
	}
	return nil
}

// Exceeded is the error of more than the limit.
func (p *Printer) Exceeded() error { return &TooLargeError{p.where, p.limit} }

// YAML prints objects as a YAML stream.
func (p *Printer) YAML(objs ...*unstructured.Unstructured) ([]byte, error) {
	data, err := MarshalYAMLWithin(objs, p.left)
	if errors.Is(err, ErrTooLarge) {
		return nil, p.Exceeded()
	}
	if err != nil {
		return nil, err
	}
	return data, p.Take(len(data))
}

// List prints objects as one JSON List.
func (p *Printer) List(objs []*unstructured.Unstructured) ([]byte, error) {
	items := make([]any, len(objs))
	for i, o := range objs {
		items[i] = o.Object
	}
	return p.JSON(map[string]any{"apiVersion": "v1", "kind": "List", "items": items})
}

// JSON prints what an object may hold. It is measured before: the encoder writes nothing
// until it is done.
func (p *Printer) JSON(value any) ([]byte, error) {
	if afterJSON(value, 1, p.left) < 0 {
		return nil, p.Exceeded()
	}
	data, err := visible.MarshalJSON(value)
	if err != nil {
		return nil, err
	}
	return data, p.Take(len(data))
}

// Compact prints one object as JSON on one line, as Argo CD's decoder of YAML would. encode
// makes it.
func (p *Printer) Compact(o *unstructured.Unstructured, encode func() ([]byte, error)) ([]byte, error) {
	if afterJSON(o.Object, 1, p.left) < 0 {
		return nil, p.Exceeded()
	}
	data, err := encode()
	if err != nil {
		return nil, fmt.Errorf("print %s: %w", KeyOf(o), err)
	}
	return data, p.Take(len(data))
}

// afterJSON is what is left of budget once value is printed as indented JSON, or a little
// more. Below 0, it does not fit.
func afterJSON(value any, depth int, budget int64) int64 {
	budget--
	switch value := value.(type) {
	case string:
		return budget - int64(len(value))
	case map[string]any:
		for key, item := range value {
			if budget = afterJSON(item, depth+1, budget-int64(2*depth+len(key))); budget < 0 {
				return budget
			}
		}
	case []any:
		for _, item := range value {
			if budget = afterJSON(item, depth+1, budget-int64(2*depth)); budget < 0 {
				return budget
			}
		}
	}
	return budget
}
