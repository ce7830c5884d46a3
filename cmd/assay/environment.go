package main

import (
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strconv"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/assaydev/assay/internal/digest"
	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/plugin"
	"github.com/assaydev/assay/render"
)

// environment is the flags that say which environment, for whom, and within
// which limits.
type environment struct {
	name, root                      string
	appName, namespace, kubeVersion string
	apiVersions                     []string
	files                           envfs.Limits
	limits                          render.Limits
	injectKinds                     []string
}

// bind adds the flags that choose an environment.
func (e *environment) bind(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&e.name, "env", "", "`name` of the environment where a directory serves several (assay.NAME.yaml)")
	f.StringVar(&e.root, "root", "", "repository's `directory`, which nothing is read from beyond (default: the nearest one with .git)")
	mustComplete(cmd, "env", completeNames)
	mustComplete(cmd, "root", completeDirs)
	cmd.ValidArgsFunction = completeDirs
}

// bindRender adds the flags that decide what a render sees, and its limits.
func (e *environment) bindRender(cmd *cobra.Command) {
	e.bind(cmd)
	under(cmd, renderFlags, func() { e.bindView(cmd.Flags()) })
}

func (e *environment) bindView(f *pflag.FlagSet) {
	f.StringVar(&e.appName, "app-name", "", "Application's `name`: the default release name of a chart")
	f.StringVar(&e.namespace, "namespace", "", "destination `namespace` of the Application")
	f.StringVar(&e.kubeVersion, "kube-version", "", "Kubernetes `version` that charts see (default: "+render.DefaultKubeVersion+")")
	f.StringSliceVar(&e.apiVersions, "api-versions", nil, "API `versions` that charts see, as [group/]version/kind")
	f.Var((*byteSize)(&e.files.FileBytes), "max-file-bytes", "largest file that is read (default 32Mi)")
	f.Var((*byteSize)(&e.files.TotalBytes), "max-total-bytes", "bytes that are read in all (default 256Mi)")
	f.Var((*count)(&e.files.Files), "max-files", "files that are read in all (default 50000)")
	f.Var((*count)(&e.limits.Documents), "max-documents", "YAML documents that are read (default 50000)")
	f.Var((*count)(&e.limits.Depth), "max-depth", "nesting of a YAML document (default 100)")
	f.Var((*byteSize)(&e.limits.OutputBytes), "max-output-bytes", "bytes of output (default 128Mi)")
	f.StringSliceVar(&e.injectKinds, "inject-kind", nil, "`kinds` that an experiment may hold beyond the default ones, as KIND or KIND.GROUP")
}

// place is an environment that a command works on.
type place struct {
	render.Request
	files envfs.Limits
	root  string // the repository's directory
	arg   string // the environment's directory as the user wrote it

	session *session // on a server; nil for a directory
}

// open opens the environment in dir. A call of the plugin fills in what flags
// leave out. The caller closes the FS.
func (e *environment) open(dir string, call plugin.Call) (*place, error) {
	root, rel, err := e.locate(dir, call.SourcePath)
	if err != nil {
		return nil, err
	}
	fsys, err := envfs.OpenDir(root, e.files)
	if err != nil {
		return nil, err
	}
	p := &place{files: e.files, root: root, arg: dir}
	p.Request = render.Request{FS: fsys, Environment: spec.Environment{Dir: rel}}
	e.fill(&p.Request, call)
	return p, nil
}

// fill adds what flags say to a request, and what a call of the plugin says
// where they say nothing.
func (e *environment) fill(req *render.Request, call plugin.Call) {
	req.Limits, req.Allow = e.limits, render.Allow{InjectKinds: e.injectKinds}
	call.Fill(req)
	flags := plugin.Call{AppName: e.appName, Namespace: e.namespace, KubeVersion: e.kubeVersion, APIVersions: e.apiVersions, Environment: e.name}
	flags.Fill(req)
}

// render renders the environment in dir.
func (e *environment) render(ctx context.Context, dir string, call plugin.Call) (*render.Result, error) {
	p, err := e.open(dir, call)
	if err != nil {
		return nil, err
	}
	defer p.close()
	return render.Environment(ctx, p.Request)
}

// close ends the reading. Nothing was written, so that nothing can be lost.
func (p *place) close() { _ = p.FS.Close() }

// argument is how the user names the environment to another command.
func (p *place) argument() string {
	if p.Name == "" {
		return filepath.Clean(p.arg)
	}
	return filepath.Clean(p.arg) + " --env " + p.Name
}

// markerFile is the path of the environment's marker in the repository.
func (p *place) markerFile() (string, error) {
	name, err := spec.CandidateFile(p.Name)
	return path.Join(p.Dir, name), err
}

// on names a repo-relative path as the user reaches it from here.
func (p *place) on(name string) string {
	rel, err := filepath.Rel(filepath.FromSlash(p.Dir), filepath.FromSlash(name))
	if err != nil {
		return name
	}
	return filepath.Join(p.arg, rel)
}

// locate finds the repository of dir and the path there.
func (e *environment) locate(dir, sourcePath string) (root, rel string, err error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", "", fmt.Errorf("find directory %s: %w", dir, err)
	}
	switch info, err := os.Stat(abs); {
	case os.IsNotExist(err):
		return "", "", fmt.Errorf("%s does not exist: name the environment's directory", dir)
	case err != nil:
		return "", "", fmt.Errorf("%s cannot be read", dir)
	case !info.IsDir():
		return "", "", fmt.Errorf("%s is not a directory: name the one that holds the environment's files", dir)
	}
	if e.root == "" {
		root, rel = plugin.Root(abs, sourcePath)
		return root, rel, nil
	}
	if root, err = filepath.Abs(e.root); err != nil {
		return "", "", fmt.Errorf("find directory %s: %w", e.root, err)
	}
	rel, err = filepath.Rel(root, abs)
	if err != nil || !filepath.IsLocal(rel) {
		return "", "", usagef("%s is not inside --root %s", dir, e.root)
	}
	return root, filepath.ToSlash(rel), nil
}

// dirArg is the one optional argument.
func dirArg(args []string) string {
	if len(args) == 0 {
		return "."
	}
	return args[0]
}

// byteSize is a flag that takes 1000, 64Ki, 32Mi and the like.
type byteSize int64

func (b *byteSize) Set(text string) error {
	q, err := resource.ParseQuantity(text)
	if err != nil || q.Sign() <= 0 {
		return fmt.Errorf("give a number of bytes, such as 32Mi")
	}
	*b = byteSize(q.Value())
	return nil
}

func (b *byteSize) String() string { return "" }

func (b *byteSize) Type() string { return "bytes" }

// selector is a flag that names an experiment.
type selector digest.Selector

func (s *selector) Set(text string) error {
	meant, err := digest.Select(text)
	*s = selector(meant)
	return err
}

func (s *selector) String() string { return "" }

func (s *selector) Type() string { return "ID" }

// count is a flag that takes a number above zero: as a limit, zero would mean
// the default.
type count int

func (c *count) Set(text string) error {
	n, err := strconv.Atoi(text)
	if err != nil || n <= 0 {
		return fmt.Errorf("give a number above zero, such as 1000")
	}
	*c = count(n)
	return nil
}

func (c *count) String() string { return "" }

func (c *count) Type() string { return "int" }
