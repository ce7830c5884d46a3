// Package cache keeps values by key, up to a number of bytes, and makes a value once for
// all who ask for it at the same time.
//
//  1. Get and Put read and write; what was used longest ago goes first.
//  2. Do returns a value that is kept, joins who makes it already, or makes it.
//  3. Who waits in Do and ends leaves the others alone; the work is cancelled once nobody
//     waits for it any more.
//
// A nil Cache, or one of no bytes, keeps nothing and joins nobody: that is a cache turned off.
package cache

import (
	"context"
	"fmt"
	"math"
	"runtime/debug"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// Cache is safe for concurrent use. Its values must not be changed.
type Cache[K comparable, V any] struct {
	most int64

	mu    sync.Mutex
	bytes int64
	kept  *simplelru.LRU[K, item[V]]
	under map[K]*call[V]
}

type item[V any] struct {
	value V
	bytes int64
}

// New is a cache of so many bytes.
func New[K comparable, V any](most int64) *Cache[K, V] {
	c := &Cache[K, V]{most: most, under: map[K]*call[V]{}}
	// It has room for any number of values: their bytes are what is bounded. So it makes no error.
	c.kept, _ = simplelru.NewLRU(math.MaxInt, func(_ K, dropped item[V]) { c.bytes -= dropped.bytes })
	return c
}

func (c *Cache[K, V]) off() bool { return c == nil || c.most <= 0 }

// Get returns a value that is kept.
func (c *Cache[K, V]) Get(key K) (value V, ok bool) {
	if c.off() {
		return value, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.get(key)
}

func (c *Cache[K, V]) get(key K) (value V, ok bool) {
	it, ok := c.kept.Get(key)
	return it.value, ok
}

// Put keeps a value of so many bytes in place of what was there, unless it is larger than
// all that is kept.
func (c *Cache[K, V]) Put(key K, value V, bytes int64) {
	if c.off() {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.put(key, value, bytes)
}

func (c *Cache[K, V]) put(key K, value V, bytes int64) {
	c.kept.Remove(key)
	if bytes > c.most {
		return
	}
	c.kept.Add(key, item[V]{value, bytes})
	c.bytes += bytes
	for c.bytes > c.most {
		c.kept.RemoveOldest()
	}
}

// Bytes is what is kept.
func (c *Cache[K, V]) Bytes() int64 {
	if c.off() {
		return 0
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.bytes
}

// How says where a value came from.
type How string

// Where values come from.
const (
	Kept   How = "kept"
	Joined How = "joined" // it was being made for another
	Made   How = "made"
)

// PanicError is a panic while a value was made. What it holds may come from the input, and is
// no part of the message.
type PanicError struct{ Value, Stack string }

func (e *PanicError) Error() string { return "internal error: a library broke down" }

// call is a value that is being made.
type call[V any] struct {
	done    chan struct{}
	value   V
	err     error
	waiting int // under the cache's lock
	cancel  context.CancelFunc
}

// Do returns the value of the key. create makes it, in a goroutine of its own and under a
// context that has the values of ctx and ends when nobody waits any more; it says how many
// bytes are kept for it, 0 for none. A panic of it is returned as a *PanicError. Once ctx ends,
// so does Do, with its cause.
func (c *Cache[K, V]) Do(ctx context.Context, key K, create func(context.Context) (V, int64, error)) (V, How, error) {
	if c.off() {
		value, _, err := create(ctx)
		return value, Made, err
	}
	c.mu.Lock()
	if value, ok := c.get(key); ok {
		c.mu.Unlock()
		return value, Kept, nil
	}
	how, work := Joined, c.under[key]
	if work == nil {
		how, work = Made, c.start(ctx, key, create)
	}
	work.waiting++
	c.mu.Unlock()
	select {
	case <-work.done:
		return work.value, how, work.err
	case <-ctx.Done():
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if work.waiting--; work.waiting == 0 {
		work.cancel()
		if c.under[key] == work {
			delete(c.under, key) // who comes now does not get a value that was given up
		}
	}
	var none V
	return none, how, context.Cause(ctx)
}

// start begins to make a value. The lock is held.
func (c *Cache[K, V]) start(ctx context.Context, key K, create func(context.Context) (V, int64, error)) *call[V] {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	work := &call[V]{done: make(chan struct{}), cancel: cancel}
	c.under[key] = work
	go func() {
		var bytes int64
		defer func() {
			if v := recover(); v != nil {
				work.err = &PanicError{fmt.Sprint(v), string(debug.Stack())}
			}
			cancel()
			c.mu.Lock()
			defer c.mu.Unlock()
			if c.under[key] == work {
				delete(c.under, key)
			}
			if work.err == nil && bytes > 0 {
				c.put(key, work.value, bytes)
			}
			close(work.done)
		}()
		work.value, bytes, work.err = create(ctx)
	}()
	return work
}
