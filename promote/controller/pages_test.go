package controller

import (
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/assaydev/assay/internal/application"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/promote"
	"github.com/assaydev/assay/render"
)

// longList is a list of Applications that is made while it is read, and the most memory that was in use
// meanwhile.
type longList struct {
	left, status int
	begun        bool
	text         string
	peak         uint64
}

func (l *longList) Read(p []byte) (int, error) {
	if l.text == "" {
		switch {
		case !l.begun:
			l.begun, l.text = true, `{"apiVersion":"argoproj.io/v1alpha1","items":[`
			l.left++ // none was made
		case l.left < 0:
			return 0, io.EOF
		case l.left == 0:
			l.text = `],"kind":"ApplicationList","metadata":{"resourceVersion":"9"}}`
		default:
			resource := `{"group":"apps","version":"v1","kind":"Deployment","namespace":"web","name":"workload","status":"Synced","health":{"status":"Healthy"}}`
			l.text = fmt.Sprintf(`{"metadata":{"name":"app%d","namespace":"argocd","uid":"u%d"},"spec":{"project":"default","source":{"repoURL":"https://git.example.com/r","path":"dir%d","plugin":{"name":"assay"}},"destination":{"server":"https://kubernetes.default.svc","namespace":"web"}},"status":{"resources":[%s]}}`,
				l.left, l.left, l.left, strings.TrimSuffix(strings.Repeat(resource+",", l.status/len(resource)), ","))
			if l.left > 1 {
				l.text += ","
			}
			if l.left%20 == 0 {
				l.peak = max(l.peak, inUse())
			}
		}
		l.left--
	}
	n := copy(p, l.text)
	l.text = l.text[n:]
	return n, nil
}

func inUse() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestMemoryOfPages: the memory for 2,000 Applications follows what is kept of each, not what is sent.
func TestMemoryOfPages(t *testing.T) {
	p := &promoter{opt: Options{View: func(p application.Place) (promote.View, error) {
		return promote.View{Request: render.Request{Environment: spec.Environment{Dir: p.Path}}}, nil
	}}}
	a := &applications{deploys: p.deploys}
	for _, status := range []int{6 << 10, 30 << 10} {
		runtime.GC()
		before := inUse()
		l := &longList{left: 2000, status: status}
		var all outlines
		if _, err := a.decodePage(l, &all); err != nil || len(all.Items) != 2000 {
			t.Fatalf("%d Applications, %v", len(all.Items), err)
		}
		runtime.GC()
		kept := int(inUse()-before) / len(all.Items)
		t.Logf("%d KiB of status: at the peak %d KiB, %d bytes kept of each", status>>10, (l.peak-before)>>10, kept)
		if kept > 3<<10 || l.peak-before > 32<<20 {
			t.Errorf("%d KiB of status: at the peak %d KiB, %d bytes kept of each", status>>10, (l.peak-before)>>10, kept)
		}
		runtime.KeepAlive(all)
	}
}
