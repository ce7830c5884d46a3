package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/assaydev/assay/cmd/assay/gcpace"
	"github.com/assaydev/assay/internal/cli"
	"github.com/assaydev/assay/internal/memory"
)

// mostMemory is what one command may take where neither a flag nor the system says
// less: far more than any environment needs that people have shown us.
const mostMemory = 768 << 20

// watch ends the process once it takes too much, until stop is called.
func (a *app) watch(ctx context.Context) (watched context.Context, stop func()) {
	limit := int64(a.memory)
	if limit == 0 {
		limit = memory.Limit(mostMemory, a.soft)
	}
	gcpace.Bound(min(collectFrom, limit/2))
	w := memory.New(limit)
	watching, stop := context.WithCancel(ctx)
	go w.Watch(watching, func(work []string) { a.tooLarge(limit, work) })
	return w.With(ctx), stop
}

// softLimit is GOMEMLIMIT, 0 where it is not set.
func softLimit(env func(string) (string, bool)) int64 {
	var limit cli.ByteSize
	text, _ := env("GOMEMLIMIT")
	if limit.Set(strings.TrimSuffix(text, "B")) != nil {
		return 0
	}
	return int64(limit)
}

// tooLarge ends the process. What is half written is finished first.
func (a *app) tooLarge(limit int64, work []string) {
	a.writing.Lock()
	if a.wrote {
		a.writing.Unlock()
		return // what is written is also told
	}
	if a.scratch != "" {
		_ = os.RemoveAll(a.scratch)
	}
	what := "it"
	if len(work) > 0 {
		what = "rendering " + strings.Join(work, ", ")
	}
	a.printError(a.stderr, fmt.Errorf("%s takes more than %d MiB of memory: make what is rendered smaller, or raise --memory-limit", what, limit>>20))
	os.Exit(exitFailed)
}
