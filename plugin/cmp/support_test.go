package cmp_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/assaydev/assay/plugin/cmp"
	"github.com/assaydev/assay/plugin/cmp/contract"
	"github.com/assaydev/assay/plugin/cmp/worker"
)

// TestMain is also the worker that the server under test starts.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "worker" {
		if err := os.WriteFile(filepath.Join(os.Args[2], strconv.Itoa(os.Getpid())), nil, 0o600); err != nil {
			os.Exit(1)
		}
		if err := worker.Serve(io.TeeReader(os.Stdin, breaker{}), os.Stdout, os.Exit); err != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// breaks is what a file holds that breaks a worker down.
const breaks = "what no library can bear"

// breaker stands for a fault of a library that nothing in the process can stop.
type breaker struct{}

func (breaker) Write(data []byte) (int, error) {
	if bytes.Contains(data, []byte(breaks)) {
		panic("it broke down")
	}
	return len(data), nil
}

const pluginYAML = `apiVersion: argoproj.io/v1alpha1
kind: ConfigManagementPlugin
metadata: {name: assay}
spec:
  generate: {command: [assay, render], args: [--timeout=50s]}
  parameters:
    dynamic: {command: [assay, parameters]}
    static: [{name: extra, title: Extra}]
`

func decoded(t testing.TB, text string) cmp.Config {
	t.Helper()
	c, err := cmp.DecodeConfig([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// running is a server under test, and a client of it.
type running struct {
	contract.ConfigManagementPluginServiceClient
	conn   *grpc.ClientConn
	socket string
	log    *logs
	stop   func()
	pids   string // a directory with a file for each worker that was started
}

// workers are how many have not ended, and how many have.
func (r *running) workers(t testing.TB) (alive, ended int) {
	t.Helper()
	list, err := os.ReadDir(r.pids)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range list {
		if pid, err := strconv.Atoi(d.Name()); err == nil && syscall.Kill(pid, 0) == nil {
			alive++
		} else {
			ended++
		}
	}
	return alive, ended
}

// until waits for a condition.
func until(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !holds(); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("it never came to be: %s", what)
		}
	}
}

// start runs a server until the test ends. Without a worker it renders in this process.
func start(t testing.TB, opt cmp.Options, workers bool) *running {
	t.Helper()
	dir, err := os.MkdirTemp("", "cmp") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if opt.Config.Socket == "" {
		opt.Config = decoded(t, pluginYAML)
	}
	r := &running{log: &logs{}, pids: t.TempDir()}
	opt.Dir, opt.Log = dir, slog.New(slog.NewJSONHandler(r.log, nil))
	if workers {
		opt.Worker = func() *exec.Cmd { return exec.Command(os.Args[0], "worker", r.pids) }
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- cmp.Run(ctx, opt) }()
	var once sync.Once
	stop := func() {
		once.Do(func() {
			cancel()
			if err := <-ended; err != nil {
				t.Errorf("the server ended with %v", err)
			}
		})
	}
	t.Cleanup(stop)
	r.socket, r.stop = filepath.Join(dir, opt.Config.Socket), stop
	r.conn = dial(t, r.socket)
	r.ConfigManagementPluginServiceClient = contract.NewConfigManagementPluginServiceClient(r.conn)
	if _, err := r.CheckPluginConfiguration(t.Context(), nil, grpc.WaitForReady(true)); err != nil {
		t.Fatal(err)
	}
	return r
}

func dial(t testing.TB, socket string) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient("unix://"+socket, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(100<<20), grpc.MaxCallSendMsgSize(100<<20)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// logs keeps what is logged.
type logs struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logs) Write(data []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(data)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *logs) clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Reset()
}

// pack makes the archive of a repository, in the order of names. links are targets by name.
func pack(t testing.TB, files map[string]string, links ...map[string]string) []byte {
	t.Helper()
	var out bytes.Buffer
	packed := gzip.NewWriter(&out)
	archive := tar.NewWriter(packed)
	for _, l := range links {
		for _, name := range slices.Sorted(maps.Keys(l)) {
			if err := archive.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeSymlink, Linkname: l[name]}); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		data := files[name]
		if err := archive.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(data))}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(archive, data); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(archive.Close(), packed.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// asked is one call of a test.
type asked struct {
	data     []byte
	dir      string
	checksum string // that of data where it is empty
	env      []*contract.EnvEntry
}

// variables are those of a call, besides what every one has.
func variables(dir string, more ...string) []*contract.EnvEntry {
	env := []*contract.EnvEntry{{Name: "ARGOCD_APP_NAME", Value: "shop"}, {Name: "ARGOCD_APP_NAMESPACE", Value: "web"}, {Name: "ARGOCD_APP_SOURCE_PATH", Value: dir}, {Name: "KUBE_VERSION", Value: "1.33.0"}, {Name: "ARGOCD_APP_REVISION", Value: "0123"}}
	for i := 0; i+1 < len(more); i += 2 {
		env = append(env, &contract.EnvEntry{Name: more[i], Value: more[i+1]})
	}
	return env
}

type sender interface {
	Send(*contract.AppStreamRequest) error
}

// send sends a call as the repo-server does.
func (a asked) send(to sender) error {
	sum := sha256.Sum256(a.data)
	if a.checksum == "" {
		a.checksum = hex.EncodeToString(sum[:])
	}
	m := &contract.ManifestRequestMetadata{AppName: filepath.Base(a.dir), AppRelPath: a.dir, Checksum: a.checksum, Size: int64(len(a.data)), Env: a.env}
	if err := to.Send(&contract.AppStreamRequest{Request: &contract.AppStreamRequest_Metadata{Metadata: m}}); err != nil {
		return err
	}
	for chunk := range slices.Chunk(a.data, 1024) {
		if err := to.Send(&contract.AppStreamRequest{Request: &contract.AppStreamRequest_File{File: &contract.File{Chunk: chunk}}}); err != nil {
			return err
		}
	}
	return nil
}

func (r *running) generate(ctx context.Context, a asked) ([]string, error) {
	stream, err := r.GenerateManifest(ctx)
	if err != nil {
		return nil, err
	}
	if err := a.send(stream); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	res, err := stream.CloseAndRecv()
	return res.GetManifests(), err
}

func (r *running) parameters(ctx context.Context, a asked) ([]*contract.ParameterAnnouncement, error) {
	stream, err := r.GetParametersAnnouncement(ctx)
	if err != nil {
		return nil, err
	}
	if err := a.send(stream); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	res, err := stream.CloseAndRecv()
	return res.GetParameterAnnouncements(), err
}

func (r *running) matches(ctx context.Context, a asked) (*contract.RepositoryResponse, error) {
	stream, err := r.MatchRepository(ctx)
	if err != nil {
		return nil, err
	}
	if err := a.send(stream); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return stream.CloseAndRecv()
}

// of is a call for an environment of a repository.
func of(t testing.TB, files map[string]string, dir string, more ...string) asked {
	t.Helper()
	return asked{data: pack(t, files), dir: dir, env: variables(dir, more...)}
}

const configMap = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: good\ndata:\n  key: value\n"

func good(t testing.TB) asked {
	t.Helper()
	return of(t, map[string]string{"prod/config.yaml": configMap}, "prod")
}
