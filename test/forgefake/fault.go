package forgefake

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"time"
)

// Fault hits requests. Its zero value breaks the connection of every request
// before it is served.
type Fault struct {
	Method string // which requests; empty for all
	Path   string // what the path ends in; empty for all
	Times  int    // how many it hits; 0 for all

	Served bool // the request is served first, and its answer lost
	Half   bool // the connection breaks in the middle of the answer
	Hang   bool // there is no answer until the client gives up

	Status int // answered instead; 0 breaks the connection
	Header http.Header
	Body   string
}

// Fail makes the fault hit requests from now on. Faults that were added
// earlier go first.
func (f *Forge) Fail(fault Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if fault.Times == 0 {
		fault.Times = -1
	}
	f.faults = append(f.faults, &fault)
}

// Recover takes all faults away.
func (f *Forge) Recover() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults = nil
}

func (f *Forge) fault(r *http.Request) *Fault {
	for _, fault := range f.faults {
		if fault.Times == 0 || fault.Method != "" && fault.Method != r.Method || !strings.HasSuffix(r.URL.Path, fault.Path) {
			continue
		}
		fault.Times--
		return fault
	}
	return nil
}

func (fault *Fault) serve(w http.ResponseWriter, r *http.Request, next http.HandlerFunc) {
	answer := httptest.NewRecorder()
	if fault.Served || fault.Half {
		next(answer, r)
	}
	switch {
	case fault.Hang:
		<-r.Context().Done()
	case fault.Half:
		// The length is announced, and half of it sent.
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", strconv.Itoa(answer.Body.Len()))
		_, _ = w.Write(answer.Body.Bytes()[:answer.Body.Len()/2])
	case fault.Status != 0:
		for name, values := range fault.Header {
			w.Header()[http.CanonicalHeaderKey(name)] = values
		}
		w.WriteHeader(fault.Status)
		_, _ = io.WriteString(w, fault.Body)
		return
	}
	panic(http.ErrAbortHandler)
}

// SecondaryLimit is how GitHub slows a client down that does too much at once.
func SecondaryLimit(after time.Duration) Fault {
	return Fault{
		Times: 1, Status: http.StatusForbidden,
		Header: http.Header{"Retry-After": {strconv.Itoa(int(after.Seconds()))}},
		Body: `{"message": "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
			"documentation_url": "https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api#about-secondary-rate-limits"}`,
	}
}

// Transport serves requests without a network, and so fits testing/synctest.
func (f *Forge) Transport() http.RoundTripper { return inMemory{f} }

type inMemory struct{ forge *Forge }

var errCut = errors.New("the connection was cut")

func (t inMemory) RoundTrip(r *http.Request) (res *http.Response, err error) {
	defer func() {
		if recover() == http.ErrAbortHandler { //nolint:errorlint // the very value is the signal
			res, err = nil, errCut
		}
	}()
	answer := httptest.NewRecorder()
	inner := r.Clone(r.Context())
	inner.RequestURI = r.URL.RequestURI()
	if inner.Body == nil {
		inner.Body = http.NoBody
	}
	t.forge.ServeHTTP(answer, inner)
	res = answer.Result()
	res.Request = r
	return res, nil
}
