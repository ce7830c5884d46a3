package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/assaydev/assay/plugin/cmp/contract"
)

// TestMain is also the daemon, for tests of what ends its process.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && (os.Args[1] == "cmp" || os.Args[1] == workerCommand) {
		main()
	}
	os.Exit(m.Run())
}

// TestTooLarge: a server that takes more memory than it may ends, and says so.
func TestTooLarge(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], "cmp", "--config-dir-path", "../..", "--socket-dir", t.TempDir(), "--in-process", "--memory-limit", "4Mi")
	cmd.Env = []string{}
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != exitFailed || !strings.Contains(string(out), `"msg":"takes too much memory: make what is rendered smaller, or raise --memory-limit","limitMiB":4`) {
		t.Errorf("%v: %s", err, out)
	}
}

// served is `assayd cmp` as a process of its own, and a client of it. The process ends by
// SIGTERM, once stop is called.
func served(t *testing.T, env ...string) (client contract.ConfigManagementPluginServiceClient, stop func()) {
	t.Helper()
	dir, err := os.MkdirTemp("", "cmp") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), os.Args[0], "cmp", "--config-dir-path", "../..", "--socket-dir", dir)
	var log bytes.Buffer
	cmd.Env, cmd.Stderr = env, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop = sync.OnceFunc(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Errorf("the server ended with %v: %s", err, log.String())
		}
	})
	t.Cleanup(stop)
	conn, err := grpc.NewClient("unix://"+filepath.Join(dir, "assay.sock"), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	client = contract.NewConfigManagementPluginServiceClient(conn)
	if _, err := client.CheckPluginConfiguration(t.Context(), nil, grpc.WaitForReady(true)); err != nil {
		t.Fatal(err)
	}
	return client, stop
}

// generated has the environment prod of a repository rendered.
func generated(ctx context.Context, t *testing.T, client contract.ConfigManagementPluginServiceClient, files map[string]string) (*contract.ManifestResponse, error) {
	t.Helper()
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	archive := tar.NewWriter(zip)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := archive.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(files[name]))}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(archive, files[name]); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(archive.Close(), zip.Close()); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(packed.Bytes())
	stream, err := client.GenerateManifest(ctx)
	if err != nil {
		return nil, err
	}
	for _, m := range []*contract.AppStreamRequest{
		{Request: &contract.AppStreamRequest_Metadata{Metadata: &contract.ManifestRequestMetadata{
			AppName: "prod", AppRelPath: "prod", Checksum: hex.EncodeToString(sum[:]), Size: int64(packed.Len()),
			Env: []*contract.EnvEntry{{Name: "ARGOCD_APP_NAME", Value: "shop"}, {Name: "ARGOCD_APP_NAMESPACE", Value: "web"}},
		}}},
		{Request: &contract.AppStreamRequest_File{File: &contract.File{Chunk: packed.Bytes()}}},
	} {
		if err := stream.Send(m); err != nil && !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
	}
	return stream.CloseAndRecv()
}
