// Package controller concludes candidates by itself: the promoter of assayd.
//
//  1. Applications whose source names the plugin put the environments that they
//     deploy on a queue (applications.go, key.go), and so do the objects of engines, when they
//     change (package fleet), and whoever calls the webhook (notify.go). None of them is
//     believed: they only say where to look. The clusters that they deploy to come and go
//     with Argo CD's cluster Secrets.
//  2. One reconciliation is about one environment on one branch (reconcile.go). It
//     reads the Applications afresh, opens the branch with Argo CD's own credentials
//     (package reposecret), and has package branch decide by what the clusters hold now
//     (deployed.go).
//  3. What came of it is told by an annotation and an Event (report.go), and a sync that
//     still waits for an experiment which Git no longer has is ended (operation.go).
//  4. Each look has its figures (metrics.go), and may set the status of the candidate's
//     commit and be traced (look.go, status.go, trace.go).
//  5. Where more experiments would run than the operator lets, a candidate waits in its marker
//     until others have ended (budget.go).
//  6. The result says when to look again: at the deadline, after a while where a pull
//     request is open, else when something changes.
//
// Git holds all state: what is kept in memory only saves work, and a restart loses
// nothing. Run wires it to a cluster (manager.go).
package controller

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/assaydev/assay/internal/application"
	"github.com/assaydev/assay/internal/budget"
	"github.com/assaydev/assay/internal/cluster"
	"github.com/assaydev/assay/internal/clustersecret"
	"github.com/assaydev/assay/internal/credential"
	"github.com/assaydev/assay/internal/object/drift"
	"github.com/assaydev/assay/internal/reposecret"
	"github.com/assaydev/assay/promote"
	"github.com/assaydev/assay/promote/branch"
	"github.com/assaydev/assay/promote/controller/fleet"
	"github.com/assaydev/assay/render"
)

// Options say what to watch, and how to write.
type Options struct {
	Cluster cluster.Choice // Argo CD's

	Namespace  string   // that Argo CD runs in
	Namespaces []string // of Applications beside that; "*" is all

	// Programs are those that cluster Secrets may have run for a login.
	Programs clustersecret.Programs
	// Proxy is how clusters are reached whose Secret says nothing of it; nil is directly.
	Proxy func(*http.Request) (*url.URL, error)

	// View says how the plugin reads the environment of an Application's source.
	View func(application.Place) (promote.View, error)

	// Branch is what all branches are opened with. URL, Branch, View, Credentials and
	// Note are set for each.
	Branch branch.Options

	// Sign completes the login of a repository with who commits, and signs; nil leaves
	// it.
	Sign func(*credential.Options)

	Notify Notify
	Health string // address of /healthz and /readyz; empty for none
	Metric string // address of /metrics; empty for none
	Pprof  string // loopback address of /debug/pprof; empty for none

	// Trace is told each look at a candidate; nil records nothing. It does not wait.
	Trace func(Trace)

	CommitStatus bool // the forge is told how a candidate does, on its commit

	// Shards is how many parts the work is shared in with other replicas; 0 where this one is
	// alone. Identity is the replica's own, which no other has, nor had.
	Shards   int
	Identity string

	// Budgets are how many experiments may run at once. What exceeds them waits in Git. Zero is any
	// number.
	Budgets budget.Limits

	Workers int

	Log *slog.Logger
}

// Intervals of looking again where nothing tells of a change.
const (
	pullEvery  = 5 * time.Minute  // an open pull request: a webhook hastens it
	holdEvery  = 10 * time.Minute // what a watch may have missed
	awayEvery  = time.Minute      // at least, while a cluster does not answer, or a time that has passed changed nothing
	firstAgain = time.Second      // after an error, doubled for each
	lastAgain  = 5 * time.Minute
	workLimit  = 5 * time.Minute // one reconciliation
)

// promoter is the part that does not depend on how clusters are watched.
type promoter struct {
	opt Options

	// apps reads the Applications that deploy one of these environments, as the cluster
	// has them now.
	apps func(ctx context.Context, keys ...Key) ([]application.Deployed, error)

	// project reads an AppProject.
	project func(ctx context.Context, name string) (application.Project, error)

	// settings reads Argo CD's Secrets and ConfigMaps.
	settings func(ctx context.Context) (reposecret.Settings, error)

	// ignored reads what the settings of Argo CD say is not compared.
	ignored func(ctx context.Context) ([]drift.Ignore, error)

	// locate finds the cluster that an Application names.
	locate func(application.Target) fleet.Location

	tell func(ctx context.Context, app application.Deployed, n news) // what came of its environments
	end  func(ctx context.Context, app application.Deployed) error   // the sync that runs

	// tests is told what is under test in an environment, where it is deployed to, and which engines of
	// its own the plan has.
	tests func(key Key, sites []site, res *render.Result)

	// gone is told that nothing deploys an environment any more.
	gone func(key Key)

	clock func() time.Time // ours; nil is the system's

	servers servers // of Git

	told    *told
	lives   *lives
	metrics *metrics
	budgets *budgets // nil lets everything run
}
