package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"net/mail"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"
	"k8s.io/klog/v2"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/assaydev/assay/internal/application"
	"github.com/assaydev/assay/internal/budget"
	"github.com/assaydev/assay/internal/cli"
	"github.com/assaydev/assay/internal/cluster"
	"github.com/assaydev/assay/internal/clustersecret"
	"github.com/assaydev/assay/internal/credential"
	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/forge"
	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/internal/git/remote"
	"github.com/assaydev/assay/internal/leftover"
	"github.com/assaydev/assay/internal/memory"
	"github.com/assaydev/assay/internal/scratch"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/plugin"
	"github.com/assaydev/assay/promote"
	"github.com/assaydev/assay/promote/branch"
	"github.com/assaydev/assay/promote/controller"
	"github.com/assaydev/assay/render"
)

// mostMemory is what the daemon may take where neither a flag nor the system says less.
const mostMemory = 2 << 30

// mostLeft is how many renders may go on that nothing waits for any more.
const mostLeft = 16

// mostShards is how many parts the work is shared in at most.
const mostShards = 8

// promoterFlags are the flags of the promoter.
type promoterFlags struct {
	kubeconfig, kubeContext string
	namespace               string
	namespaces, nextHosts   []string
	injectKinds, programs   []string
	author, signingKey      string
	signers                 string
	forge, forgeAPI, method string
	notify, notifySecret    string
	health, metric          string
	pprof                   loopback
	dryRun, debug           bool
	commitStatus            bool
	commits, workers        int
	shards                  int
	budgets                 budget.Limits
	memory                  cli.ByteSize
	files                   envfs.Limits
	limits                  render.Limits
}

func (d *daemon) promoterCommand() *cobra.Command {
	var f promoterFlags
	cmd := &cobra.Command{
		Use:   "promoter",
		Short: "Watch Applications that use the plugin, and conclude their candidates in Git",
		Long: `Promoter watches the Applications whose source uses the plugin assay. When the
experiment of an environment says so, it promotes or rejects the candidate in the
Application's repository, by push or pull request as the plan says, and goes on
with next environments, with what waits in the queue, and after a merge.

It writes with the login that Argo CD has for the repository: a Secret with the
label argocd.argoproj.io/secret-type, of the type assay-repository,
repository-write, repo-write-creds, repository or repo-creds; the first of these
counts. Hosts and certificates are those that Argo CD trusts.

Experiments in other clusters than Argo CD's are read with the logins of its
cluster Secrets. A Secret that runs a program for its login needs
--cluster-auth-program.

A verdict is read from the cluster each time, and counts only for what the branch
has under test. Nothing but Git holds state, so that it may be killed at any time.
With a signing key it goes on with next environments after a restart or a merge:
its own signature proves that it decided.

Where OTEL_EXPORTER_OTLP_ENDPOINT names a collector, it sends a trace of each candidate
there, by OTLP over HTTP and OpenTelemetry's other variables.`,
		Example: `  # In Argo CD's namespace, as manifests/promoter runs it
  assayd promoter --shards 8 --signing-key /etc/assay/signing/key

  # On a laptop: say what would be done
  assayd promoter --context prod --dry-run`,
		Args: cli.Takes(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.check(); err != nil {
				return err
			}
			traced, err := d.traced()
			if err != nil {
				return err
			}
			d.started = true
			return d.promote(cmd.Context(), f, traced)
		},
	}
	f.bind(cmd)
	return cmd
}

