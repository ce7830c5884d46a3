package cmp

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/assaydev/assay/internal/gate"
	"github.com/assaydev/assay/internal/tgz"
	"github.com/assaydev/assay/plugin/cmp/contract"
	"github.com/assaydev/assay/plugin/cmp/job"
)

// sent is an archive on its way.
type sent struct {
	data  []byte
	begun func() // is called before the first piece
	fault error  // in place of the end
}

func (s *sent) Recv() (*contract.AppStreamRequest, error) {
	if s.begun != nil {
		s.begun()
		s.begun = nil
	}
	if len(s.data) == 0 {
		if s.fault != nil {
			return nil, s.fault
		}
		return nil, io.EOF
	}
	n := min(1024, len(s.data))
	chunk := s.data[:n]
	s.data = s.data[n:]
	return &contract.AppStreamRequest{Request: &contract.AppStreamRequest_File{File: &contract.File{Chunk: chunk}}}, nil
}

// oneFile is the archive of a file of so many bytes, which cannot be packed well or can.
func oneFile(t testing.TB, size int, dense bool) []byte { return packed(t, "a", size, dense) }

func packed(t testing.TB, name string, size int, dense bool) []byte {
	t.Helper()
	var out bytes.Buffer
	zipped := gzip.NewWriter(&out)
	archive := tar.NewWriter(zipped)
	data := bytes.Repeat([]byte("x"), size)
	if dense {
		random := rand.NewChaCha8([32]byte{})
		_, _ = random.Read(data)
	}
	if err := archive.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Size: int64(size)}); err != nil {
		t.Fatal(err)
	}
	if _, err := archive.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(archive.Close(), zipped.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// take is a call that brings an archive.
func (t *trees) take(ctx context.Context, data []byte, s *sent) (*lease, *record, error) {
	sum := sha256.Sum256(data)
	c := &call{env: map[string]string{"ARGOCD_APP_NAME": "shop"}, checksum: hex.EncodeToString(sum[:]), size: int64(len(data)), prefix: ".", dir: "."}
	r := newRecord(ctx, "generate")
	held, err := t.get(ctx, c, newArchive(s, c.size, new(atomic.Int64)), r)
	return held, r, err
}

// TestUnpackedOnce: calls that bring one archive at the same time have it unpacked once, and
// hold its memory until the last of them has ended.
func TestUnpackedOnce(t *testing.T) {
	renders := gate.New(1, 1<<30)
	trees := newTrees(tgz.Limits{}, 64<<20, 0, renders)
	data := oneFile(t, 1<<20, true)
	var unpacked atomic.Int64
	var all sync.WaitGroup
	leases := make(chan *lease, 30)
	for range 30 {
		all.Go(func() {
			held, r, err := trees.take(t.Context(), data, &sent{data: data})
			if err != nil {
				t.Error(err)
				return
			}
			if r.e.cache != byTree {
				unpacked.Add(1)
			}
			leases <- held
		})
	}
	all.Wait()
	close(leases)
	if n := unpacked.Load(); n != 1 {
		t.Errorf("unpacked %d times", n)
	}
	// All that there is room for, less what is held, and not a byte more.
	weight := int64(0)
	for held := range leases {
		weight = held.tree.Bytes()
		if trees.fits(t, 64<<20-weight+1) {
			t.Fatal("the tree's memory is given to others while it is used")
		}
		if !trees.fits(t, 64<<20-weight) {
			t.Fatal("more is held than the tree takes")
		}
		held.release()
		held.release() // once more does nothing
	}
	if !trees.fits(t, 64<<20) || len(trees.held) != 0 {
		t.Error("something is held although nobody uses it")
	}
}

// fits reports whether there is room for so much more.
func (t *trees) fits(tb testing.TB, weight int64) bool {
	ctx, cancel := context.WithTimeout(tb.Context(), 10*time.Millisecond)
	defer cancel()
	leave, err := t.room.Enter(ctx, "test", weight)
	if err == nil {
		leave()
	}
	return err == nil
}

// TestBrokenStream: one call whose stream ends too early does not take the others with it.
func TestBrokenStream(t *testing.T) {
	trees := newTrees(tgz.Limits{}, 64<<20, 0, gate.New(1, 1<<30))
	data := oneFile(t, 1<<20, true)
	gone := errors.New("gone")
	begun, others := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		stream := &sent{data: data[:len(data)/2], fault: gone, begun: func() { close(begun); <-others }}
		if _, _, err := trees.take(t.Context(), data, stream); !errors.Is(err, gone) {
			t.Errorf("its own: %v", err)
		}
	})
	<-begun
	for range 5 {
		all.Go(func() {
			held, _, err := trees.take(t.Context(), data, &sent{data: data})
			if err != nil {
				t.Error(err)
				return
			}
			held.release()
		})
	}
	ctx, leave := context.WithTimeoutCause(t.Context(), 10*time.Millisecond, errDeadline)
	defer leave()
	if _, _, err := trees.take(ctx, data, &sent{data: data}); !errors.Is(err, errDeadline) {
		t.Errorf("one that cannot wait: %v", err)
	}
	close(others)
	all.Wait()
	if !trees.fits(t, 64<<20) || len(trees.held) != 0 {
		t.Error("something is held although nobody uses it")
	}
}

