package leftover

import (
	"errors"
	"slices"
	"testing"
)

func TestKeeper(t *testing.T) {
	var over [][]string
	k := New(2, func(names []string) { over = append(over, names) })
	ctx := k.With(t.Context())
	begin := func(name string) *Work {
		t.Helper()
		w, err := Begin(ctx, name)
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	first, same := begin("a"), begin("a")
	first.End()
	first.GiveUp() // too late
	begin("a").End()
	same.GiveUp()
	same.GiveUp()
	if _, err := Begin(ctx, "a"); !errors.Is(err, ErrGoesOn) {
		t.Errorf("what goes on is begun again: %v", err)
	}
	begin("b").GiveUp()
	if len(over) > 0 {
		t.Errorf("two are too many: %v", over)
	}
	begin("c").GiveUp()
	if len(over) != 1 || !slices.Equal(over[0], []string{"a", "b", "c"}) {
		t.Errorf("over with %v", over)
	}
	same.End()
	begin("a").End()
	nobody, err := Begin(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	nobody.GiveUp()
	nobody.End()
}