func (f *promoterFlags) bind(cmd *cobra.Command) {
	s := cmd.Flags()
	s.StringVar(&f.kubeconfig, "kubeconfig", "", "`file` of the kubeconfig (default: $KUBECONFIG, else the pod's service account)")
	s.StringVar(&f.kubeContext, "context", "", "`context` of the kubeconfig (default: its current one)")
	s.StringVarP(&f.namespace, "namespace", "n", "argocd", "`namespace` that Argo CD runs in")
	s.StringSliceVar(&f.namespaces, "application-namespaces", nil, "other `namespaces` with Applications, as Argo CD's application.namespaces; * is all")
	s.StringVar(&f.author, "author", "", "`\"Name <address>\"` of the commits (default: Assay <noreply@assay.dev>)")
	s.StringVar(&f.signingKey, "signing-key", "", "`file` with the SSH private key that signs commits; its signature is trusted, too")
	s.StringVar(&f.signers, "allowed-signers", "", "`file` of keys, as ssh-keygen reads it, whose signatures on commits prove that promotions were decided")
	s.StringVar(&f.forgeAPI, "forge-api", "", "`URL` of the forge's API (default: by its kind, or a Secret's field forgeAPI)")
	s.StringSliceVar(&f.nextHosts, "next-host", nil, "`hosts` other than the repository's that next environments may be on")
	s.StringSliceVar(&f.injectKinds, "inject-kind", nil, "`kinds` that an experiment may hold beyond the default ones, as KIND or KIND.GROUP")
	s.StringSliceVar(&f.programs, "cluster-auth-program", nil, "`programs` that Argo CD's cluster Secrets may have run for a login, by absolute path or name (default: none)")
	s.StringVar(&f.notify, "notify-address", "", "`address` that takes POST /notify, as :8082 (default: none)")
	s.StringVar(&f.notifySecret, "notify-secret", "", "`file` with the secret that a call has to know")
	s.StringVar(&f.health, "health-address", ":8081", "`address` of /healthz and /readyz; empty for none")
	s.StringVar(&f.metric, "metrics-address", "", "`address` of /metrics, as :8080 (default: none)")
	s.Var(&f.pprof, "pprof-address", "loopback `address` of /debug/pprof, as 127.0.0.1:6060 (default: none)")
	s.BoolVar(&f.commitStatus, "commit-status", false, "give the commit of a candidate a status on the forge, of the context assay/ENVIRONMENT: GitHub's fine-grained tokens need commit statuses, write")
	s.Var((*cli.Count)(&f.shards), "shards", "`parts` that the work is shared in with other replicas, at most 8; all of them must say the same (default: this one works alone)")
	s.Var((*cli.Count)(&f.budgets.Instance), "max-experiments", "`experiments` that may run at once; more wait in Git, in the order of their markers (default: any number)")
	s.Var((*cli.Count)(&f.budgets.Project), "max-experiments-per-project", "likewise, `experiments` of Applications of one AppProject")
	s.Var((*cli.Count)(&f.budgets.Destination), "max-experiments-per-destination", "likewise, `experiments` in one cluster")
	s.BoolVar(&f.dryRun, "dry-run", false, "prove what would be written, log it, and write nothing")
	s.BoolVarP(&f.debug, "verbose", "v", false, "log more")
	s.Var(&f.memory, "memory-limit", "end with an error when more memory is taken (default 2Gi, or three quarters of what the system gives if that is less)")
	cli.BindLimits(s, &f.files, &f.limits.Documents, &f.limits.Depth, &f.limits.OutputBytes)
	f.commits, f.workers = 500, 4
	s.Var((*cli.Count)(&f.commits), "max-commits", "newest `commits` that are searched for decisions (default 500)")
	s.Var((*cli.Count)(&f.workers), "workers", "environments that are worked on at once (default 4)")
	f.forge, f.method = "auto", "merge"
	cli.BindChoice(cmd, &f.forge, "forge", "", "the forge that has the pull requests where no Secret says so; auto knows github.com, gitlab.com, gitea.com and codeberg.org", "auto", "github", "gitlab", "gitea", "forgejo", string(branch.NoForge))
	cli.BindChoice(cmd, &f.method, "merge-method", "", "how the forge merges, with promotion.merge: auto", "merge", "squash", "rebase")
}

