package cmp_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/assaydev/assay/internal/tgz"
	"github.com/assaydev/assay/plugin/cmp"
	"github.com/assaydev/assay/plugin/cmp/contract"
)

// lives holds that a server has taken no harm.
func (r *running) lives(t testing.TB) {
	t.Helper()
	if got, err := r.generate(t.Context(), good(t)); err != nil || len(got) != 1 {
		t.Errorf("after that, the server answers %v, %v", got, err)
	}
}

// TestBadCalls: what a caller does wrong is said in one short message, to the one who does it.
func TestBadCalls(t *testing.T) {
	server := start(t, cmp.Options{CacheBytes: 64 << 20, Archive: tgz.Limits{Files: 100}}, true)
	files := map[string]string{"prod/config.yaml": configMap}
	many := map[string]string{}
	for i := range 101 {
		many[fmt.Sprintf("f%d", i)] = ""
	}
	fine := pack(t, files)
	for name, test := range map[string]struct {
		call asked
		code codes.Code
		want string
	}{
		"a directory outside":     {asked{data: fine, dir: "../other", env: variables("prod")}, codes.InvalidArgument, "a directory outside of the archive: ../other"},
		"an absolute directory":   {asked{data: fine, dir: "/etc", env: variables("prod")}, codes.InvalidArgument, "a directory outside of the archive: /etc"},
		"a missing directory":     {asked{data: fine, dir: "staging", env: variables("staging")}, codes.Unknown, "staging: no such directory in the repo"},
		"no checksum":             {asked{data: fine, dir: "prod", checksum: "none"}, codes.InvalidArgument, "no SHA-256"},
		"a wrong checksum":        {asked{data: fine, dir: "prod", checksum: strings.Repeat("0", 64), env: variables("prod")}, codes.InvalidArgument, "not what its checksum says"},
		"no archive":              {asked{data: []byte(strings.Repeat("kind: A\n", 9)), dir: "prod", env: variables("prod")}, codes.InvalidArgument, "read archive: it is not gzip"},
		"nothing":                 {asked{dir: "prod", env: variables("prod")}, codes.InvalidArgument, "read archive: it ends in the middle"},
		"half an archive":         {asked{data: fine[:len(fine)/2], dir: "prod", env: variables("prod")}, codes.InvalidArgument, "read archive: it ends in the middle"},
		"a path that leaves":      {of(t, map[string]string{"../x": ""}, "prod"), codes.InvalidArgument, "../x leaves the archive"},
		"Git's own directory":     {of(t, map[string]string{".git/config": "", "prod/config.yaml": configMap}, ".git"), codes.Unknown, ".git"},
		"many files":              {of(t, many, "prod"), codes.InvalidArgument, "more than 100 files"},
		"a parameter that is not": {of(t, files, "prod", "ARGOCD_APP_PARAMETERS", `[{"name":"helm-vlues","string":""}]`), codes.Unknown, `unknown parameter "helm-vlues": did you mean helm-values?`},
		"broken parameters":       {of(t, files, "prod", "ARGOCD_APP_PARAMETERS", `[{`), codes.Unknown, "ARGOCD_APP_PARAMETERS is not"},
		"a broken file":           {of(t, map[string]string{"prod/a.yaml": "apiVersion: v1\nkind: A\nmetadata: [\n"}, "prod"), codes.Unknown, "prod/a.yaml:"},
		"a long message":          {of(t, map[string]string{"prod/kustomization.yaml": "resources: [" + strings.Repeat("x", 5000) + "]\n"}, "prod"), codes.Unknown, "assay: "},
	} {
		got, err := server.generate(t.Context(), test.call)
		s := status.Convert(err)
		if err == nil || s.Code() != test.code || !strings.HasPrefix(s.Message(), "assay: ") || !strings.Contains(s.Message(), test.want) || len(s.Message()) > 2000 {
			t.Errorf("%s: %d objects, %v, want %s and %q", name, len(got), err, test.code, test.want)
		}
		if strings.Contains(s.Message(), os.TempDir()) {
			t.Errorf("%s: the message names a path of this machine: %s", name, s.Message())
		}
	}
	server.lives(t)
}

