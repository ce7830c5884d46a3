package tgz_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"path"
	"strings"
	"testing"
	"testing/fstest"
	"testing/iotest"

	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/tgz"
)

// item is one entry of an archive.
type item struct {
	tar.Header
	data string
}

func file(name, data string) item {
	return item{tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(data))}, data}
}

func other(name string, kind byte, to string) item {
	return item{tar.Header{Name: name, Typeflag: kind, Mode: 0o755, Linkname: to}, ""}
}

func pack(t testing.TB, items ...item) []byte {
	t.Helper()
	var out bytes.Buffer
	packed := gzip.NewWriter(&out)
	archive := tar.NewWriter(packed)
	for _, i := range items {
		if err := archive.WriteHeader(&i.Header); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(archive, i.data); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(archive.Close(), packed.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestRead(t *testing.T) {
	data := pack(t,
		other(".", tar.TypeDir, ""), other("envs/", tar.TypeDir, ""), file("envs/prod/web.yaml", "kind: A\n"), other("envs/link.yaml", tar.TypeSymlink, "prod/web.yaml"),
		file("top.txt", "top"), file(".git/config", "[core]"), file("envs/sub/.git", "gitdir: x"), file("empty", ""),
	)
	tree, err := tgz.Read(iotest.OneByteReader(bytes.NewReader(data)), tgz.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for _, prefix := range []string{".", "a/b"} {
		at := func(name string) string {
			if prefix == "." {
				return name
			}
			return prefix + "/" + name
		}
		view := tree.At(prefix)
		if err := fstest.TestFS(plain{view}, at("envs/prod/web.yaml"), at("top.txt"), at("empty")); err != nil {
			t.Errorf("below %s: %v", prefix, err)
		}
		through := envfs.New(view, envfs.Limits{})
		if got, err := through.ReadFile(at("envs/link.yaml")); err != nil || string(got) != "kind: A\n" {
			t.Errorf("through a link: %q, %v", got, err)
		}
		if _, err := through.ReadFile(at(".git/config")); err == nil {
			t.Error("Git's own directory is read")
		}
		if got, err := through.IsRepository(at("envs/sub")); err != nil || !got {
			t.Errorf("a directory with a .git: %v, %v", got, err)
		}
	}
	if tree.Bytes() <= 0 || tree.Files() < 8 {
		t.Errorf("%d bytes, %d files", tree.Bytes(), tree.Files())
	}
}

// plain hides links, which fstest.TestFS would open.
type plain struct{ *tgz.View }

func (p plain) Open(name string) (fs.File, error) {
	f, err := p.View.Open(name)
	if d, ok := f.(fs.ReadDirFile); ok && err == nil {
		return noLinks{d}, nil
	}
	return f, err
}

type noLinks struct{ fs.ReadDirFile }

func (d noLinks) ReadDir(n int) ([]fs.DirEntry, error) {
	list, err := d.ReadDirFile.ReadDir(n)
	var kept []fs.DirEntry
	for _, e := range list {
		if e.Type()&fs.ModeSymlink == 0 {
			kept = append(kept, e)
		}
	}
	return kept, err
}

func TestRefused(t *testing.T) {
	good := pack(t, file("a.yaml", strings.Repeat("kind: A\n", 1000)))
	broken := bytes.Clone(good)
	broken[len(broken)-6] ^= 1 // of the checksum
	var zeros bytes.Buffer
	packed := gzip.NewWriter(&zeros)
	if _, err := io.CopyN(packed, zero{}, 64<<20); err != nil {
		t.Fatal(err)
	}
	if err := packed.Close(); err != nil {
		t.Fatal(err)
	}
	many := make([]item, 0, 50)
	for i := range 50 {
		many = append(many, file("f"+strings.Repeat("x", i), "x"))
	}
	for name, test := range map[string]struct {
		data   []byte
		limits tgz.Limits
		want   string
	}{
		"an absolute path":              {pack(t, file("/etc/passwd", "x")), tgz.Limits{}, "/etc/passwd is an absolute path"},
		"a path that leaves":            {pack(t, file("a/../../b", "x")), tgz.Limits{}, "a/../../b leaves the archive"},
		"a path that turns":             {pack(t, file("a/./b", "x")), tgz.Limits{}, "is not a plain path"},
		"an empty element":              {pack(t, file("a//b", "x")), tgz.Limits{}, "is not a plain path"},
		"a name with a line end":        {pack(t, file("../a\nb", "x")), tgz.Limits{}, `../a\nb leaves the archive`},
		"a long name":                   {pack(t, file(strings.Repeat("a", 256), "x")), tgz.Limits{}, "has more than 255 bytes"},
		"a long path":                   {pack(t, file(strings.Repeat("a/", 2500)+"b", "x")), tgz.Limits{}, "has more than 4096 bytes"},
		"a link that leaves":            {pack(t, other("a/link", tar.TypeSymlink, "../../b")), tgz.Limits{}, "the symbolic link a/link leaves the repository"},
		"an absolute link":              {pack(t, other("link", tar.TypeSymlink, "/etc/passwd")), tgz.Limits{}, "the symbolic link link leaves the repository"},
		"a link to nothing":             {pack(t, other("link", tar.TypeSymlink, "")), tgz.Limits{}, "leads nowhere"},
		"a hard link":                   {pack(t, file("a", "x"), other("b", tar.TypeLink, "a")), tgz.Limits{}, "b is neither a file, a directory nor a symbolic link"},
		"a device":                      {pack(t, other("null", tar.TypeChar, "")), tgz.Limits{}, "null is neither a file"},
		"a pipe":                        {pack(t, other("pipe", tar.TypeFifo, "")), tgz.Limits{}, "pipe is neither a file"},
		"a file twice":                  {pack(t, file("a", "x"), file("a", "y")), tgz.Limits{}, "a is in it twice"},
		"a directory over a file":       {pack(t, file("a", "x"), other("a", tar.TypeDir, "")), tgz.Limits{}, "a is in it twice"},
		"below a file":                  {pack(t, file("a", "x"), file("a/b", "y")), tgz.Limits{}, "below a, which is not a directory"},
		"below a link":                  {pack(t, other("a", tar.TypeSymlink, "b"), file("a/c", "y")), tgz.Limits{}, "below a, which is not a directory"},
		"a top that is a file":          {pack(t, file(".", "x")), tgz.Limits{}, "its top is not a directory"},
		"nothing":                       {nil, tgz.Limits{}, "it ends in the middle"},
		"no gzip":                       {[]byte(strings.Repeat("kind: A\n", 100)), tgz.Limits{}, "it is not gzip"},
		"a broken checksum":             {broken, tgz.Limits{}, "its checksum is wrong"},
		"one that is cut":               {good[:len(good)-12], tgz.Limits{}, "it ends in the middle"},
		"one that unpacks to much":      {zeros.Bytes(), tgz.Limits{}, "more than 200 times its size"},
		"one that is large":             {pack(t, file("a", strings.Repeat("x", 3<<20))), tgz.Limits{Bytes: 2 << 20}, "it holds more than 2 MiB"},
		"files that are large together": {pack(t, file("a", strings.Repeat("x", 1<<20)), file("b", strings.Repeat("x", 1<<20))), tgz.Limits{Bytes: 3 << 19}, "it holds more than 1 MiB"},
		"many files":                    {pack(t, many...), tgz.Limits{Files: 40}, "it holds more than 40 files"},
	} {
		tree, err := tgz.Read(bytes.NewReader(test.data), test.limits)
		var refused *tgz.Error
		if tree != nil || !errors.As(err, &refused) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
}

type zero struct{}

func (zero) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// TestStreamFails: what a stream fails with is not the archive's fault.
func TestStreamFails(t *testing.T) {
	lost := errors.New("the caller is away")
	data := pack(t, file("a", strings.Repeat("x", 1<<20)))
	_, err := tgz.Read(io.MultiReader(bytes.NewReader(data[:len(data)/2]), iotest.ErrReader(lost)), tgz.Limits{})
	if !errors.Is(err, lost) {
		t.Errorf("got %v", err)
	}
}

// TestLargeFile: a file that may not be read is there, and takes no memory.
func TestLargeFile(t *testing.T) {
	tree, err := tgz.Read(bytes.NewReader(pack(t, file("large", strings.Repeat("x", 1<<20)), file("b", "x"))), tgz.Limits{FileBytes: 1 << 10})
	if err != nil {
		t.Fatal(err)
	}
	if tree.Bytes() > 1<<16 {
		t.Errorf("it takes %d bytes", tree.Bytes())
	}
	through := envfs.New(tree.At("."), envfs.Limits{FileBytes: 1 << 10})
	var limit *envfs.LimitError
	if _, err := through.ReadFile("large"); !errors.As(err, &limit) {
		t.Errorf("got %v", err)
	}
	if got, err := through.ReadFile("b"); err != nil || string(got) != "x" {
		t.Errorf("got %q, %v", got, err)
	}
}

// TestState: a path's state is another exactly when what it holds is.
func TestState(t *testing.T) {
	base := []item{file("a/x.yaml", "one"), file("a/y.yaml", "two"), other("a/link", tar.TypeSymlink, "x.yaml"), file("b/z.yaml", "three")}
	with := func(change func([]item) []item) *tgz.View {
		tree, err := tgz.Read(bytes.NewReader(pack(t, change(append([]item{}, base...))...)), tgz.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		return tree.At(".")
	}
	before := with(func(l []item) []item { return l })
	paths := []string{".", "a", "a/x.yaml", "a/y.yaml", "a/link", "a/missing", "b", "b/z.yaml"}
	for name, test := range map[string]struct {
		change func([]item) []item
		want   []string // paths whose state is another
	}{
		"nothing":  {func(l []item) []item { return l }, nil},
		"order":    {func(l []item) []item { l[0], l[3] = l[3], l[0]; return l }, nil},
		"content":  {func(l []item) []item { l[0] = file("a/x.yaml", "ten"); return l }, []string{"a/x.yaml"}},
		"a link":   {func(l []item) []item { l[2] = other("a/link", tar.TypeSymlink, "y.yaml"); return l }, []string{"a/link"}},
		"a file":   {func(l []item) []item { return append(l, file("a/missing", "")) }, []string{"a", "a/missing"}},
		"its kind": {func(l []item) []item { l[2] = file("a/link", "x.yaml"); return l }, []string{"a", "a/link"}},
		"gone":     {func(l []item) []item { return l[:3] }, []string{".", "b", "b/z.yaml"}},
	} {
		after := with(test.change)
		for _, p := range paths {
			changed := before.State(p) != after.State(p)
			want := false
			for _, w := range test.want {
				want = want || w == p
			}
			if changed != want {
				t.Errorf("%s: the state of %s differs: %v, want %v", name, p, changed, want)
			}
		}
	}
}

// TestEachFile: a link on the way to a directory, or in it, may lead to files that are not
// below it.
func TestEachFile(t *testing.T) {
	tree, err := tgz.Read(bytes.NewReader(pack(t,
		file("a/x.yaml", "one"), file("a/b/y.yaml", "two"), file("c/z.yaml", "three"), other("c/link.yaml", tar.TypeSymlink, "../a/x.yaml"), other("d", tar.TypeSymlink, "a"),
	)), tgz.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for _, prefix := range []string{"", "p/q/"} {
		view := tree.At(path.Clean(prefix))
		for dir, want := range map[string]string{"a": "two one", "a/b": "two", "a/x.yaml": "one", "missing": ""} {
			var got []string
			all := view.EachFile(prefix+dir, func(data []byte) bool { got = append(got, string(data)); return true })
			if !all || strings.Join(got, " ") != want {
				t.Errorf("%s%s: %v, %q", prefix, dir, all, got)
			}
		}
		for _, dir := range []string{"c", "d", "d/b", "."} {
			if view.EachFile(path.Join(prefix, dir), func([]byte) bool { return true }) {
				t.Errorf("%s%s: no link is seen", prefix, dir)
			}
		}
		if view.EachFile(prefix+"a", func([]byte) bool { return false }) {
			t.Error("it goes on")
		}
	}
}

// TestRoom: before more is kept than there is room for, leave is asked once; what is answered
// is the error.
func TestRoom(t *testing.T) {
	data := pack(t, file("a", strings.Repeat("x", 1000)), file("b", strings.Repeat("y", 1000)), file("c", strings.Repeat("z", 1000)))
	gone := errors.New("gone")
	for _, test := range []struct {
		room  int64
		err   error
		asked int
	}{{100_000, nil, 0}, {2500, nil, 1}, {2500, gone, 1}, {100, gone, 1}} {
		asked := 0
		tree, err := tgz.Read(bytes.NewReader(data), tgz.Limits{Room: test.room, More: func() error { asked++; return test.err }})
		if !errors.Is(err, test.err) || asked != test.asked || (tree == nil) != (test.err != nil) {
			t.Errorf("%+v: %v, asked %d times", test, err, asked)
		}
	}
}

// FuzzRead: whatever comes is read or refused, and what was read is confined.
func FuzzRead(f *testing.F) {
	f.Add(pack(f, file("a/b.yaml", "x"), other("l", tar.TypeSymlink, "a")))
	f.Add(pack(f, file("../x", "x")))
	f.Add([]byte{0x1f, 0x8b})
	f.Fuzz(func(_ *testing.T, data []byte) {
		tree, err := tgz.Read(bytes.NewReader(data), tgz.Limits{Bytes: 1 << 20, Files: 100})
		if err != nil {
			return
		}
		through := envfs.New(tree.At("."), envfs.Limits{})
		_ = fs.WalkDir(through, ".", func(name string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				_, _ = through.ReadFile(name)
			}
			return nil
		})
	})
}
