// Package forgefake is GitHub and GitLab for tests: http handlers that keep
// state, and that hold to what each forge documents of its pull requests.
//
//  1. The branches are those of a real bare repository, so that heads are real,
//     and merging makes a real commit there (git.go).
//  2. GitHub and GitLab answer with the forge's own statuses and words
//     (github.go, gitlab.go).
//  3. Before a request is served, a Fault may hit it: an error, a rate limit, a
//     connection that breaks before or after the deed (fault.go).
//  4. Statuses of commits are kept in the order in which they were given (status.go).
//  5. What people and rules do to a pull request, a test does by the methods of
//     Forge (people.go).
package forgefake

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Options say what the forge has.
type Options struct {
	Git      string // the directory of a bare repository
	Path     string // owner/name
	Token    string // the one that may do everything
	ReadOnly string // a token that may only read; optional
}

// Forge is a fake forge with one repository. It is safe for concurrent use.
type Forge struct {
	opt     Options
	git     bare
	handler http.Handler

	mu       sync.Mutex
	pulls    []*Pull
	labels   []string
	statuses []Status
	faults   []*Fault
	requests []string
	blocked  string // why merging is refused, in the forge's words
	methods  []string
	onMerge  func()
	copies   bool // titles and descriptions to the messages of merges
	quota    *quota
}

// Pull is a pull request as the forge keeps it.
type Pull struct {
	Number   int64
	Title    string // as it was sent, with any prefix
	Body     string
	Head     string
	Base     string
	State    string // open, closed or merged
	Draft    bool
	Labels   []string
	Comments []string
	MergeSHA string
	Fork     bool // its head is a branch of a fork

	headSHA string // the last one seen
	squash  string
	looked  bool // at whether it can be merged
}

func newForge(opt Options) *Forge {
	return &Forge{opt: opt, git: bare(opt.Git), methods: []string{"merge", "squash", "rebase"}}
}

// ServeHTTP serves the forge's API. The web pages are not there.
func (f *Forge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.requests = append(f.requests, r.Method+" "+r.URL.Path)
	fault := f.fault(r)
	f.mu.Unlock()
	serve := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.quota != nil && !f.quota.take(w) {
			return
		}
		f.handler.ServeHTTP(w, r)
	})
	if fault != nil {
		fault.serve(w, r, serve)
		return
	}
	serve(w, r)
}

// find lists those that the test accepts, newest first.
func (f *Forge) find(accept func(*Pull) bool) []*Pull {
	var found []*Pull
	for _, p := range slices.Backward(f.pulls) {
		if accept(p) {
			found = append(found, p)
		}
	}
	return found
}

// numbered finds the pull request that a path's wildcard names.
func (f *Forge) numbered(r *http.Request) *Pull {
	number, err := strconv.ParseInt(r.PathValue("number"), 10, 64)
	if err != nil || number < 1 || number > int64(len(f.pulls)) {
		return nil
	}
	return f.pulls[number-1]
}

// add opens a pull request.
func (f *Forge) add(p Pull) *Pull {
	p.Number, p.State = int64(len(f.pulls)+1), "open"
	f.pulls = append(f.pulls, &p)
	return &p
}

// head is the commit of a pull request's head: an open one follows its branch.
func (f *Forge) head(p *Pull) string {
	if p.State == "open" {
		if sha := f.git.branch(p.Head); sha != "" {
			if sha != p.headSHA {
				p.looked = false
			}
			p.headSHA = sha
		}
	}
	return p.headSHA
}

// label adds labels to a pull request, and to the repository.
func (f *Forge) label(p *Pull, labels []string) {
	for _, l := range labels {
		if !slices.Contains(f.labels, l) {
			f.labels = append(f.labels, l)
		}
		if !slices.Contains(p.Labels, l) {
			p.Labels = append(p.Labels, l)
		}
	}
}

// page cuts a list as both forges do it, and writes the Link header.
func page[T any](w http.ResponseWriter, r *http.Request, all []T, usual int) []T {
	query := r.URL.Query()
	size, number := atoi(query.Get("per_page"), usual), atoi(query.Get("page"), 1)
	size = min(size, 100)
	start := min((number-1)*size, len(all))
	end := min(start+size, len(all))
	if end < len(all) {
		next := url.URL{Scheme: "http", Host: r.Host, Path: r.URL.Path}
		query.Set("page", strconv.Itoa(number+1))
		next.RawQuery = query.Encode()
		w.Header().Set("Link", fmt.Sprintf(`<%s>; rel="next"`, next.String()))
		w.Header().Set("X-Next-Page", strconv.Itoa(number+1))
	}
	return all[start:end]
}

func atoi(s string, usual int) int {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		return usual
	}
	return n
}

func reply(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value) // a client that is gone needs no answer
}

// read decodes a request's body; what is not JSON is answered.
func read(w http.ResponseWriter, r *http.Request, value any) bool {
	if err := json.NewDecoder(r.Body).Decode(value); err != nil {
		reply(w, http.StatusBadRequest, map[string]string{"message": "Problems parsing JSON"})
		return false
	}
	return true
}

// bearer is the token of a request.
func bearer(r *http.Request) string {
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return token
}

// quota is a primary rate limit.
type quota struct {
	left    int
	reset   time.Time
	again   int
	headers func(h http.Header, left int, reset time.Time)
	refuse  func(w http.ResponseWriter)
}

// take counts a request, and answers it when there are too many.
func (q *quota) take(w http.ResponseWriter) bool {
	if !time.Now().Before(q.reset) {
		q.left, q.reset = q.again, time.Now().Add(time.Hour)
	}
	ok := q.left > 0
	q.left = max(q.left-1, 0)
	q.headers(w.Header(), q.left, q.reset)
	if !ok {
		q.refuse(w)
	}
	return ok
}
