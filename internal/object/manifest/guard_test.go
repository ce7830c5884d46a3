package manifest

import (
	"errors"
	"testing"
)

func TestGuard(t *testing.T) {
	err := Guard("x/a.yaml", func() error { panic("s3cret") })
	if want := "x/a.yaml: a library cannot handle what is there; simplify it, and please report it"; err == nil || err.Error() != want {
		t.Errorf("a panic gives %v, want %s", err, want)
	}
	failed := errors.New("failed")
	if err := Guard("x/a.yaml", func() error { return failed }); !errors.Is(err, failed) {
		t.Errorf("an error gives %v", err)
	}
	if err := Guard("x/a.yaml", func() error { return nil }); err != nil {
		t.Errorf("success gives %v", err)
	}
}
