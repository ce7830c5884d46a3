// Package shard shares keys between the replicas of a daemon.
//
//  1. Every key belongs to one of a fixed number of shards (Of), and a shard to the
//     replica that holds its Lease. Nothing else assigns it, so that no replica has to
//     know how many there are.
//  2. One watch tells who holds which Lease (view.go). From that alone each replica
//     decides what to do (plan.go): take what is free up to its part, contend for what
//     has not been renewed, ask one that has too much, give what another asks for.
//  3. It carries that out (set.go). client-go's leader election takes, renews and
//     releases each Lease. A replica that ends on purpose releases them at once.
//  4. Work on a key goes between Enter and its leave function. A shard is given to
//     another replica when the work on it has ended, and the context of the work ends
//     when the Lease is lost.
//
// A Lease keeps two replicas from doing the same work at the same time, and does not
// prove that they never do: clocks and pauses decide. What is done must stay right if
// they do.
package shard

import (
	"hash/fnv"
	"log/slog"
	"time"

	coordinationv1 "k8s.io/client-go/kubernetes/typed/coordination/v1"
)

// Label is on every Lease of a set, with its name.
const Label = "assay.dev/shards"

// Options say how to share.
type Options struct {
	Leases    coordinationv1.LeasesGetter
	Namespace string // of the Leases
	Name      string // of the set; its Leases are called NAME-0, NAME-1 and so on
	Count     int    // of shards; all replicas must say the same
	Identity  string // of this replica; no other has it, nor had it before a restart

	// Gained is told of a shard before work on it may begin, and may not ask the set anything: it holds
	// up all work. nil is not told.
	Gained func(shard int)

	// Changed is told of a shard that is ours from now on, or not any more, and Hastened
	// where another replica asked for a look at it. They may take their time.
	Changed, Hastened func(shard int)

	Log *slog.Logger
}

// Timing of a Lease, which is that of Kubernetes' own components: it is renewed every
// renewEvery, given up where that did not work for renewWithin, and free for others when it
// was not renewed for duration.
const (
	duration    = 15 * time.Second
	renewWithin = 10 * time.Second
	renewEvery  = 2 * time.Second

	silentFor = 3*renewEvery + time.Second // then others begin to contend
	tick      = time.Second
	drainFor  = 20 * time.Second // that work on a shard may take which is given away
)

// Of is the shard of a key.
func Of(key string, count int) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(key))
	return int(h.Sum32() % uint32(count)) //nolint:gosec // count is small
}
