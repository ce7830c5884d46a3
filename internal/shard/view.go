package shard

import (
	"strconv"
	"strings"
	"time"

	coordination "k8s.io/api/coordination/v1"
)

// wantedAnnotation is on a Lease that another replica asks for: WHO/WHEN.
const wantedAnnotation = "assay.dev/wanted-by"

// hastenAnnotation changes on a Lease when its shard is to be looked at again.
const hastenAnnotation = "assay.dev/hasten"

// lease is what the watch tells of one.
type lease struct {
	holder  string
	wanted  string    // the whole annotation
	hasten  string    // the whole annotation
	renewed string    // changes with each renewal
	seen    time.Time // when holder or renewed changed last, by our clock
	asked   time.Time // when wanted changed last, by our clock
}

// update takes what the watch told. Times of others' clocks are not compared with ours.
func (l lease) update(o *coordination.Lease, now time.Time) lease {
	next := lease{wanted: o.Annotations[wantedAnnotation], hasten: o.Annotations[hastenAnnotation], seen: l.seen, asked: l.asked}
	if o.Spec.HolderIdentity != nil {
		next.holder = *o.Spec.HolderIdentity
	}
	if o.Spec.RenewTime != nil {
		next.renewed = o.Spec.RenewTime.UTC().Format(time.RFC3339Nano)
	}
	if next.holder != l.holder || next.renewed != l.renewed || l.seen.IsZero() {
		next.seen = now
	}
	if next.wanted != l.wanted || l.asked.IsZero() {
		next.asked = now
	}
	return next
}

// free reports whether nobody holds it.
func (l lease) free() bool { return l.holder == "" }

// silent reports whether its holder may be gone.
func (l lease) silent(now time.Time) bool { return !l.free() && now.Sub(l.seen) > silentFor }

// wantedBy is who asks for it, and not in vain: it is not theirs yet, and they asked lately.
func (l lease) wantedBy(now time.Time) string {
	who, _, _ := cutLast(l.wanted)
	if who == l.holder || now.Sub(l.asked) > duration {
		return ""
	}
	return who
}

// wish is the annotation by which a replica asks.
func wish(who string, now time.Time) string {
	return who + "/" + strconv.FormatInt(now.UnixNano(), 36)
}

func cutLast(text string) (before, after string, found bool) {
	if i := strings.LastIndexByte(text, '/'); i >= 0 {
		return text[:i], text[i+1:], true
	}
	return text, "", false
}
