package manifest

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"unicode/utf8"

	yaml2 "go.yaml.in/yaml/v2"
)

// converter turns what YAML decodes to into what a JSON round trip through
// Kubernetes' decoder would give. It is not safe for concurrent use.
type converter struct {
	depth int               // the deepest nesting allowed
	keys  map[string]string // one copy of each key, for memory
}

var (
	errNumber = errors.New("a number that JSON cannot hold (infinity or not-a-number)")
	errKey    = errors.New("a key that is not a string, number or boolean")
)

// Scalar gives a decoded number, string, boolean or null the type that
// unstructured objects hold. ok is false for anything else.
func Scalar(v any) (scalar any, ok bool, err error) {
	switch v := v.(type) {
	case nil, bool, int64:
		return v, true, nil
	case string:
		return validText(v), true, nil
	case int:
		return int64(v), true, nil
	case uint64:
		if v <= math.MaxInt64 {
			return int64(v), true, nil
		}
		return float64(v), true, nil
	case float64:
		n, err := number(v)
		return n, true, err
	}
	return nil, false, nil
}

func (c *converter) convert(v any, depth int) (any, error) {
	if scalar, ok, err := Scalar(v); ok {
		return scalar, err
	}
	if depth >= c.depth {
		return nil, depthError(c.depth)
	}
	switch v := v.(type) {
	case yaml2.MapSlice:
		return c.slice(v, depth)
	case map[any]any:
		return c.mapping(v, depth)
	case []any:
		for i := range v {
			item, err := c.convert(v[i], depth+1)
			if err != nil {
				return nil, err
			}
			v[i] = item
		}
		return v, nil
	}
	return nil, fmt.Errorf("a value that JSON cannot hold (%T)", v)
}

func (c *converter) slice(items yaml2.MapSlice, depth int) (any, error) {
	m := make(map[string]any, len(items))
	for _, item := range items {
		if err := c.set(m, item.Key, item.Value, depth); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (c *converter) mapping(items map[any]any, depth int) (any, error) {
	m := make(map[string]any, len(items))
	for key, value := range items {
		if err := c.set(m, key, value, depth); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (c *converter) set(m map[string]any, key, value any, depth int) error {
	k, err := c.key(key)
	if err != nil {
		return err
	}
	converted, err := c.convert(value, depth+1)
	if err != nil {
		return err
	}
	m[k] = converted
	return nil
}

// key spells a key as sigs.k8s.io/yaml does.
func (c *converter) key(key any) (string, error) {
	var k string
	switch key := key.(type) {
	case string:
		k = validText(key)
	case int:
		k = strconv.Itoa(key)
	case int64:
		k = strconv.FormatInt(key, 10)
	case bool:
		k = strconv.FormatBool(key)
	case float64:
		k = floatKey(key)
	default:
		return "", errKey
	}
	if kept, ok := c.keys[k]; ok {
		return kept, nil
	}
	if len(k) <= 64 && len(c.keys) < 4096 {
		c.keys[k] = k
	}
	return k, nil
}

func floatKey(key float64) string {
	switch k := strconv.FormatFloat(key, 'g', -1, 32); k {
	case "+Inf":
		return ".inf"
	case "-Inf":
		return "-.inf"
	case "NaN":
		return ".nan"
	default:
		return k
	}
}

// validText replaces bytes that are not UTF-8, which only !!binary can bring in.
func validText(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return string([]rune(s))
}

// number gives whole floats as int64 where JSON would spell them so.
func number(f float64) (any, error) {
	if math.IsInf(f, 0) || math.IsNaN(f) {
		return nil, errNumber
	}
	if f == math.Trunc(f) && math.Abs(f) < 1e21 {
		if i, err := strconv.ParseInt(strconv.FormatFloat(f, 'f', -1, 64), 10, 64); err == nil {
			return i, nil
		}
	}
	return f, nil
}