// TestBadStreams: messages in another order than the contract's.
func TestBadStreams(t *testing.T) {
	server := start(t, cmp.Options{}, false)
	piece := &contract.AppStreamRequest{Request: &contract.AppStreamRequest_File{File: &contract.File{Chunk: []byte("x")}}}
	empty := &contract.AppStreamRequest{}
	begin := func(size int64) *contract.AppStreamRequest {
		return &contract.AppStreamRequest{Request: &contract.AppStreamRequest_Metadata{Metadata: &contract.ManifestRequestMetadata{AppRelPath: "prod", Checksum: strings.Repeat("0", 64), Size: size}}}
	}
	for name, test := range map[string]struct {
		messages []*contract.AppStreamRequest
		want     string
	}{
		"no metadata":          {[]*contract.AppStreamRequest{piece}, "does not begin with metadata"},
		"an empty message":     {[]*contract.AppStreamRequest{empty}, "does not begin with metadata"},
		"metadata twice":       {[]*contract.AppStreamRequest{begin(10), begin(10)}, "something else than the archive"},
		"more than was named":  {[]*contract.AppStreamRequest{begin(1), piece, piece}, "larger than the 1 bytes"},
		"a size below nothing": {[]*contract.AppStreamRequest{begin(-5), piece}, "larger than the -5 bytes"},
	} {
		stream, err := server.GenerateManifest(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range test.messages {
			if err := stream.Send(m); err != nil && !errors.Is(err, io.EOF) {
				t.Fatal(err)
			}
		}
		if _, err := stream.CloseAndRecv(); status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
	stream, err := server.GenerateManifest(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.CloseAndRecv(); err == nil {
		t.Error("a stream without messages is answered")
	}
	server.lives(t)
}

// TestStrangeVariables: names and values with line ends, and 100,000 parameters, change nothing.
func TestStrangeVariables(t *testing.T) {
	server := start(t, cmp.Options{CacheBytes: 64 << 20}, true)
	call := good(t)
	want, err := server.generate(t.Context(), call)
	if err != nil {
		t.Fatal(err)
	}
	more := []string{"A\nB", "x\ny", "", "no name", "ARGOCD_APP_NAME\n", "other", "PATH", "/tmp", "LD_PRELOAD", "/tmp/x.so"}
	for i := range 100_000 {
		more = append(more, fmt.Sprintf("PARAM_%d", i), "value")
	}
	call.env = variables("prod", more...)
	got, err := server.generate(t.Context(), call)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v", got, err)
	}
	var list strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&list, `,{"name":"p%d","string":"v"}`, i)
	}
	call.env = variables("prod", "ARGOCD_APP_PARAMETERS", "["+list.String()[1:]+"]")
	if _, err := server.generate(t.Context(), call); err == nil || !strings.Contains(err.Error(), `unknown parameter "p0"`) {
		t.Errorf("100,000 parameters: %v", err)
	}
	if log := server.log.String(); strings.Contains(log, "/tmp/x.so") || strings.Count(log, "\n") != strings.Count(log, `{"time"`) {
		t.Error("the log holds variables, or lines of others")
	}
}

// TestStalled: a caller that stops in the middle is told, and one that goes away leaves
// nothing behind.
func TestStalled(t *testing.T) {
	server := start(t, cmp.Options{Stall: 50 * time.Millisecond}, false)
	begin := func(ctx context.Context) contract.ConfigManagementPluginService_GenerateManifestClient {
		stream, err := server.GenerateManifest(ctx)
		if err != nil {
			t.Fatal(err)
		}
		m := &contract.ManifestRequestMetadata{AppRelPath: "prod", Checksum: strings.Repeat("0", 64), Size: 1 << 20}
		if err := stream.Send(&contract.AppStreamRequest{Request: &contract.AppStreamRequest_Metadata{Metadata: m}}); err != nil {
			t.Fatal(err)
		}
		return stream
	}
	stalled := begin(t.Context())
	var none contract.ManifestResponse
	if err := stalled.RecvMsg(&none); status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), "nothing has come for 50ms") {
		t.Errorf("a caller that stalls: %v", err)
	}
	before := runtime.NumGoroutine()
	for range 50 {
		ctx, leave := context.WithCancel(t.Context())
		begin(ctx)
		leave()
	}
	server.lives(t)
	for deadline := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > before+20; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines, and %d before", runtime.NumGoroutine(), before)
		}
	}
}

