package controller

import (
	"context"
	"fmt"

	coordinationv1 "k8s.io/client-go/kubernetes/typed/coordination/v1"

	"github.com/assaydev/assay/internal/shard"
)

// lease is how the Leases are called that replicas share their work by.
const lease = "assay-promoter"

// share prepares to share the work with other replicas, where there may be some. Each watches
// everything, and looks at the environments of the shards that it has.
func (w *watches) share(leases coordinationv1.LeasesGetter) error {
	opt := w.promoter.opt
	if opt.Shards == 0 {
		return nil
	}
	var err error
	w.shards, err = shard.New(shard.Options{
		Leases: leases, Namespace: opt.Namespace, Name: lease, Count: opt.Shards, Identity: opt.Identity,
		Gained: w.gained, Changed: w.took, Hastened: func(i int) { w.add(w.of(i, w.index.underWay())) },
		Log: opt.Log,
	})
	return err
}

// gained begins to count the experiments, where that is ours from now on.
func (w *watches) gained(shard int) {
	if shard == countShard {
		w.promoter.budgets.begin()
	}
}

// took has the environments of a shard looked at that is ours from now on, or is not any more. Who has
// the first one counts the experiments, and so looks at all of them.
func (w *watches) took(shard int) {
	if !w.running() {
		return // the start has everything looked at
	}
	all := w.applications.all()
	if shard != countShard || !w.promoter.budgets.limited() {
		all = w.of(shard, all)
	}
	w.add(all)
}

// countShard is the shard whose holder counts the experiments that run, in all shards.
const countShard = 0

// counts begins work that depends on the count, and reports whether this replica is the one that counts. The
// context ends when another may.
func (w *watches) counts(ctx context.Context) (work context.Context, leave func(), ok bool) {
	if w.shards == nil {
		return ctx, func() {}, true
	}
	return w.shards.Enter(ctx, countShard)
}

// enter begins to look at an environment, and reports whether this replica is the one to do it.
// The context ends when another may have it.
func (w *watches) enter(ctx context.Context, key Key) (work context.Context, leave func(), ok bool) {
	if w.shards == nil {
		return ctx, func() {}, true
	}
	return w.shards.Enter(ctx, w.shards.Of(w.applications.group(key)))
}

// of are those of the environments that are in a shard.
func (w *watches) of(i int, keys []Key) (in []Key) {
	for _, key := range keys {
		if w.shards.Of(w.applications.group(key)) == i {
			in = append(in, key)
		}
	}
	return in
}

// left forgets an environment that another replica looks at from now on.
func (w *watches) left(key Key) {
	w.index.forget(key)
	w.promoter.metrics.gone(key)
	w.promoter.lives.end(key)
	w.promoter.told.leave(key, w.applications.deploying(key))
}

// hastened has everything looked at that is under way, wherever that is.
func (w *watches) hastened(ctx context.Context) {
	if w.shards == nil {
		w.add(w.index.underWay())
		return
	}
	if err := w.shards.Hasten(ctx); err != nil && ctx.Err() == nil {
		w.promoter.opt.Log.Info("other replicas could not be asked for a look", "error", fmt.Sprint(err))
	}
}
