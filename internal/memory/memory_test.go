package memory

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

func TestWatch(t *testing.T) {
	w := New(1) // the runtime has more from the start
	ctx := w.With(t.Context())
	leave := Enter(ctx, "shop")
	leave()
	defer Enter(ctx, "prod")()
	defer Enter(ctx, "staging")()
	var work []string
	w.Watch(ctx, func(list []string) { work = list })
	if !slices.Equal(work, []string{"prod", "staging"}) {
		t.Errorf("it works on %v", work)
	}
	ended, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	New(1<<60).Watch(ended, func([]string) { t.Error("there is no machine of this size") })
	Enter(t.Context(), "nobody watches")()
}

func TestLimit(t *testing.T) {
	if got := Limit(100<<20, 0); got > 100<<20 || got <= 0 {
		t.Errorf("no more than the most: %d", got)
	}
	if got := Limit(100<<20, 40<<20); got != 30<<20 {
		t.Errorf("GOMEMLIMIT: %d", got)
	}
	root := t.TempDir()
	for name, text := range map[string]string{
		"proc/self/cgroup": "0::/pod/one\n5:memory:/docker/two\n", "sys/fs/cgroup/memory.max": "max\n", "sys/fs/cgroup/pod/one/memory.max": "1073741824\n",
		"sys/fs/cgroup/memory/docker/two/memory.limit_in_bytes": "536870912\n", "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
	} {
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got := controlGroup(root); got != 512<<20 {
		t.Errorf("control group: %d", got)
	}
	if got := controlGroup(t.TempDir()); got != 0 {
		t.Errorf("no control group: %d", got)
	}
}
