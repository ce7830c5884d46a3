package cmp

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"path"
	"strings"
	"sync/atomic"
	"time"

	"github.com/assaydev/assay/internal/span"
	"github.com/assaydev/assay/internal/tgz"
	"github.com/assaydev/assay/internal/visible"
	"github.com/assaydev/assay/plugin/cmp/contract"
)

// receiver is the stream of one call.
type receiver interface {
	Recv() (*contract.AppStreamRequest, error)
}

// badCall is what the caller did wrong.
type badCall struct{ message string }

func (e *badCall) Error() string { return e.message }

func badCallf(format string, args ...any) error { return &badCall{fmt.Sprintf(format, args...)} }

// call is what the first message says.
type call struct {
	env      map[string]string // all variables, those without a name left out
	checksum string
	size     int64
	prefix   string // of the archive's top in the repository
	dir      string // of the environment in the repository
}

// lookup returns a variable of the call.
func (c *call) lookup(name string) (string, bool) {
	value, ok := c.env[name]
	return value, ok
}

// app is whose environment it is, for turns and for people.
func (c *call) app() string {
	if name := c.env["ARGOCD_APP_NAME"]; name != "" {
		return name
	}
	return c.dir
}

// begin reads the first message. A call that makes no sense is returned with the error: its
// archive is still to come.
func begin(stream receiver) (*call, error) {
	first, err := stream.Recv()
	if err != nil {
		return nil, fmt.Errorf("receive metadata: %w", err)
	}
	m := first.GetMetadata()
	if m == nil {
		return nil, badCallf("the stream does not begin with metadata: only Argo CD's repo-server is served")
	}
	c := &call{env: map[string]string{}, checksum: m.GetChecksum(), size: m.GetSize()}
	for _, e := range m.GetEnv() {
		// Parameters come a second time under such names, which may collide: the plugin
		// reads them as JSON.
		if e.GetName() != "" && !strings.HasPrefix(e.GetName(), "PARAM_") {
			c.env[e.GetName()] = e.GetValue()
		}
	}
	if sum, err := hex.DecodeString(c.checksum); err != nil || len(sum) != sha256.Size {
		return c, badCallf("the metadata has no SHA-256 of the archive")
	}
	return c, c.locate(m.GetAppRelPath())
}

// locate says where the environment lies in the repository. The archive may hold a part of
// it: with manifest-generate-paths the repo-server sends what an Application depends on, and
// names the environment from there. The source's path is then the longer one.
func (c *call) locate(rel string) error {
	rel = path.Clean(strings.ReplaceAll(rel, "\\", "/"))
	if !local(rel) {
		return badCallf("the metadata names a directory outside of the archive: %s", visible.Name(rel))
	}
	c.prefix, c.dir = ".", rel
	source := path.Clean(c.env["ARGOCD_APP_SOURCE_PATH"])
	if c.env["ARGOCD_APP_SOURCE_PATH"] == "" || !local(source) || source == rel {
		return nil
	}
	switch before, found := strings.CutSuffix(source, "/"+rel); {
	case found:
		c.prefix, c.dir = before, source
	case rel == ".":
		c.prefix, c.dir = source, source
	}
	return nil
}

func local(name string) bool {
	return name != "" && name != ".." && !strings.HasPrefix(name, "../") && !strings.HasPrefix(name, "/") && !strings.ContainsRune(name, 0)
}

// archive is the rest of the stream, as one reader. It counts and hashes what comes.
type archive struct {
	stream receiver
	size   int64
	alive  *atomic.Int64 // when something came last, in Unix nanoseconds

	sum   hash.Hash
	count atomic.Int64 // bytes so far
	wait  atomic.Int64 // nanoseconds in which nothing came
	rest  []byte
	err   error
}

func newArchive(stream receiver, size int64, alive *atomic.Int64) *archive {
	return &archive{stream: stream, size: size, alive: alive, sum: sha256.New()}
}

// Read returns io.EOF once the caller has sent all of it.
func (a *archive) Read(p []byte) (int, error) {
	for len(a.rest) == 0 {
		if a.err != nil {
			return 0, a.err
		}
		a.rest, a.err = a.next()
	}
	n := copy(p, a.rest)
	a.rest = a.rest[n:]
	return n, nil
}

func (a *archive) next() ([]byte, error) {
	asked := time.Now()
	m, err := a.stream.Recv()
	came := time.Now()
	a.wait.Add(int64(came.Sub(asked)))
	if errors.Is(err, io.EOF) {
		a.alive.Store(received)
		return nil, io.EOF
	}
	if err != nil {
		return nil, fmt.Errorf("receive archive: %w", err)
	}
	a.alive.Store(came.UnixNano())
	file := m.GetFile()
	if file == nil {
		return nil, badCallf("the stream holds something else than the archive after its metadata")
	}
	chunk := file.GetChunk()
	if a.count.Add(int64(len(chunk))) > a.size {
		return nil, badCallf("the archive is larger than the %d bytes that the metadata names", a.size)
	}
	_, _ = a.sum.Write(chunk)
	return chunk, nil
}

// pause says that the caller is not to blame for what does not come, until goOn is called.
func (a *archive) pause() (goOn func()) {
	last := a.alive.Swap(received)
	return func() {
		if last != received {
			a.alive.Store(time.Now().UnixNano())
		}
	}
}

// drain reads what is left: a caller that still sends does not get the answer.
func (a *archive) drain() error {
	for a.err == nil {
		_, a.err = a.next()
	}
	a.rest = nil
	if errors.Is(a.err, io.EOF) {
		return nil
	}
	return a.err
}

// verify holds what came against the checksum.
func (a *archive) verify(checksum string) error {
	if got := hex.EncodeToString(a.sum.Sum(nil)); !strings.EqualFold(got, checksum) {
		return badCallf("the archive is not what its checksum says: it was cut or changed on the way")
	}
	return nil
}

// finish reads an archive that nobody looks at.
func (a *archive) finish(ctx context.Context, c *call) (err error) {
	_, end := span.Start(ctx, "receive")
	defer func() { end(err) }()
	if err := a.drain(); err != nil {
		return err
	}
	return a.verify(c.checksum)
}

// unpack reads the archive to its end, whatever is wrong with it.
func (a *archive) unpack(ctx context.Context, checksum string, l tgz.Limits) (tree *tgz.Tree, err error) {
	ctx, end := span.Start(ctx, "receive")
	defer func() { end(err) }()
	_, extracted := span.Start(ctx, "extract")
	tree, err = tgz.Read(a, l)
	extracted(err)
	if drained := a.drain(); drained != nil {
		return nil, drained
	}
	if wrong := a.verify(checksum); wrong != nil {
		return nil, wrong
	}
	return tree, err
}