// TestManyConnections: a thousand connections, each with a call.
func TestManyConnections(t *testing.T) {
	server := start(t, cmp.Options{CacheBytes: 64 << 20}, true)
	call := good(t)
	want, err := server.generate(t.Context(), call)
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 1000 {
		client := &running{ConfigManagementPluginServiceClient: contract.NewConfigManagementPluginServiceClient(dial(t, server.socket))}
		all.Go(func() {
			if got, err := client.generate(t.Context(), call); err != nil || !slices.Equal(got, want) {
				t.Errorf("%v, %v", got, err)
			}
		})
	}
	all.Wait()
}

// TestDeadline: the caller's deadline and plugin.yaml's own end a call in time, with a message.
func TestDeadline(t *testing.T) {
	server := start(t, cmp.Options{Config: decoded(t, strings.Replace(pluginYAML, "50s", "300ms", 1))}, true)
	_, err := server.generate(t.Context(), endless(t, "prod"))
	if status.Code(err) != codes.DeadlineExceeded || !strings.Contains(err.Error(), "deadline passed") || !strings.Contains(err.Error(), "raise --timeout") {
		t.Errorf("plugin.yaml's: %v", err)
	}
	server.lives(t)
	patient := start(t, cmp.Options{}, true)
	patient.lives(t) // its processes are there
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	if _, err := patient.generate(ctx, endless(t, "prod")); status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("the caller's: %v", err)
	}
	until(t, "it is logged", func() bool { return strings.Contains(patient.log.String(), "deadline passed") })
	if log := patient.log.String(); strings.Contains(log, "--timeout") || !strings.Contains(log, "the repo-server's timeout") {
		t.Errorf("what helps is the caller's: %s", log)
	}
	patient.lives(t)
}

// TestDiscovery: MatchRepository looks for what plugin.yaml says, and reads the stream to its end.
func TestDiscovery(t *testing.T) {
	with := func(discover string) string {
		return strings.Replace(pluginYAML, "spec:\n", "spec:\n  discover: "+discover+"\n", 1)
	}
	files := map[string]string{"prod/assay.yaml": "", "prod/deep/er/Chart.yaml": "", "other/x": strings.Repeat("x", 1<<20)}
	for _, test := range []struct {
		yaml, dir        string
		supported, asked bool
	}{
		{pluginYAML, "prod", false, false},
		{with("{fileName: assay.yaml}"), "prod", true, true},
		{with("{fileName: ./assay.*}"), "prod", true, true},
		{with("{fileName: assay.yaml}"), "other", false, true},
		{with("{fileName: assay.yaml}"), ".", false, true},
		{with("{find: {glob: '**/Chart.yaml'}}"), "prod", true, true},
		{with("{find: {glob: '**/Chart.yaml'}}"), "other", false, true},
		{with("{find: {glob: '*/*.yaml'}}"), ".", true, true},
	} {
		server := start(t, cmp.Options{Config: decoded(t, test.yaml)}, false)
		config, err := server.CheckPluginConfiguration(t.Context(), nil)
		if err != nil || config.GetIsDiscoveryConfigured() != test.asked {
			t.Errorf("%s: %v, %v", test.yaml, config, err)
		}
		got, err := server.matches(t.Context(), of(t, files, test.dir))
		if err != nil || got.GetIsSupported() != test.supported || got.GetIsDiscoveryEnabled() != test.asked {
			t.Errorf("%s in %s: %v, %v", test.yaml, test.dir, got, err)
		}
	}
}

