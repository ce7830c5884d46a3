package cmp_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/assaydev/assay/plugin/cmp"
	"github.com/assaydev/assay/plugin/cmp/contract"
)

// slowly sends as another does, and waits once before it goes on.
type slowly struct {
	sender
	sent int
	wait time.Duration
}

func (s *slowly) Send(m *contract.AppStreamRequest) error {
	if s.sent++; s.sent == 2 {
		time.Sleep(s.wait)
	}
	return s.sender.Send(m)
}

// TestWaited: the time in which nothing comes is of receiving, and not of unpacking.
func TestWaited(t *testing.T) {
	traces := make(chan cmp.Trace, 1)
	server := start(t, cmp.Options{Trace: func(of cmp.Trace) { traces <- of }}, false)
	stream, err := server.GenerateManifest(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const wait = 500 * time.Millisecond
	if err := good(t).send(&slowly{sender: stream, wait: wait}); err != nil {
		t.Fatal(err)
	}
	if _, err := stream.CloseAndRecv(); err != nil {
		t.Fatal(err)
	}
	of := <-traces
	var line struct{ ReceiveMs, ExtractMs float64 }
	until(t, "it is logged", func() bool {
		lines := json.NewDecoder(strings.NewReader(server.log.String()))
		for line.ReceiveMs == 0 {
			if lines.Decode(&line) != nil {
				return false
			}
		}
		return true
	})
	most := float64(wait/time.Millisecond) / 2 // the server may begin to wait a little later
	if line.ReceiveMs < most || line.ExtractMs >= most || line.ExtractMs <= 0 || of.Waited < wait/2 {
		t.Errorf("received in %.1f ms, unpacked in %.1f, waited for %s", line.ReceiveMs, line.ExtractMs, of.Waited)
	}
}
