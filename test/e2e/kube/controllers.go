package kube

import (
	"context"
	"net"
	"path/filepath"
	"strings"

	"github.com/assaydev/assay/test/e2e/process"
)

// Control runs what makes the API server a cluster: objects get their controllers, and
// pods are scheduled to one node, where kwok says that they run. Nothing is run for
// real.
func (s *Server) Control(ctx context.Context, root string) error {
	built, err := build(ctx, root, "kube-controller-manager", "kube-scheduler", "kwok")
	if err != nil {
		return err
	}
	admin, err := s.Kubeconfig("admin", s.Admin, "")
	if err != nil {
		return err
	}
	free, err := process.FreeAddresses(2)
	if err != nil {
		return err
	}
	serving := func(address string) []string {
		host, port, _ := net.SplitHostPort(address)
		return []string{"--kubeconfig=" + admin, "--leader-elect=false", "--bind-address=" + host, "--secure-port=" + port, "--cert-dir=" + s.dir}
	}
	for _, c := range []process.Command{
		{Name: "kube-controller-manager", Path: built[0], Args: append(serving(free[0]), "--controllers=*,-nodelifecycle,-nodeipam", "--service-account-private-key-file="+filepath.Join(s.dir, "accounts.key"))},
		{Name: "kube-scheduler", Path: built[1], Args: serving(free[1])},
		{Name: "kwok", Path: built[2], Args: []string{"--kubeconfig=" + admin, "--manage-all-nodes=true"}},
	} {
		c.Dir, c.Env = s.dir, process.Environment(s.dir)
		if err := s.group.Start(c); err != nil {
			return err
		}
	}
	if err := s.Apply(ctx, node); err != nil {
		return err
	}
	// Each new node is tainted until the controller that does not run here finds it ready.
	return s.Patch(ctx, "v1", "Node", "", "node", `{"spec":{"taints":[]}}`)
}

// Start runs another process of the cluster until Stop. When it dies, so does the
// cluster.
func (s *Server) Start(c process.Command) error { return s.group.Start(c) }

// Done ends when a process of the cluster dies; its cause says why.
func (s *Server) Done() context.Context { return s.group.Context() }

// node is where everything runs.
const node = `
apiVersion: v1
kind: Node
metadata:
  name: node
  annotations: {node.alpha.kubernetes.io/ttl: "0", kwok.x-k8s.io/node: fake}
  labels: {kubernetes.io/hostname: node, kubernetes.io/os: linux, kubernetes.io/arch: amd64}
status:
  allocatable: {cpu: "64", memory: 256Gi, pods: "1000"}
  capacity: {cpu: "64", memory: 256Gi, pods: "1000"}
`

// build builds components, and returns their binaries in order.
func build(ctx context.Context, root string, names ...string) ([]string, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	built, err := process.Run(ctx, root, nil, filepath.Join(root, "test/components/build"), names...)
	return strings.Split(built, "\n"), err
}