// TestLargeArchives: archives that unpack to much more than others are unpacked one at a time,
// and renders wait for the memory that they take.
func TestLargeArchives(t *testing.T) {
	renders := gate.New(4, 64<<20)
	trees := newTrees(tgz.Limits{Ratio: 1 << 20, FileBytes: 64 << 20}, 8<<20, 0, renders)
	begun := make(chan struct{}, 2)
	goOn := make(chan struct{})
	leases := make(chan *lease)
	for _, size := range []int{40 << 20, 41 << 20} {
		data := oneFile(t, size, false)
		go func() {
			held, _, err := trees.take(t.Context(), data, &sent{data: data, begun: func() { begun <- struct{}{}; <-goOn }})
			if err != nil {
				t.Error(err)
			}
			leases <- held
		}()
	}
	<-begun
	<-begun
	close(goOn)
	held := <-leases
	alone, err := renders.Enter(t.Context(), "test", 64<<20)
	if err != nil {
		t.Fatal("one render goes on, however much archives take")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := renders.Enter(ctx, "test", 1<<20); err == nil {
		t.Error("renders have the memory that the archive takes")
	}
	alone()
	for running, waiting := trees.large.Load(); running != 1 || waiting != 1; running, waiting = trees.large.Load() {
		select {
		case <-leases:
			t.Fatal("the second one does not wait")
		default:
		}
	}
	held.release()
	(<-leases).release()
	var leaves []func()
	for range 4 {
		leave, err := renders.Enter(t.Context(), "test", 16<<20)
		if err != nil {
			t.Fatal(err)
		}
		leaves = append(leaves, leave)
	}
	for _, leave := range leaves {
		leave()
	}
}

// TestEvictedInUse: a tree that is kept weighs for itself once it is kept no more, while calls
// use it.
func TestEvictedInUse(t *testing.T) {
	const share = 8 << 20
	trees := newTrees(tgz.Limits{}, share, 3<<20, gate.New(1, 1<<30))
	var held *lease
	for i := range 2 { // unpacked, and found
		var err error
		data := oneFile(t, 2<<20, true)
		if held, _, err = trees.take(t.Context(), data, &sent{data: data}); err != nil {
			t.Fatal(err)
		}
		if !trees.fits(t, share) {
			t.Error("what is kept anyway is counted twice")
		}
		if i == 0 {
			held.release()
		}
	}
	other := packed(t, "b", 2<<20, true)
	next, _, err := trees.take(t.Context(), other, &sent{data: other})
	if err != nil {
		t.Fatal(err)
	}
	if trees.fits(t, share-held.tree.Bytes()+1) || !trees.fits(t, share-held.tree.Bytes()) {
		t.Error("what is not kept any more does not weigh what it takes")
	}
	held.release()
	next.release()
	if !trees.fits(t, share) {
		t.Error("something is held although nobody uses it")
	}
}

// TestGitTakesNoRoom: an archive that is large by Git's own directory, of which nothing is
// kept, does not wait until nobody holds anything.
func TestGitTakesNoRoom(t *testing.T) {
	trees := newTrees(tgz.Limits{}, 8<<20, 0, gate.New(1, 1<<30))
	other := trees.room.Hold(6 << 20)
	defer other.Leave()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	data := packed(t, ".git/objects/pack/a", 4<<20, true)
	held, _, err := trees.take(ctx, data, &sent{data: data})
	if err != nil {
		t.Fatal(err)
	}
	held.release()
}

// TestJoined: who joins a render that another call began gets neither that call's deadline nor
// what a panic says.
func TestJoined(t *testing.T) {
	for name, test := range map[string]struct {
		fault func() error
		want  string
	}{
		"a deadline that passed":  {func() error { return errDeadline }, ""},
		"a deadline too near":     {func() error { return &gate.LateError{} }, ""},
		"what the environment is": {func() error { return errors.New("no such file") }, "no such file"},
		"a panic":                 {func() error { panic("what a file holds") }, "internal error"},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newServer(Options{CacheBytes: 1 << 20}.withDefaults())
			data := oneFile(t, 10, true)
			held, _, err := s.trees.take(t.Context(), data, &sent{data: data})
			if err != nil {
				t.Fatal(err)
			}
			defer held.release()
			j, c := job.Job{Dir: "."}, &call{prefix: ".", dir: ".", checksum: "00"}
			end, joins := make(chan struct{}), make(chan error)
			go func() {
				_, _, _ = s.maker.results.Do(t.Context(), archiveKey(j, c), func(context.Context) (*made, int64, error) {
					<-end
					return nil, 0, test.fault()
				})
			}()
			synctest.Wait()
			go func() {
				_, how, err := s.maker.make(t.Context(), j, held, c)
				if err == nil && how != inProcess {
					t.Errorf("%s: it is made by %s: nothing is tested", name, how)
				}
				joins <- err
			}()
			synctest.Wait()
			close(end)
			if err := <-joins; err == nil != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("%s: %v, want %q", name, err, test.want)
			}
		})
	}
}

// TestPanic: a fault of ours is told from an environment's, and its cause is for the log alone.
func TestPanic(t *testing.T) {
	_, err := within(t.Context(), time.Minute, func(context.Context, *atomic.Int64) (*int, error) { panic("what a file holds") })
	var broken *panicError
	if !errors.As(err, &broken) || codeOf(err) != codes.Internal || strings.Contains(statusOf(err).Error(), "holds") || !strings.Contains(broken.stack, "trees_test.go") {
		t.Errorf("got %v", err)
	}
}