// check refuses flags that make no sense together.
func (f *promoterFlags) check() error {
	if (f.notify == "") != (f.notifySecret == "") {
		return cli.Usagef("--notify-address and --notify-secret: give both: a call has to know a secret")
	}
	if f.shards > mostShards {
		return cli.Usagef("--shards %d: give at most %d: each takes a request every two seconds", f.shards, mostShards)
	}
	if _, err := clustersecret.ParsePrograms(f.programs); err != nil {
		return cli.Usagef("--cluster-auth-program: %v", err)
	}
	for _, name := range f.namespaces {
		if name != "*" && strings.ContainsAny(name, "*?[]{}/") {
			return cli.Usagef("--application-namespaces %s: name each namespace, or give * for all: patterns are not supported", name)
		}
	}
	return nil
}

// promote runs the promoter.
func (d *daemon) promote(ctx context.Context, f promoterFlags, traced bool) error {
	level := slog.LevelInfo
	if f.debug {
		level = slog.LevelDebug
	}
	logger := slog.New(slog.NewJSONHandler(d.stderr, &slog.HandlerOptions{Level: level}))
	ctrllog.SetLogger(logr.FromSlogHandler(logger.Handler()))
	klog.SetSlogLogger(logger)
	temp, err := scratch.Make(os.TempDir(), "assayd-")
	if err != nil {
		return err
	}
	defer func() { _ = temp.Remove() }()
	opt, err := d.options(f, temp.Path, logger)
	if err != nil {
		return err
	}
	limit := int64(f.memory)
	if limit == 0 {
		limit = memory.Limit(mostMemory, d.softLimit())
	}
	w := memory.New(limit)
	go w.Watch(ctx, func(work []string) {
		_ = temp.Remove()
		tooLarge(logger, limit, work)
	})
	left := leftover.New(mostLeft, func(names []string) {
		logger.Error("renders go on that nothing waits for any more: templates loop without end", "rendering", names)
		_ = temp.Remove()
		os.Exit(exitFailed)
	})
	if traced {
		t, err := newTracer(ctx, "assay-promoter", logger)
		if err != nil {
			return err
		}
		defer t.close(ctx)
		opt.Trace = t.send
	}
	return controller.Run(left.With(w.With(ctx)), opt)
}

func (d *daemon) options(f promoterFlags, temp string, logger *slog.Logger) (controller.Options, error) {
	files, err := d.kubeconfigs(f.kubeconfig)
	if err != nil {
		return controller.Options{}, err
	}
	at, err := cluster.Choose(cluster.Options{Kubeconfig: files, Context: f.kubeContext, UserAgent: "assayd"})
	if err != nil {
		return controller.Options{}, err
	}
	author, err := f.identity()
	if err != nil {
		return controller.Options{}, err
	}
	replica, err := replicaName()
	if err != nil {
		return controller.Options{}, err
	}
	process := d.programs(temp)
	var key []byte
	if f.signingKey != "" {
		if key, err = d.input.Read(f.signingKey); err != nil {
			return controller.Options{}, fmt.Errorf("--signing-key: %w", err)
		}
	}
	signers, err := d.signers(f.signers, key, temp)
	if err != nil {
		return controller.Options{}, err
	}
	secret := []byte{}
	if f.notifySecret != "" {
		if secret, err = d.input.Read(f.notifySecret); err != nil {
			return controller.Options{}, fmt.Errorf("--notify-secret: %w", err)
		}
		if secret = bytes.TrimSpace(secret); len(secret) < 16 {
			return controller.Options{}, fmt.Errorf("--notify-secret: %s holds fewer than 16 bytes, which can be guessed: make a longer one", f.notifySecret)
		}
	}
	kind := forge.Kind(f.forge)
	if f.forge == "auto" {
		kind = ""
	}
	return controller.Options{
		Cluster: at, Namespace: f.namespace, Namespaces: f.namespaces, Programs: f.programs, Proxy: http.ProxyFromEnvironment, View: f.view,
		Branch: branch.Options{
			Commits: f.commits, DryRun: f.dryRun, Process: process, NextHosts: f.nextHosts, Signers: signers,
			Forge: kind, ForgeAPI: f.forgeAPI, Method: forge.Method(f.method), Paces: &forge.Paces{}, Logins: &credential.Logins{}, Turns: &remote.Turns{},
		},
		Sign: func(o *credential.Options) {
			o.Author, o.TempDir = author, temp
			if len(key) > 0 {
				o.Signing = credential.Signing{Format: "ssh", Key: key, Env: process.Env}
			}
		},
		Notify: controller.Notify{Address: f.notify, Secret: secret}, Health: f.health, Metric: f.metric, Pprof: string(f.pprof), CommitStatus: f.commitStatus, Shards: f.shards, Budgets: f.budgets, Identity: replica, Workers: f.workers, Log: logger,
	}, nil
}

