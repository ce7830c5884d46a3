package forge

import "net/http"

// Answer is what became of one request to a forge's API, for figures.
type Answer struct {
	Host      string // of the API, with its port
	Status    int    // 0 where no answer came
	Remaining int64  // requests that are left of the rate limit, as the forge says; -1 where it does not
}

// tell tells of a request; res is nil where no answer came.
func (t *transport) tell(req *http.Request, res *http.Response) {
	if t.answered == nil {
		return
	}
	a := Answer{Host: req.URL.Host, Remaining: -1}
	if res != nil {
		a.Status = res.StatusCode
		if left, known := number(res, "Remaining"); known {
			a.Remaining = left
		}
	}
	t.answered(a)
}
