package forgefake

import (
	"net/http"
	"slices"
	"strconv"
	"time"
)

// Pulls are the pull requests as they are now, oldest first.
func (f *Forge) Pulls() []Pull {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []Pull
	for _, p := range f.pulls {
		c := *p
		c.Labels, c.Comments = slices.Clone(p.Labels), slices.Clone(p.Comments)
		all = append(all, c)
	}
	return all
}

// Requests are the method and path of every request so far.
func (f *Forge) Requests() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.requests)
}

// ClosePull closes a pull request as a person does.
func (f *Forge) ClosePull(number int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.pulls[number-1]
	f.head(p)
	p.State = "closed"
}

// Add puts a pull request there that somebody else made, in any state.
func (f *Forge) Add(p Pull) {
	f.mu.Lock()
	defer f.mu.Unlock()
	state := p.State
	added := f.add(p)
	f.head(added)
	if state != "" {
		added.State = state
	}
}

// Block makes merging refuse for a reason, in the forge's words: for GitHub
// the message, such as that a review is required; for GitLab the merge status,
// such as ci_still_running. An empty reason lifts it.
func (f *Forge) Block(reason string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.blocked = reason
}

// Methods are the methods of merging that the repository allows.
func (f *Forge) Methods(methods ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.methods = methods
}

// CopyDescriptions makes the title and the description the default message of
// merges: a setting of GitHub, and a template of GitLab.
func (f *Forge) CopyDescriptions() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.copies = true
}

// DuringMerge calls back once, after the forge decided on a merge and before
// the base's branch is moved.
func (f *Forge) DuringMerge(callback func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.onMerge = callback
}

// Quota allows so many requests until the reset, and as many afterwards.
func (f *Forge) Quota(left int, reset time.Time, again int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	q := &quota{left: left, reset: reset, again: again}
	prefix := "X-RateLimit-"
	q.refuse = func(w http.ResponseWriter) {
		reply(w, http.StatusForbidden, map[string]string{"message": "API rate limit exceeded for user ID 1."})
	}
	if _, ok := f.handler.(*gitlab); ok {
		prefix = "RateLimit-"
		q.refuse = func(w http.ResponseWriter) {
			w.Header().Set("Retry-After", strconv.Itoa(int(time.Until(q.reset).Seconds())))
			w.WriteHeader(http.StatusTooManyRequests)
			_, _ = w.Write([]byte("Retry later\n"))
		}
	}
	q.headers = func(h http.Header, left int, reset time.Time) {
		h.Set(prefix+"Limit", strconv.Itoa(again))
		h.Set(prefix+"Remaining", strconv.Itoa(left))
		h.Set(prefix+"Reset", strconv.FormatInt(reset.Unix(), 10))
	}
	f.quota = q
}

// during takes the callback of DuringMerge; it runs without the lock, since it
// may look at the forge.
func (f *Forge) during() func() {
	callback := f.onMerge
	f.onMerge = nil
	if callback == nil {
		return nil
	}
	return func() {
		f.mu.Unlock()
		defer f.mu.Lock()
		callback()
	}
}