// view is how the plugin reads the environment of an Application's source.
func (f *promoterFlags) view(place application.Place) (promote.View, error) {
	call, err := plugin.FromApplication(place)
	if err != nil {
		return promote.View{}, err
	}
	req := render.Request{Environment: spec.Environment{Dir: place.Path}, Limits: f.limits, Allow: render.Allow{InjectKinds: f.injectKinds}}
	call.Fill(&req)
	return promote.View{Request: req, Files: f.files}, nil
}

// signers is a file with the keys whose signatures count: those of the flag, and our own.
func (d *daemon) signers(file string, key []byte, temp string) (string, error) {
	if len(key) == 0 {
		return file, nil
	}
	var keys []byte
	if file != "" {
		var err error
		if keys, err = d.input.Read(file); err != nil {
			return "", fmt.Errorf("--allowed-signers: %w", err)
		}
	}
	own, err := credential.AllowedSigner(key, "assayd")
	if err != nil {
		return "", fmt.Errorf("--signing-key: %w", err)
	}
	name := filepath.Join(temp, "allowed_signers")
	return name, os.WriteFile(name, []byte(strings.TrimRight(string(keys), "\n")+"\n"+own+"\n"), 0o600)
}

func (f *promoterFlags) identity() (git.Identity, error) {
	if f.author == "" {
		return git.Identity{}, nil
	}
	at, err := mail.ParseAddress(f.author)
	if err != nil || at.Name == "" {
		return git.Identity{}, cli.Usagef("--author %q: give it as \"Name <address>\"", f.author)
	}
	return git.Identity{Name: at.Name, Email: at.Address}, nil
}

// replicaName is this process's own, by which people find its pod.
func replicaName() (string, error) {
	host, err := os.Hostname()
	if err != nil {
		return "", fmt.Errorf("name this replica: %w", err)
	}
	return host + "_" + rand.Text(), nil
}

// kubeconfigs are the files of the kubeconfig; none is for a pod.
func (d *daemon) kubeconfigs(file string) ([]string, error) {
	if file != "" {
		if _, err := os.Stat(file); err != nil {
			return nil, fmt.Errorf("--kubeconfig: %s cannot be read", file)
		}
		return []string{file}, nil
	}
	list, _ := d.env("KUBECONFIG")
	return filepath.SplitList(list), nil
}

// programs is as much of the process's environment as git and ssh need.
func (d *daemon) programs(temp string) git.Process {
	p := git.Process{TempDir: temp}
	for _, name := range []string{"PATH", "TMPDIR"} {
		if value, ok := d.env(name); ok {
			p.Env = append(p.Env, name+"="+value)
		}
	}
	return p
}

// softLimit is GOMEMLIMIT in bytes; 0 where it is not set.
func (d *daemon) softLimit() int64 {
	var limit cli.ByteSize
	text, _ := d.env("GOMEMLIMIT")
	if limit.Set(strings.TrimSuffix(text, "B")) != nil {
		return 0
	}
	return int64(limit)
}
