package span_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/assaydev/assay/internal/span"
)

func TestStart(t *testing.T) {
	var r span.Recorder
	failed := errors.New("away")
	look, endLook := span.Start(r.In(t.Context()), "look", span.Attribute{Key: "environment", Value: "prod"})
	push, endPush := span.Start(look, "push")
	_, endForge := span.Start(push, "forge")
	endForge(failed)
	endPush(nil)
	_, endOther := span.Start(look, "other")
	endOther(nil)
	var got []string
	for _, s := range r.Spans() {
		if s.End.Before(s.Start) {
			t.Errorf("%s ends before it starts", s.Name)
		}
		got = append(got, fmt.Sprint(s.Name, s.Parent, s.Err, s.Attributes))
	}
	endLook(nil)
	want := []string{"look-1 <nil> [{environment prod}]", "push0 <nil> []", "forge1 away []", "other0 <nil> []"}
	if !slices.Equal(got, want) {
		t.Errorf("recorded %q, want %q", got, want)
	}
}

// TestWithoutARecorder: nothing is recorded, and the context is the same.
func TestWithoutARecorder(t *testing.T) {
	ctx, end := span.Start(t.Context(), "look")
	end(nil)
	if ctx != t.Context() {
		t.Error("the context is another")
	}
}

// TestMost: many parts at once are bounded.
func TestMost(t *testing.T) {
	var r span.Recorder
	ctx := r.In(context.Background())
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 1000 {
				_, end := span.Start(ctx, "part")
				end(nil)
			}
		})
	}
	all.Wait()
	if n := len(r.Spans()); n != 1000 {
		t.Errorf("%d spans", n)
	}
}
