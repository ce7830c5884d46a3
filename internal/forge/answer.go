package forge

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// call follows a verb through a client library down to the transport. The
// libraries keep what a forge answers in three ways, and in places drop it:
// so the transport notes it here.
type call struct {
	repeat bool   // doing it twice is as good as doing it once
	sent   bool   // the last request may have reached the forge
	status int    // of the last answer; 0 without one
	reason string // what the forge said when it refused
}

type callKey struct{}

func (c *call) in(ctx context.Context) context.Context { return context.WithValue(ctx, callKey{}, c) }

func callOf(ctx context.Context) *call {
	if c, ok := ctx.Value(callKey{}).(*call); ok {
		return c
	}
	return &call{}
}

// note keeps an answer; body is what came with it.
func (c *call) note(status int, body []byte) {
	c.status, c.reason = status, ""
	if status >= 400 {
		// GitLab starts with the status, which the error says anyway.
		c.reason = strings.TrimPrefix(reason(body), fmt.Sprintf("%d ", status))
	}
}

// reasonLimit bounds what is kept of a forge's words, in characters.
const reasonLimit = 500

// reason finds the words for people in the body of a refusal. What is not JSON
// is some proxy's page, and not shown.
func reason(body []byte) string {
	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		return ""
	}
	said := []rune(strings.Join(strings.Fields(words(value)), " "))
	if len(said) > reasonLimit {
		said = append(said[:reasonLimit], '…')
	}
	return string(said)
}

// words collects texts: GitHub has message and errors, GitLab a message that is
// text, a list or lists by field, or an error with its description, and Gitea
// message, or Err for a conflict.
func words(value any) string {
	switch value := value.(type) {
	case string:
		return value
	case []any:
		var all []string
		for _, item := range value {
			all = appendNew(all, words(item))
		}
		return strings.Join(all, "; ")
	case map[string]any:
		var all []string
		for _, key := range []string{"message", "error", "error_description", "errors", "Err"} {
			all = appendNew(all, words(value[key]))
		}
		if len(all) == 0 {
			all = fields(value)
		}
		return strings.Join(all, ": ")
	default:
		return ""
	}
}

// fields describes an error that has no message: GitHub's with resource, field
// and code, and GitLab's lists by field.
func fields(value map[string]any) []string {
	if code, ok := value["code"].(string); ok {
		return []string{strings.TrimSpace(fmt.Sprintf("%s %s", words(value["field"]), code))}
	}
	var all []string
	for _, key := range slices.Sorted(maps.Keys(value)) {
		if said := words(value[key]); said != "" {
			all = append(all, key+" "+said)
		}
	}
	return all
}

func appendNew(all []string, said string) []string {
	if said == "" || slices.Contains(all, said) {
		return all
	}
	return append(all, said)
}

// refused reports whether the verb's last answer was this refusal: its status, and
// words that its reason holds.
func refused(err error, status int, anyOf ...string) bool {
	e, ok := asError(err)
	if !ok || e.Status != status {
		return false
	}
	return slices.ContainsFunc(anyOf, func(words string) bool {
		return strings.Contains(strings.ToLower(e.Reason), words)
	})
}

// denied reports whether the token or the address is to blame.
func denied(err error) bool {
	e, ok := asError(err)
	return ok && (e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden || e.Status == http.StatusNotFound)
}
