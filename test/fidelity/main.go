// Command fidelity compares what assay renders with what the helm and kustomize
// of each supported Argo CD render.
//
//  1. Cases are every chart and kustomization of examples/ and of ASSAY_CORPUS
//     (trees.go), and those of Kustomize's own tests, read from the sources in
//     its module (krusty.go).
//  2. Each case is rendered by the real binary and by assay, as processes
//     (render.go), and the objects are compared (compare.go).
//  3. A difference must have a cause: Kustomize or Helm changed it themselves
//     between two of the versions, or assay refuses it by design (causes.go).
//     Any other fails the run.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
)

// pair is the binaries that one Argo CD renders with, and what assay is told.
type pair struct {
	name            string
	helm, kustomize string // components
	engine          string // --helm
}

func pairs() []pair {
	return []pair{
		{"Argo CD 2.14", "helm-3.16.3", "kustomize-5.4.3", "v3"},
		{"Argo CD 3.2", "helm-3.18.4", "kustomize-5.7.1", "v3"},
		{"Argo CD 3.4", "helm-3.19.5", "kustomize-5.8.1", "v3"},
		{"Argo CD 3.5", "helm-4.2.4", "kustomize-5.8.1", "v4"},
	}
}

// fewest is how many cases the modules alone must give: fewer means that the
// sources are not understood any more.
const fewest = 240

func main() {
	verbose := flag.Bool("v", false, "print every case")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *verbose); err != nil {
		fmt.Fprintln(os.Stderr, "fidelity:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, verbose bool) error {
	dir, err := os.MkdirTemp("", "assay-fidelity-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	tools, err := build(ctx, dir)
	if err != nil {
		return err
	}
	own, err := krusty(ctx, dir)
	if err != nil {
		return err
	}
	if len(own) < fewest {
		return fmt.Errorf("kustomize's module gives %d cases, fewer than %d: its tests are written otherwise now", len(own), fewest)
	}
	cases, err := trees(dir)
	if err != nil {
		return err
	}
	t := &table{verbose: verbose}
	r := &runner{tools: tools, cases: append(cases, own...)}
	for _, p := range pairs() {
		if err := r.compare(ctx, p, t); err != nil {
			return err
		}
	}
	fmt.Print(t)
	fmt.Printf("fidelity: %d cases of trees, %d of kustomize's module, %d comparisons: %s\n", len(cases), len(own), t.total(), t.summary())
	if n := len(t.unexplained); n > 0 {
		return fmt.Errorf("%d differences have no cause", n)
	}
	return nil
}

// build builds the components and assay, and returns their paths by name.
func build(ctx context.Context, dir string) (map[string]string, error) {
	tools := map[string]string{"assay": dir + "/assay"}
	if out, err := exec.CommandContext(ctx, "./build", tools["assay"]).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build assay: %w\n%s", err, out)
	}
	var names []string
	for _, p := range pairs() {
		for _, name := range []string{p.helm, p.kustomize} {
			if _, ok := tools[name]; !ok {
				tools[name] = ""
				names = append(names, name)
			}
		}
	}
	cmd := exec.CommandContext(ctx, "test/components/build", names...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("build components: %w", err)
	}
	for i, path := range strings.Fields(string(out)) {
		tools[names[i]] = path
	}
	return tools, nil
}