// TestBadConfig: a plugin.yaml that cannot be served is refused when the server starts.
func TestBadConfig(t *testing.T) {
	replaced := func(old, with string) string { return strings.Replace(pluginYAML, old, with, 1) }
	for name, test := range map[string]struct{ yaml, want string }{
		"nothing":            {"", `kind is ""`},
		"no YAML":            {"a: [", "not a ConfigManagementPlugin"},
		"another kind":       {replaced("ConfigManagementPlugin", "Application"), `kind is "Application"`},
		"no name":            {replaced("{name: assay}", "{}"), "metadata.name is missing"},
		"a name with a path": {replaced("{name: assay}", "{name: ../assay}"), "leave out slashes"},
		"a misspelt field":   {replaced("generate:", "genrate:"), "genrate"},
		"no command":         {replaced("{command: [assay, render], args: [--timeout=50s]}", "{}"), "spec.generate.command is missing"},
		"a shell":            {replaced("[assay, render]", "[sh, -c, assay render]"), `"sh -c assay render --timeout=50s" is not assay render`},
		"another program":    {replaced("[assay, render]", "[helm, template, .]"), "have argocd-cmp-server run it"},
		"another verb":       {replaced("[assay, render]", "[assay, diff]"), "is not assay render"},
		"an unknown flag":    {replaced("--timeout=50s", "--output-dir=/tmp"), "has no flag --output-dir"},
		"a bad flag":         {replaced("--timeout=50s", "--helm=v5"), "give one of v3, v4"},
		"a directory":        {replaced("--timeout=50s", "prod"), "names a directory"},
		"no time":            {replaced("--timeout=50s", "--timeout=0s"), "give a time above zero"},
		"init":               {replaced("spec:\n", "spec:\n  init: {command: [true]}\n"), "spec.init.command runs a program"},
		"find by a program":  {replaced("spec:\n", "spec:\n  discover: {find: {command: [ls]}}\n"), "spec.discover.find.command runs a program"},
		"a broken pattern":   {replaced("spec:\n", "spec:\n  discover: {find: {glob: '['}}\n"), "is not a pattern"},
		"other parameters":   {replaced("[assay, parameters]", "[cat, parameters.json]"), "spec.parameters.dynamic"},
	} {
		if _, err := cmp.DecodeConfig([]byte(test.yaml)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
	dir := t.TempDir()
	if _, err := cmp.ReadConfig(dir); err == nil || !strings.Contains(err.Error(), "there is none") {
		t.Errorf("no file: %v", err)
	}
	if err := os.Mkdir(filepath.Join(dir, "plugin.yaml"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := cmp.ReadConfig(dir); err == nil || !strings.Contains(err.Error(), "is not a file") {
		t.Errorf("a directory: %v", err)
	}
}

// TestShippedConfig: the plugin.yaml that ship are served, with their flags.
func TestShippedConfig(t *testing.T) {
	for name, helm := range map[string]string{"plugin.yaml": "", "plugin.helm-v4.yaml": "v4"} {
		data, err := os.ReadFile(filepath.Join("../..", name))
		if err != nil {
			t.Fatal(err)
		}
		c := decoded(t, string(data))
		if c.Socket != "assay.sock" || c.Generate.HelmVersion != helm || c.Generate.Timeout != 50*time.Second || c.Parameters == nil || c.Discovers() {
			t.Errorf("%s: %+v", name, c)
		}
	}
}

// TestSocket: a socket that was left behind is replaced, and nothing else is.
func TestSocket(t *testing.T) {
	dir, err := os.MkdirTemp("", "cmp")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	run := func(dir string) error {
		ctx, cancel := context.WithCancel(t.Context())
		cancel() // it stops as soon as it serves
		return cmp.Run(ctx, cmp.Options{Config: decoded(t, pluginYAML), Dir: dir})
	}
	left, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, "assay.sock"), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	if err := run(dir); err == nil || !strings.Contains(err.Error(), "another server answers") {
		t.Errorf("where another server runs: %v", err)
	}
	left.SetUnlinkOnClose(false)
	if err := left.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(filepath.Join(dir, "assay.sock")); err != nil {
		t.Fatal(err)
	}
	if err := cmp.Run(stopped(t), cmp.Options{Config: decoded(t, pluginYAML), Dir: dir}); err != nil {
		t.Errorf("where a socket was left: %v", err)
	}
	if _, err := os.Lstat(filepath.Join(dir, "assay.sock")); !os.IsNotExist(err) {
		t.Errorf("the socket is still there: %v", err)
	}
	for name, test := range map[string]struct{ dir, want string }{
		"a directory in its place": {in(t, dir, "a", func(p string) error { return os.MkdirAll(filepath.Join(p, "assay.sock"), 0o755) }), "is not a socket: remove it"},
		"a file in its place": {in(t, dir, "b", func(p string) error {
			if err := os.MkdirAll(p, 0o755); err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(p, "assay.sock"), []byte("x"), 0o644)
		}), "is not a socket: remove it"},
		"a long path":             {filepath.Join(dir, strings.Repeat("x", 120)), "the path of the socket has"},
		"a directory that is not": {filepath.Join(dir, "missing"), "make a socket in"},
	} {
		if err := run(test.dir); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
	if data, err := os.ReadFile(filepath.Join(dir, "b", "assay.sock")); err != nil || string(data) != "x" {
		t.Error("the file is gone")
	}
}

// stopped is a context that ends once the server can be reached.
func stopped(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	t.Cleanup(cancel)
	return ctx
}

func in(t *testing.T, dir, name string, prepare func(string) error) string {
	t.Helper()
	at := filepath.Join(dir, name)
	if err := prepare(at); err != nil {
		t.Fatal(err)
	}
	return at
}

// TestDrains: a server that is told to stop finishes what it does, and says that it stops.
func TestDrains(t *testing.T) {
	server := start(t, cmp.Options{}, false)
	health := grpc_health_v1.NewHealthClient(server.conn)
	if got, err := health.Check(t.Context(), &grpc_health_v1.HealthCheckRequest{}); err != nil || got.GetStatus() != grpc_health_v1.HealthCheckResponse_SERVING {
		t.Fatalf("%v, %v", got, err)
	}
	watch, err := health.Watch(t.Context(), &grpc_health_v1.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := watch.Recv(); err != nil {
		t.Fatal(err)
	}
	stream, err := server.GenerateManifest(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	call := good(t)
	half := asked{data: call.data, dir: call.dir, env: call.env}
	ended := make(chan struct{})
	first := true
	err = half.send(senderFunc(func(m *contract.AppStreamRequest) error {
		if !first { // the archive comes once the server is told to stop
			go func() { server.stop(); close(ended) }()
			for {
				got, err := watch.Recv()
				if err != nil || got.GetStatus() == grpc_health_v1.HealthCheckResponse_NOT_SERVING {
					break
				}
			}
		}
		first = false
		return stream.Send(m)
	}))
	if err != nil {
		t.Fatal(err)
	}
	got, err := stream.CloseAndRecv()
	if err != nil || len(got.GetManifests()) != 1 {
		t.Errorf("%v, %v", got, err)
	}
	_ = stream.CloseSend()
	_ = server.conn.Close() // the watch ends with it
	<-ended
}

type senderFunc func(*contract.AppStreamRequest) error

func (f senderFunc) Send(m *contract.AppStreamRequest) error { return f(m) }

// TestPartOfARepository: with manifest-generate-paths the archive's top is not the
// repository's, and the result is the same.
func TestPartOfARepository(t *testing.T) {
	server := start(t, cmp.Options{}, true)
	whole := map[string]string{
		"envs/base/kustomization.yaml": "resources: [config.yaml]\n", "envs/base/config.yaml": configMap,
		"envs/prod/kustomization.yaml": "resources: [../base]\nnamePrefix: prod-\n", "other/x.yaml": configMap,
	}
	part := map[string]string{}
	for name, text := range whole {
		if rest, ok := strings.CutPrefix(name, "envs/"); ok {
			part[rest] = text
		}
	}
	want, err := server.generate(t.Context(), of(t, whole, "envs/prod"))
	if err != nil {
		t.Fatal(err)
	}
	call := asked{data: pack(t, part), dir: "prod", env: variables("envs/prod")}
	got, err := server.generate(t.Context(), call)
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	part["prod/kustomization.yaml"] = "resources: [../missing]\n"
	call.data = pack(t, part)
	if _, err := server.generate(t.Context(), call); err == nil || !strings.Contains(err.Error(), "envs/prod/kustomization.yaml") {
		t.Errorf("the error names the file as the repository does: %v", err)
	}
}
